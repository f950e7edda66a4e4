"""Passwords: changing one's own, and resetting a forgotten one by mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import limits, notices
from accounts.events import (
    PASSWORD_CHANGED,
    PASSWORD_DISABLED,
    PASSWORD_RESET,
    PASSWORD_RESET_ASKED,
    PASSWORD_RESET_REFUSED,
)
from accounts.limits import LimitReached
from accounts.links import sign_reset
from accounts.models import EmailAddress, OutboxMail, PasswordReset, User
from accounts.models.people import EmailAddressQuerySet
from accounts.operations import sessions
from accounts.permissions import MAY_HELP, lock_accounts, require_staff
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
        user: the account as it was when whoever asks was let in.
        password: one that was judged before.
        keep_session: the key of the session that goes on, or None.

    Raises:
        PermissionDenied: if the account was closed or got a new password meanwhile, or the session
            that was to go on was ended: what ends sessions must not be undone from one of them.
    """
    password_hash = make_password(password)
    with transaction.atomic():
        present = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
        row = present.first()
        is_changed = row is None or row.password_changed_at != user.password_changed_at
        if is_changed or (keep_session and not sessions.is_open(user, keep_session)):
            raise PermissionDenied(_("The account was changed meanwhile. Sign in again."))
        _store(user, password_hash, PASSWORD_CHANGED, keep_session=keep_session, by=by)


def _store(
    user: User, password_hash: str, kind: EventKind, *, keep_session: str | None, by: Actor
) -> None:
    """What every way to a new password comes to, under the lock of the account."""
    User.objects.filter(pk=user.pk).update(
        password=password_hash, password_changed_at=timezone.now()
    )
    notices.send_to_all("password_changed", user, by=by)
    sessions.end_sessions(user, keep=keep_session, by=by)
    record(kind, by=by, about=[user])


@transaction.atomic
def disable_password(user: User, *, reason: str, by: Actor) -> int:
    """Let nobody sign in with the password that an account has, until its owner resets it by mail.

    Its sessions end. Second factors and passkeys stay; a passkey still signs in.

    Returns:
        How many sessions were ended.

    Raises:
        PermissionDenied: if whoever acts may not do this to the account.
        ValidationError: if it has no password that could be used.
    """
    (row,) = lock_accounts([user], by=by)
    require_staff(by, MAY_HELP, about=row)
    if not row.has_usable_password():
        raise ValidationError(_("The password of this account is disabled."), code="done")
    User.objects.filter(pk=row.pk).update(
        password=make_password(None), password_changed_at=timezone.now()
    )
    notices.send_to_all("password_disabled", row, by=by, reason=reason)
    count = sessions.end_sessions(row, keep=None, by=by)
    record(PASSWORD_DISABLED, by=by, about=[row], reason=reason)
    return count


def request_reset(text: str, *, by: Actor) -> None:
    """Queue a mail with a link to reset a password, be there such an account or not.

    Nothing is looked up here, so neither the answer nor the time that it takes tells anything: the
    worker finds out whom the mail goes to.

    Args:
        text: a user name or a mail address, as it was typed.

    Raises:
        LimitReached: if this network address has asked too often.
    """
    limits.RESET_NETWORK.take(limits.network_key(by.network_address))
    notices.send_unaddressed("password_reset", by=by, asked_for=text)


@notices.finds_recipient("password_reset")
def _address_mail(mail: OutboxMail) -> bool:
    """Find the account and the address, and put them into the row in the place of what was typed.

    Returns:
        False if nobody gets the mail, which is then recorded.
    """
    by = Actor("anonymous", **mail.origin)
    user, typed = _find_account(mail.facts["asked_for"])
    if user is None:
        unverified = EmailAddress.objects.filter(user__is_active=True, address_key=typed)
        return _say_unverified(mail, unverified, None, typed, by=by)
    address = choose_address(list(user.email_addresses.usable()), typed, now=timezone.now())
    if address is None:
        return _say_unverified(mail, user.email_addresses.all(), user, typed, by=by)
    try:
        limits.RESET_USER.take(str(user.pk))
    except LimitReached:
        return _refuse(user, "asked too often", typed, by=by)
    reset = PasswordReset.objects.create(
        user=user,
        address=address,
        last_login=user.last_login,
        password_version=user.password_version,
    )
    notices.complete(mail, address, reset_id=str(reset.pk))
    record(PASSWORD_RESET_ASKED, by=by, about=[user], mail_addresses=[address.address])
    return True


def _say_unverified(
    mail: OutboxMail, addresses: EmailAddressQuerySet, user: User | None, typed: str, *, by: Actor
) -> bool:
    """Make the mail a word to an address that it resets no password: nobody has verified it.

    It goes out at most 3 times a day, so that nobody fills a stranger's mailbox with it.

    Returns:
        False if nobody gets a mail. What was asked for is recorded as not followed either way.
    """
    unverified = addresses.filter(verified_at=None, held_at=None).select_related("user")
    address = unverified.order_by("-is_primary", "pk").first()
    if address is not None:
        try:
            limits.IN_USE_MAIL.take(keyring.digest(keyring.NAMES, address.address_key))
        except LimitReached:
            return _refuse(user, "asked too often", typed, by=by)
        mail.notice = "reset_unverified"
        notices.complete(mail, address)
    _refuse(user, "no verified address" if user else "unknown account", typed, by=by)
    return address is not None


def _find_account(text: str) -> tuple[User | None, str]:
    """The account that a text names, and the text as addresses are compared."""
    typed = text.strip().lower().replace("\x00", "")
    people = User.objects.filter(is_active=True)
    if "@" in typed:
        owned = EmailAddress.objects.usable().filter(address_key=typed)
        people = people.filter(pk__in=owned.values("user"))
    else:
        people = people.filter(username_key=typed)
    return people.first(), typed


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
        typed: what was typed, in lower case: one of the addresses, or the user name.
    """
    by_age = sorted(addresses, key=lambda row: (row.verified_at or now, row.pk))
    wanted = [row for row in by_age if row.address_key == typed] or [
        row for row in by_age if row.is_primary
    ]
    if not by_age or not wanted:
        return by_age[0] if by_age else None
    is_settled = (wanted[0].verified_at or now) <= now - SETTLED
    return wanted[0] if is_settled else by_age[0]


def _refuse(user: User | None, reason: str, typed: str, *, by: Actor) -> bool:
    record_failure(
        PASSWORD_RESET_REFUSED,
        by=by,
        about=[user] if user else [],
        distinct_by=reason,
        reason=reason,
        name_digest="" if user else keyring.digest(keyring.NAMES, typed)[:16],
    )
    return False


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
