"""Freezing accounts and ending their sessions: what staff do when an account is in wrong hands."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import notices
from accounts.events import ACCOUNT_FROZEN, ACCOUNT_UNFROZEN, SESSIONS_ENDED_BY_STAFF
from accounts.models import User
from accounts.operations.sessions import end_sessions_of
from accounts.permissions import lock_accounts, require_staff
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, SUPPORT
from audit.log import record

MAY_FREEZE = frozenset({SUPPORT, ADMINISTRATOR})


@transaction.atomic
def freeze_accounts(users: Sequence[User], *, reason: str, by: Actor) -> int:
    """Close accounts until they are unfrozen: no sign-in, no session, no upload with any token.

    All of them, or none. Their tokens are kept, and work again afterwards.

    Returns:
        How many were not frozen before.

    Raises:
        PermissionDenied: if whoever acts may not do this to one of them.
    """
    rows = lock_accounts(users, by=by)
    for user in rows:
        require_staff(by, MAY_FREEZE, about=user)
    frozen = [user for user in rows if user.is_active]
    for user in frozen:
        User.objects.filter(pk=user.pk).update(is_active=False)
        notices.send_to_all("account_frozen", user, by=by, reason=reason)
    end_sessions_of(frozen, by=by)
    for user in frozen:
        record(ACCOUNT_FROZEN, by=by, about=[user], reason=reason)
    return len(frozen)


@transaction.atomic
def unfreeze_account(user: User, *, reason: str, by: Actor) -> None:
    """Let a frozen account sign in and upload again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is not frozen.
    """
    (row,) = lock_accounts([user], by=by)
    require_staff(by, MAY_FREEZE, about=row)
    if row.is_active:
        raise ValidationError(_("This account is not frozen."), code="done")
    User.objects.filter(pk=row.pk).update(is_active=True)
    notices.send_to_all("account_unfrozen", row, by=by, reason=reason)
    record(ACCOUNT_UNFROZEN, by=by, about=[row], reason=reason)


@transaction.atomic
def end_sessions_as_staff(users: Sequence[User], *, reason: str, by: Actor) -> int:
    """End all sessions of accounts. Their people can sign in again.

    Returns:
        How many sessions there were.

    Raises:
        PermissionDenied: if whoever acts may not do this to one of them.
    """
    rows = lock_accounts(users, by=by)
    for user in rows:
        require_staff(by, MAY_FREEZE, about=user)
        notices.send_to_all("sessions_ended_by_staff", user, by=by, reason=reason)
    counts = end_sessions_of(rows, by=by)
    for user, count in zip(rows, counts, strict=True):
        record(SESSIONS_ENDED_BY_STAFF, by=by, about=[user], reason=reason, count=count)
    return sum(counts)
