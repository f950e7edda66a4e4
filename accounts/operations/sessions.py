"""Ending sessions."""

from __future__ import annotations

from django.db import transaction

from accounts.events import SESSIONS_ENDED
from accounts.models import User, UserSession
from accounts.sessions import digest
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def end_sessions(user: User, *, keep: str | None, by: Actor) -> int:
    """End the sessions of an account.

    Args:
        keep: the key of the one session that goes on, or None.

    Returns:
        How many were ended.
    """
    others = UserSession.objects.filter(user=user)
    if keep:
        others = others.exclude(session_key=digest(keep))
    count, _rows = others.delete()
    if count:
        record(SESSIONS_ENDED, by=by, about=[user], count=count)
    return count
