"""Failures, so many that they could flood the memory: one sealed event for the first, one with the
count when its window closes, and a limit for the whole site.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from audit.actors import Actor, shorten, system
from audit.events import FAILURES_REPEATED, FAILURES_UNLISTED
from audit.log import HasHistory, Subject, record
from audit.models import Event, FailureCount
from audit.vocabulary import EventKind

WINDOW = timedelta(minutes=15)
SEALED_PER_HOUR = 200
_SITE = "site"


def record_failure(
    kind: EventKind,
    *,
    by: Actor,
    about: Sequence[HasHistory | Subject] = (),
    distinct_by: str = "",
    **fields: Any,
) -> Event | None:
    """Record that something was refused, in a transaction of its own.

    A failure of the same kind and reason, about the same subject, from the same /24 or /48, within
    15 minutes is only counted.

    Args:
        kind: a declared kind.
        by: who tried.
        about: the accounts and projects concerned, if they are known; repeats are those of the
            first of them.
        distinct_by: the reason, where one kind has several.
        fields: as for `record`.

    Returns:
        The event, or None where it was only counted.
    """
    subjects = [Subject.of(row) for row in about]
    network = shorten(by.network_address)
    known = subjects[0].subject_id if subjects else ""  # who tries one project after another is one
    key = _digest(kind.name, distinct_by, known, network)
    window = {
        "kind": kind.name,
        "subjects": [[row.kind, row.subject_id, row.label] for row in subjects],
        "network": network,
    }
    with transaction.atomic():
        if not _open_window(key, window) or not _may_seal(timezone.now()):
            return None
        return record(kind, by=by, about=subjects, **fields)


def _open_window(key: str, window: dict[str, Any]) -> bool:
    """True if this failure opens a window; False if it was counted in one that is open."""
    for _turn in range(100):
        now = timezone.now()
        if _count_again(key, now):
            return False
        _close(FailureCount.objects.filter(key=key, ends_at__lte=now), now)
        try:
            with transaction.atomic():
                FailureCount.objects.create(key=key, opened_at=now, ends_at=now + WINDOW, **window)
        except IntegrityError:  # others opened one, and may have closed it again: look anew
            continue
        return True
    return False


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _count_again(key: str, now: datetime) -> bool:
    open_window = FailureCount.objects.filter(key=key, ends_at__gt=now)
    return open_window.update(count=F("count") + 1) > 0


def _may_seal(now: datetime, failures: int = 1) -> bool:
    """Take one of this hour's events about failures; False, and `failures` more are counted as
    unlisted, once they are used up.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    key = _digest(_SITE, hour.isoformat())
    if not _count_again(key, now):
        try:
            with transaction.atomic():
                FailureCount.objects.create(
                    key=key, kind=_SITE, opened_at=hour, ends_at=hour + timedelta(hours=1)
                )
        except IntegrityError:
            _count_again(key, now)
    site = FailureCount.objects.filter(key=key)
    if site.filter(count__lte=SEALED_PER_HOUR).exists():
        return True
    site.update(count=F("count") + failures - 1)
    return False


def close_windows(now: datetime | None = None) -> int:
    """Record the counts of all windows that have ended; how many there were."""
    moment = now or timezone.now()
    ended = FailureCount.objects.filter(ends_at__lte=moment)
    closed = 0
    for pk in list(ended.values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            closed += _close(FailureCount.objects.filter(pk=pk), moment)
    return closed


def _close(windows: Any, now: datetime) -> int:
    """Take the windows out of the table, and record those that counted more than they sealed.

    These events come out of the same hourly number as first failures: who has many networks could
    otherwise have as many events, by failing twice from each.
    """
    rows = list(windows.select_for_update())
    for row in rows:
        row.delete()
        if row.kind == _SITE:
            if row.count > SEALED_PER_HOUR:
                record(FAILURES_UNLISTED, by=system(), count=row.count - SEALED_PER_HOUR)
        elif row.count > 1 and _may_seal(now, failures=row.count - 1):
            record(
                FAILURES_REPEATED,
                by=replace(system(), network_address=row.network),
                about=[Subject(*subject) for subject in row.subjects],
                failure=row.kind,
                count=row.count,
            )
    return len(rows)
