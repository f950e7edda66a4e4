"""Checking the chain in the background, a few seconds at a time, so that pages show how far it is.

A killed worker loses at most the last piece; the next one goes on from there.
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit import chain
from audit.actors import Actor, system
from audit.events import CHAIN_CHECK_STARTED
from audit.log import find_row_past_head, record, verify_span
from audit.models import ChainCheck, ChainHead
from audit.timetable import run_soon

JOB = "audit:check_chain"
PIECE = 2_000  # events between two notes of how far it is
WORKS_FOR = 5.0  # seconds, after which other work has its turn
EVERY = timedelta(days=1)
KEPT = 30  # checks


@transaction.atomic
def start_check(*, by: Actor) -> ChainCheck:
    """Begin to check the whole chain, unless that is going on already.

    Returns:
        The check that is going on.
    """
    head = ChainHead.objects.select_for_update().get(pk=1)  # two who press at once begin one
    going_on = ChainCheck.objects.filter(finished_at=None).first()
    if going_on is not None:
        return going_on
    check = ChainCheck.objects.create(
        started_by=by.label, last_number=head.number, last_seal=head.seal
    )
    record(CHAIN_CHECK_STARTED, by=by, up_to=head.number)
    run_soon(JOB)
    return check


def continue_check() -> bool:
    """Work on the check that is going on, or begin the daily one; whether there was anything."""
    check = ChainCheck.objects.filter(finished_at=None).first()
    if check is None:
        if ChainCheck.objects.filter(started_at__gt=timezone.now() - EVERY).exists():
            return False
        check = start_check(by=system())
    end = time.monotonic() + WORKS_FOR
    while not _advance(check) and time.monotonic() < end:
        pass
    return True


def _advance(check: ChainCheck) -> bool:
    """Check one piece more; whether the check is over."""
    last = min(check.number + PIECE, check.last_number)
    found = verify_span(chain.Place(check.number, check.seal), last)
    if isinstance(found, chain.Break):
        return _finish(check, found)
    check.number, check.seal = found.number, found.seal
    if check.number < check.last_number:
        ChainCheck.objects.filter(pk=check.pk).update(number=check.number, seal=check.seal)
        return False
    end = chain.Place(check.last_number, check.last_seal)
    return _finish(check, chain.find_false_end(found, end) or find_row_past_head())


def _finish(check: ChainCheck, found: chain.Break | None) -> bool:
    check.finished_at = timezone.now()
    if found is not None:
        check.broken_number, check.broken_because = found.number, found.reason
    check.save()
    kept = ChainCheck.objects.values_list("pk", flat=True)[:KEPT]
    ChainCheck.objects.exclude(pk__in=list(kept)).delete()
    return True


def last_check() -> ChainCheck | None:
    """The newest check that is over."""
    return ChainCheck.objects.exclude(finished_at=None).first()
