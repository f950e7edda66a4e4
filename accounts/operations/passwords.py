"""Passwords: changing one's own, and resetting a forgotten one by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import limits, notices
from accounts.events import (
    PASSWORD_CHANGED,
    PASSWORD_RESET,
    PASSWORD_RESET_ASKED,
    PASSWORD_RESET_REFUSED,
)
from accounts.limits import LimitReached
from accounts.links import sign_reset
from accounts.models import EmailAddress, PasswordReset, User
from accounts.operations import sessions
from audit import keyring
from audit.actors import Actor
from audit.failures import record_failure
from audit.log import record
from audit.vocabulary import EventKind

SETTLED = timedelta(days=7)  # how long an address waits before it takes an older one's place


@notices.adds_facts("password_reset")
def _reset_link(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the link when the mail is sent, so that the outbox holds no secret."""
    query = urlencode({"link": sign_reset(facts["reset_id"])})
    return {"link": f"{settings.SITE_URL}{reverse('accounts:reset-password')}?{query}"}


def set_password(user: User, password: str, *, keep_session: str | None, by: Actor) -> None:
    """Give an account a new password; all its sessions end, but for one that may go on.

    Args:
        password: one that was judged before.
        keep_session: the key of the session that goes on, or None.
    """
    password_hash = make_password(password)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        _store(user, password_hash, PASSWORD_CHANGED, keep_session=keep_session, by=by)


def _store(
    user: User, password_hash: str, kind: EventKind, *, keep_session: str | None, by: Actor
) -> None:
    """What every way to a new password comes to, under the lock of the account."""
    User.objects.filter(pk=user.pk).update(password=password_hash)
    notices.send_to_all("password_changed", user, by=by)
    sessions.end_sessions(user, keep=keep_session, by=by)
    record(kind, by=by, about=[user])


def request_reset(text: str, *, by: Actor) -> None:
    """Send a link to reset a password, if there is an account and an address to send it to.

    Whoever asks learns nothing from the answer, nor from how long it takes: each way reads the
    same tables, and records one event in one transaction.

    Args:
        text: a user name or a mail address, as it was typed.

    Raises:
        LimitReached: if this network address has asked too often.
    """
    limits.RESET_NETWORK.take(limits.network_key(by.network_address))
    user, typed = _find_account(text)
    if user is None:
        _refuse(None, "unknown account", text, by=by)
        return
    address = choose_address(list(user.email_addresses.usable()), typed, now=timezone.now())
    if address is None:
        _refuse(user, "no verified address", text, by=by)
        return
    try:
        limits.RESET_USER.take(str(user.pk))
    except LimitReached:
        _refuse(user, "asked too often", text, by=by)
        return
    _send_reset(user, address, by=by)


def _find_account(text: str) -> tuple[User | None, str]:
    """The account that a text names, and the key of the address if it named that."""
    text = text.strip().lower().replace("\x00", "")
    if "@" in text:
        address = EmailAddress.objects.usable().filter(address_key=text).first()
        user = User.objects.filter(pk=address.user_id).first() if address is not None else None
    else:
        user = User.objects.filter(username_key=text).first()
    is_open = user is not None and user.is_active
    return (user, text if "@" in text else "") if is_open else (None, "")


def choose_address(
    addresses: Sequence[EmailAddress], typed: str, *, now: datetime
) -> EmailAddress | None:
    """Which of an account's usable addresses a link goes to: the one typed, else the primary one.

    An address that was verified in the last 7 days does not get it while an older one is there,
    which then does: whoever took an account over may have added the new one. (An address that was
    verified since a sign-in from an unknown device in the last 7 days is among those.) An address
    that is the only one, or the oldest, always gets it.

    Args:
        addresses: of one account, verified and not held.
        typed: the lower-case address that was typed, "" where it was a user name.
    """
    by_age = sorted(addresses, key=lambda row: (row.verified_at or now, row.pk))
    wanted = [row for row in by_age if row.address_key == typed] or [
        row for row in by_age if row.is_primary
    ]
    if not by_age or not wanted:
        return by_age[0] if by_age else None
    is_settled = (wanted[0].verified_at or now) <= now - SETTLED
    return wanted[0] if is_settled else by_age[0]


@transaction.atomic
def _send_reset(user: User, address: EmailAddress, *, by: Actor) -> None:
    reset = PasswordReset.objects.create(
        user=user,
        address=address,
        last_login=user.last_login,
        password_version=user.password_version,
    )
    notices.send_to_address("password_reset", address, by=by, reset_id=str(reset.pk))
    record(PASSWORD_RESET_ASKED, by=by, about=[user], mail_addresses=[address.address])


def _refuse(user: User | None, reason: str, text: str, *, by: Actor) -> None:
    name = "" if user else keyring.digest(keyring.NAMES, text.lower())[:16]
    record_failure(
        PASSWORD_RESET_REFUSED,
        by=by,
        about=[user] if user else [],
        distinct_by=reason,
        reason=reason,
        name_digest=name,
    )


def find_reset(reset_id: str) -> PasswordReset | None:
    """What a link stands for, if it can still be used."""
    reset = PasswordReset.objects.select_related("user", "address").filter(pk=reset_id).first()
    return reset if reset is not None and _is_open(reset, reset.user) else None


def _is_open(reset: PasswordReset, user: User) -> bool:
    """Whether nothing has happened since it was asked for: no use, no sign-in, no new password."""
    return (
        reset.spent_at is None
        and user.is_active
        and reset.last_login == user.last_login
        and reset.password_version == user.password_version
    )


def reset_password(reset: PasswordReset, password: str, *, by: Actor) -> None:
    """Use a link up. It signs nobody in, and the second factor stays as it is.

    Raises:
        PermissionDenied: if the link was used, or somebody signed in or changed the password.
    """
    password_hash = make_password(password)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=reset.user_id)
        unspent = PasswordReset.objects.filter(pk=reset.pk, spent_at=None)
        if not _is_open(reset, user) or unspent.update(spent_at=timezone.now()) != 1:
            raise PermissionDenied(_("This link was used or has ended."))
        actor = by.as_user(user, credential="link")
        _store(user, password_hash, PASSWORD_RESET, keep_session=None, by=actor)


def forget_old_resets() -> int:
    """Delete what links stood for that ended long ago."""
    count, _rows = PasswordReset.objects.filter(
        created_at__lt=timezone.now() - timedelta(days=30)
    ).delete()
    return count
