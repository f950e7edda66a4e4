"""“This was not me”: what the owner of an account does about a sign-in that was not theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from accounts.events import HELD_DELETED, HELD_RELEASED, SIGN_IN_DENIED, UPLOADS_RESUMED
from accounts.links import sign_denial
from accounts.models import (
    SECOND_FACTORS,
    EmailAddress,
    OutboxMail,
    RecoveryCodeSet,
    SecondFactor,
    UnknownSignIn,
    User,
)
from accounts.models.signed_in import DENIABLE_FOR
from accounts.operations import sessions
from accounts.permissions import lock_own_account
from audit.actors import Actor
from audit.log import record

Held = SecondFactor | EmailAddress
NEW_FACTOR_WAITS = timedelta(days=3)


@notices.adds_facts("unknown_device")
def _describe_sign_in(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the link when the mail is sent, so that the outbox holds no secret."""
    sign_in = UnknownSignIn.objects.get(pk=facts["sign_in_id"])
    query = urlencode({"link": sign_denial(sign_in.pk, facts["sent_to"])})
    return {
        "link": f"{settings.SITE_URL}{reverse('accounts:deny-sign-in')}?{query}",
    }


@transaction.atomic
def deny_sign_in(sign_in: UnknownSignIn, *, address: str, by: Actor) -> None:
    """Take back what a sign-in could have led to. Once for each sign-in, for 7 days after it.

    Sessions end, devices are forgotten, uploads are suspended, what was added since is held, and
    the password is disabled until its owner sets a new one by mail. Older second factors stay.

    Args:
        address: where the mail with the link went. If it was taken off the account since, it comes
            back: whoever got in must not be able to keep the owner out by that.

    Raises:
        PermissionDenied: if it was done before, or is too late.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=sign_in.user_id)
    now = timezone.now()
    first = _first_open(sign_in)
    if not sign_in.is_deniable or not UnknownSignIn.objects.filter(
        pk=sign_in.pk, denied_at=None
    ).update(denied_at=now):
        raise PermissionDenied(_("This link was used or has ended."))
    _spend_later(sign_in, now=now)
    told = {row.pk: row for row in user.email_addresses.usable()}  # those held below as well
    is_owners = _was_told(address, first=first, sign_in=sign_in)
    kept = address if is_owners else ""
    held = _hold_factors(user, since=first.happened_at, now=now)
    held += _hold_addresses(user, since=first.happened_at, now=now, kept=kept)
    if is_owners:
        _restore_address(user, address, since=first.happened_at)
    _ensure_primary(user)
    told |= {row.pk: row for row in user.email_addresses.usable()}
    user.password, user.password_changed_at = make_password(None), now
    user.uploads_suspended_at = user.uploads_suspended_at or now
    user.save(update_fields=["password", "password_changed_at", "uploads_suspended_at"])
    limits.RESET_USER.forget(str(user.pk))  # the intruder may have used them up
    sessions.end_sessions(user, keep=None, forget_devices=True, by=by)
    happened_at = sign_in.happened_at.strftime("%Y-%m-%d %H:%M UTC")
    record(SIGN_IN_DENIED, by=by, about=[user], happened_at=happened_at, held=held)
    for row in told.values():
        notices.send_to_address("sign_in_denied", row, by=by, sign_in_at=happened_at, held=held)


def _first_open(sign_in: UnknownSignIn) -> UnknownSignIn:
    """The first sign-in before this one that may have been by the same somebody, or this one.

    Whoever signs in once more must not make what they added before look old.
    """
    earlier = UnknownSignIn.objects.filter(
        user=sign_in.user_id,
        denied_at=None,
        happened_at__gt=sign_in.happened_at - DENIABLE_FOR,
        happened_at__lt=sign_in.happened_at,
    )
    return earlier.order_by("happened_at", "pk").first() or sign_in


def _spend_later(sign_in: UnknownSignIn, *, now: datetime) -> None:
    """End the links of later sign-ins: they may have gone to an address of the intruder."""
    later = UnknownSignIn.objects.filter(user=sign_in.user_id, denied_at=None)
    later.filter(happened_at__gte=sign_in.happened_at).update(denied_at=now)


def _was_told(address: str, *, first: UnknownSignIn, sign_in: UnknownSignIn) -> bool:
    """Whether an address was the account's own before the first of the sign-ins.

    The link proves it for the sign-in that it is about, and the mail about the first one for that.
    """
    return (
        first == sign_in
        or OutboxMail.objects.filter(
            notice="unknown_device", facts__sign_in_id=first.pk, facts__sent_to=address
        ).exists()
    )


def _hold_factors(user: User, *, since: datetime, now: datetime) -> int:
    """Hold confirmed factors; end offers and recovery codes, which somebody may have read."""
    held = 0
    for kind in SECOND_FACTORS:
        kind.objects.filter(user=user, confirmed=False).delete()
        held += kind.objects.filter(user=user, created_at__gte=since, held_at=None).update(
            held_at=now
        )
    RecoveryCodeSet.objects.filter(user=user, created_at__gte=since).delete()
    return held


def _hold_addresses(user: User, *, since: datetime, now: datetime, kept: str) -> int:
    added = EmailAddress.objects.filter(user=user, added_at__gte=since, held_at=None)
    return added.exclude(address_key=kept.lower()).update(held_at=now, is_primary=False)


def _restore_address(user: User, address: str, *, since: datetime) -> None:
    """Bring back the address that got the link, as old as the account; primary if none is.

    If it was removed and added again, it is unverified and new, and could reset no password.
    """
    key = address.lower()
    verified = EmailAddress.objects.filter(address_key=key, verified_at__isnull=False)
    if verified.exclude(user=user).exists():  # of somebody else meanwhile
        return
    mine = EmailAddress.objects.filter(user=user)
    row = mine.filter(address_key=key).first() or EmailAddress(user=user, address=address)
    row.held_at = None
    if row.verified_at is None or row.added_at >= since:
        row.verified_at = row.added_at = user.joined_at
    if not mine.usable().filter(is_primary=True).exists():
        mine.filter(is_primary=True).update(is_primary=False)
        row.is_primary = True
    row.save()


def _ensure_primary(user: User) -> None:
    """Make the oldest usable address the primary one, if the one that was it is held.

    Without a primary address, an account counts as unverified, and its pages stay closed.
    """
    mine = EmailAddress.objects.filter(user=user)
    oldest = mine.usable().order_by("verified_at", "pk").first()
    if oldest is not None and not mine.filter(is_primary=True).exists():
        mine.filter(pk=oldest.pk).update(is_primary=True)


def find_held(user: User) -> list[Held]:
    """The factors and addresses that wait for their owner's word."""
    return list(_held(user))


def _held(user: User) -> Iterator[Held]:
    kinds: tuple[Any, ...] = (*SECOND_FACTORS, EmailAddress)
    for kind in kinds:
        yield from kind.objects.filter(user=user, held_at__isnull=False).order_by("pk")


def _held_rows(row: Held) -> Any:
    """The row, if it still is held."""
    table: Any = type(row)
    return table.objects.filter(pk=row.pk, held_at__isnull=False)


def _describe(row: Held) -> tuple[str, str]:
    """What it is, and its label; a mail address is not for sealed fields."""
    if isinstance(row, EmailAddress):
        return "mail address", ""
    return "second factor", str(row.name)


def find_hindrance(user: User, *, denied_at: datetime) -> str:
    """Why nothing that a denial stopped may go on now, as a sentence; empty if it may.

    A password that came by mail proves too little. So does a factor that was added with it: that
    is enough only where no older one is left, and time has passed in which the owner was told.
    """
    if not user.has_second_factor:
        return _("Add a second factor first.")
    if any(factor.created_at < denied_at for factor in user.second_factors):
        return ""
    enough_at = denied_at + NEW_FACTOR_WAITS
    if timezone.now() >= enough_at:
        return ""
    return _(
        "Your second factor was added after the sign-in was denied. It lets you release things "
        "and resume uploads %(days)d days after the denial: from %(time)s on."
    ) % {"days": NEW_FACTOR_WAITS.days, "time": f"{enough_at:%Y-%m-%d %H:%M} UTC"}


def _require_factor(user: User, *, denied_at: datetime | None) -> None:
    """Refuse, unless one of the account's factors proves enough."""
    hindrance = find_hindrance(user, denied_at=denied_at or timezone.now())
    if hindrance:
        raise PermissionDenied(hindrance)


@transaction.atomic
def release_held(row: Held, *, by: Actor) -> bool:
    """Let a held thing count again; its owner says that they added it.

    Returns:
        False if it was released or deleted before.

    Raises:
        PermissionDenied: without a second factor that proves enough.
    """
    user = lock_own_account(row.user_id, by=by)
    _require_factor(user, denied_at=row.held_at)
    if not _held_rows(row).update(held_at=None):
        return False
    what, label = _describe(row)
    record(HELD_RELEASED, by=by, about=[user], what=what, label=label)
    return True


@transaction.atomic
def delete_held(row: Held, *, by: Actor) -> bool:
    """Remove a held thing for good.

    Returns:
        False if it was released or deleted before.
    """
    user = lock_own_account(row.user_id, by=by)
    if not _held_rows(row).delete()[0]:
        return False
    what, label = _describe(row)
    record(HELD_DELETED, by=by, about=[user], what=what, label=label)
    return True


@transaction.atomic
def resume_uploads(user: User, *, by: Actor) -> bool:
    """Let API tokens of this account upload again.

    Returns:
        False if they could.

    Raises:
        PermissionDenied: without a second factor that proves enough.
    """
    user = lock_own_account(user.pk, by=by)
    _require_factor(user, denied_at=user.uploads_suspended_at)
    suspended = User.objects.filter(pk=user.pk, uploads_suspended_at__isnull=False)
    if not suspended.update(uploads_suspended_at=None):
        return False
    record(UPLOADS_RESUMED, by=by, about=[user])
    for address in user.email_addresses.filter(verified_at__isnull=False):  # held ones as well
        notices.send_to_address("uploads_resumed", address, by=by)
    return True
