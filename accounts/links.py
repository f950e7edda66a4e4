"""Signed and digested one-use links: what stands in an address, and what the database keeps."""

from __future__ import annotations

import hashlib

from django.core import signing

_VERIFY_SALT = "accounts.verify-address"
_DENY_SALT = "accounts.deny-sign-in"
VERIFY_LASTS = 6 * 3600  # seconds


def digest_link(secret: str) -> str:
    """What is stored of a link's secret, which has 256 random bits (SHA-256)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def sign_address(address_id: int, address_key: str) -> str:
    """The text that a verification link carries: bound to its purpose and to the address."""
    return signing.dumps([address_id, address_key], salt=_VERIFY_SALT)


def read_address(text: str) -> tuple[int, str]:
    """The address id and key of a verification link.

    Raises:
        signing.SignatureExpired: 6 hours after it was sent.
        signing.BadSignature: if this site did not make it.
    """
    address_id, address_key = signing.loads(text, salt=_VERIFY_SALT, max_age=VERIFY_LASTS)
    return int(address_id), str(address_key)


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
