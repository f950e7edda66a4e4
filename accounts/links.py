"""Signed and digested one-use links: what stands in an address, and what the database keeps."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core import signing

from accounts.models import EmailAddress

_VERIFY_SALT = "accounts.verify-address"
_DENY_SALT = "accounts.deny-sign-in"
_RESET_SALT = "accounts.reset-password"
_RECOVERY_SALT = "accounts.cancel-recovery"
_STOP_MAIL_SALT = "accounts.stop-mail"
VERIFY_LASTS = 6 * 3600  # seconds
RESET_LASTS = 6 * 3600


def digest_link(secret: str) -> str:
    """What is stored of a link's secret, which has 256 random bits (SHA-256)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def sign_address(address: EmailAddress) -> str:
    """The text of a verification link: bound to its purpose, the address and the owner."""
    content = [address.pk, address.address_key, str(address.user_id)]
    return signing.dumps(content, salt=_VERIFY_SALT)


def read_address(text: str) -> tuple[int, str, str]:
    """The address's id and key, and its owner's id, of a verification link.

    Raises:
        signing.SignatureExpired: 6 hours after it was sent.
        signing.BadSignature: if this site did not make it.
    """
    address_id, address_key, user_id = _read(text, salt=_VERIFY_SALT, lasts=VERIFY_LASTS)
    return int(address_id), str(address_key), str(user_id)


def sign_reset(reset_id: str) -> str:
    """The text of a link to reset a password."""
    return signing.dumps([reset_id], salt=_RESET_SALT)


def read_reset(text: str) -> str:
    """What `sign_reset` was given.

    Raises:
        signing.SignatureExpired: 6 hours after it was sent.
        signing.BadSignature: if this site did not make it.
    """
    (reset_id,) = _read(text, salt=_RESET_SALT, lasts=RESET_LASTS)
    return str(reset_id)


def sign_denial(sign_in_id: int, address: str) -> str:
    """What the mail about an unknown device carries: bound to the sign-in and to its recipient."""
    return signing.dumps([sign_in_id, address], salt=_DENY_SALT)


def read_denial(text: str) -> tuple[int, str]:
    """The sign-in's id, and the address that the mail went to; the row knows when it ends.

    Raises:
        signing.BadSignature: if this site did not make it.
    """
    sign_in_id, address = signing.loads(text, salt=_DENY_SALT)
    return int(sign_in_id), str(address)


def sign_recovery(case_id: str) -> str:
    """What the mail about a recovery case carries, with which it is cancelled."""
    return signing.dumps([case_id], salt=_RECOVERY_SALT)


def read_recovery(text: str) -> str:
    """What `sign_recovery` was given; the row knows when the link ends.

    Raises:
        signing.BadSignature: if this site did not make it.
    """
    (case_id,) = signing.loads(text, salt=_RECOVERY_SALT)
    return str(case_id)


def sign_mail_stop(account_id: str, topic: str) -> str:
    """What every mail of a topic carries, with which its account ends that topic, and no more."""
    return signing.dumps([account_id, topic], salt=_STOP_MAIL_SALT)


def read_mail_stop(text: str) -> tuple[str, str]:
    """What `sign_mail_stop` was given; it works as long as the account and the topic are there.

    Raises:
        signing.BadSignature: if this site did not make it.
    """
    account_id, topic = signing.loads(text, salt=_STOP_MAIL_SALT)
    return str(account_id), str(topic)


def _read(text: str, *, salt: str, lasts: int) -> list[Any]:
    content: list[Any] = signing.loads(text, salt=salt, max_age=lasts)
    return content
