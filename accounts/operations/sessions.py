"""Ending sessions, and forgetting devices."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.events import DEVICE_FORGOTTEN, SESSION_ENDED, SESSIONS_ENDED
from accounts.models import KnownDevice, User, UserSession
from accounts.sessions import digest
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def end_sessions(user: User, *, keep: str | None, by: Actor) -> int:
    """End the sessions of an account; its devices are asked for the second factor again.

    Args:
        keep: the key of the one session that goes on, with what its device may; or None.

    Returns:
        How many were ended.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    sessions = UserSession.objects.filter(user=user)
    kept = sessions.filter(session_key=digest(keep)) if keep else sessions.none()
    remembered = KnownDevice.objects.filter(user=user, remembered_until__isnull=False)
    remembered.exclude(pk__in=kept.exclude(device=None).values("device")).update(
        remembered_until=None
    )
    count, _rows = sessions.exclude(pk__in=kept.values("pk")).delete()
    if count:
        record(SESSIONS_ENDED, by=by, about=[user], count=count)
    return count


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
