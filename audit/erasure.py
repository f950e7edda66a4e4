"""Forgetting where events came from, as privacy law may ask, without breaking a seal."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit import origins
from audit.actors import Actor
from audit.events import ORIGINS_ERASED
from audit.log import record
from audit.models import EventOrigin


@transaction.atomic
def erase_origins(*, before: datetime, by: Actor) -> int:
    """Erase network addresses, agents and mail addresses of events recorded before a moment.

    What higher floors hold goes with them.

    Returns:
        How many events lost their origin.
    """
    origins.erase_elsewhere(before)
    count, _rows = EventOrigin.objects.filter(recorded_at__lt=before).delete()
    record(ORIGINS_ERASED, by=by, count=count, before=before.isoformat(timespec="seconds"))
    return count
