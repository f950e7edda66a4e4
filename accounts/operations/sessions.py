"""Ending sessions, and forgetting devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.events import DEVICE_FORGOTTEN, SESSION_ENDED, SESSIONS_ENDED
from accounts.models import KnownDevice, User, UserSession
from accounts.sessions import digest
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def end_sessions(user: User, *, keep: str | None, forget_devices: bool = False, by: Actor) -> int:
    """End the sessions of an account; its devices are asked for the second factor again.

    Args:
        keep: the key of the one session that goes on, with what its device may; or None.
        forget_devices: whether each device is an unknown one from now on; none is kept then.

    Returns:
        How many were ended.
    """
    (count,) = end_sessions_of([user], keep=keep, forget_devices=forget_devices, by=by)
    return count


@transaction.atomic
def end_sessions_of(
    users: Sequence[User],
    *,
    keep: str | None = None,
    forget_devices: bool = False,
    by: Actor,
) -> list[int]:
    """End the sessions of accounts, as `end_sessions` does.

    All are over before the first event is recorded: recording takes the lock that everybody waits
    for, so no other row may be locked after it.

    Args:
        users: in the order of their ids.

    Returns:
        How many were ended, for each account.
    """
    counts = [_delete_sessions(user, keep) for user in users]
    if forget_devices:
        KnownDevice.objects.filter(user__in=users).delete()
    for user, count in zip(users, counts, strict=True):
        if count:
            record(SESSIONS_ENDED, by=by, about=[user], count=count)
    return counts


def _delete_sessions(user: User, keep: str | None) -> int:
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    sessions = UserSession.objects.filter(user=user)
    kept = sessions.filter(session_key=digest(keep)) if keep else sessions.none()
    remembered = KnownDevice.objects.filter(user=user, remembered_until__isnull=False)
    remembered.exclude(pk__in=kept.exclude(device=None).values("device")).update(
        remembered_until=None
    )
    return sessions.exclude(pk__in=kept.values("pk")).delete()[0]


def is_open(user: User, key: str) -> bool:
    """Whether the session of this key is still one of the account's."""
    return UserSession.objects.filter(user=user, session_key=digest(key)).exists()


@transaction.atomic
def end_session(user: User, session: UserSession, *, by: Actor) -> bool:
    """End one session of an account.

    Returns:
        False if it was over before.
    """
    count, _rows = UserSession.objects.filter(pk=session.pk, user=user).delete()
    if count:
        record(SESSION_ENDED, by=by, about=[user], opened_at=_minute(session.created_at))
    return bool(count)


@transaction.atomic
def forget_device(device: KnownDevice, *, by: Actor) -> bool:
    """Forget a device, and end the sessions on it: its next sign-in is one of an unknown device.

    Returns:
        False if it was forgotten before.
    """
    User.objects.select_for_update(no_key=True).get(pk=device.user_id)
    if not KnownDevice.objects.filter(pk=device.pk).delete()[0]:
        return False
    record(DEVICE_FORGOTTEN, by=by, about=[device.user], since=_minute(device.created_at))
    return True


def end_all_sessions(*, by: Actor) -> int:
    """End the sessions of all accounts, one after the other; how many there were."""
    UserSession.objects.filter(user=None).delete()
    remembered = Q(known_devices__remembered_until__isnull=False)
    signed_in = User.objects.filter(Q(sessions__isnull=False) | remembered)
    users = signed_in.order_by("pk").distinct()
    return sum(end_sessions(user, keep=None, by=by) for user in list(users))


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
