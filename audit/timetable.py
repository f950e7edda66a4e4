"""Timed work: each app lists its jobs in `jobs.py`; any worker may run one, and only one does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.models import JobRun

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=10)
FIRST_RUN = timedelta(minutes=10)  # in which a worker may start that is waited for


@dataclass(frozen=True)
class Job:
    """A piece of timed work.

    Attributes:
        name: `app:verb_noun`, the key under which runs are kept.
        every: the time between two runs.
        function: does the work; must be harmless to repeat, as a killed worker's run is repeated.
    """

    name: str
    every: timedelta
    function: Callable[[], object]


@cache
def _modules() -> tuple[ModuleType, ...]:
    names = [f"{config.name}.jobs" for config in apps.get_app_configs()]
    return tuple(import_module(name) for name in names if find_spec(name) is not None)


def discover() -> list[Job]:
    """The jobs of all apps."""
    return [job for module in _modules() for job in module.JOBS]


def _due(now: datetime) -> list[Job]:
    """The jobs whose time has come, by one query: each worker asks every second."""
    rows = JobRun.objects.values_list("name", "due_at", "leased_until")
    waiting = {
        name
        for name, due_at, leased in rows
        if due_at > now or (leased is not None and leased > now)
    }
    return [job for job in discover() if job.name not in waiting]


@transaction.atomic  # so that it stands in line, on SQLite
def _take(job: Job, now: datetime) -> datetime | None:
    """Become the one worker that runs `job` now; until when, or None if it is not our turn."""
    until = now + LEASE
    due = JobRun.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), name=job.name)
    if due.filter(due_at__lte=now).update(leased_until=until):
        return until
    if JobRun.objects.filter(name=job.name).exists():
        return None
    try:
        with transaction.atomic():
            JobRun.objects.create(name=job.name, due_at=now, leased_until=until)
    except IntegrityError:
        return None
    return until


def run_due(now: datetime | None = None) -> int:
    """Run whatever is due; how many jobs ran. A job that fails is logged and tried again."""
    ran = 0
    for job in _due(now or timezone.now()):
        moment = now or timezone.now()
        until = _take(job, moment)
        if until is None:
            continue
        failure = ""
        try:
            job.function()
        except Exception as error:
            logger.exception("The job %s failed.", job.name)
            failure = f"{type(error).__name__}: {error}"[:1000]
        # If it took longer than its lease, another worker has it now, and says when it is done.
        with transaction.atomic():
            JobRun.objects.filter(name=job.name, leased_until=until).update(
                due_at=moment + job.every,
                leased_until=None,
                failure=failure,
                finished_at=timezone.now(),
            )
        ran += 1
    return ran


def run_soon(name: str) -> None:
    """Let a job be due now, or as soon as the run that is going on has ended."""
    JobRun.objects.filter(name=name).update(due_at=timezone.now())


def expect_jobs(now: datetime | None = None) -> None:
    """Note the jobs that never ran as due from now on: unless they run, they become late.

    Asked for by who depends on a worker, so a job that came with an update, or a site that was just
    made, is given its time from the moment at which somebody waits.
    """
    moment, known = now or timezone.now(), set(JobRun.objects.values_list("name", flat=True))
    missing = [JobRun(name=job.name, due_at=moment) for job in discover() if job.name not in known]
    if missing:
        JobRun.objects.bulk_create(missing, ignore_conflicts=True)  # a worker may be quicker


def late_jobs(now: datetime | None = None) -> list[str]:
    """The names of jobs that should have run more than two of their periods ago.

    Jobs that never ran are late after `FIRST_RUN` at the earliest: the worker is started after the
    web server, and after an update perhaps by hand.
    """
    moment = now or timezone.now()
    rows = JobRun.objects.values_list("name", "due_at", "finished_at")
    due = {name: due_at if finished else due_at + FIRST_RUN for name, due_at, finished in rows}
    return [job.name for job in discover() if due.get(job.name, moment) < moment - 2 * job.every]
