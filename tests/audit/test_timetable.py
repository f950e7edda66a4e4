"""Timed work: of any number of workers one does it, and none that fails or dies is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit import jobs
from audit.models import JobRun
from audit.timetable import FIRST_RUN, LEASE, Job, discover, expect_jobs, late_jobs, run_due
from tests.support.clone import race

HOURLY = timedelta(hours=1)


class Work:
    """A job that keeps the times at which it ran, and fails when it is told to."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self.seconds = 0.0
        self.failure: Exception | None = None

    def __call__(self) -> None:
        """Run."""
        self.runs.append(time.monotonic())
        time.sleep(self.seconds)
        if self.failure:
            raise self.failure


@pytest.fixture
def work() -> Iterator[Work]:
    """A job on the real timetable, every hour, beside those of the apps."""
    done = Work()
    job = Job("testing:work", HOURLY, done)
    jobs.JOBS.append(job)
    yield done
    jobs.JOBS.remove(job)


def row() -> JobRun:
    """What is stored of the job."""
    return JobRun.objects.get(name="testing:work")


def test_jobs_of_all_apps_are_found() -> None:
    names = {job.name for job in discover()}
    assert {"audit:close_failure_windows", "accounts:forget_sent_mail"} <= names


def test_a_new_job_runs_at_once_and_then_when_it_is_due(db: None, work: Work) -> None:
    now = timezone.now()
    run_due(now)
    assert len(work.runs) == 1
    run_due(now + HOURLY - timedelta(seconds=1))
    assert len(work.runs) == 1
    run_due(now + HOURLY)
    assert len(work.runs) == 2


def test_where_nothing_is_due_one_query_finds_it_out(
    db: None, django_assert_num_queries: Any
) -> None:
    now = timezone.now()
    run_due(now)
    with django_assert_num_queries(1):
        assert run_due(now) == 0


def test_of_eight_workers_one_runs_a_new_job(committed_db: Any, work: Work) -> None:
    work.seconds = 0.3
    outcomes = race(8, run_due)
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(work.runs) == 1


def test_of_eight_workers_one_runs_a_job_that_is_due_again(committed_db: Any, work: Work) -> None:
    run_due()
    JobRun.objects.update(due_at=timezone.now())
    work.seconds = 0.3
    race(8, run_due)
    assert len(work.runs) == 2


def test_a_failing_job_is_logged_and_tried_again(db: None, work: Work, caplog: Any) -> None:
    now = timezone.now()
    work.failure = RuntimeError("no such luck")
    with caplog.at_level(logging.ERROR):
        run_due(now)
    assert "testing:work" in caplog.text
    assert row().failure == "RuntimeError: no such luck"
    work.failure = None
    run_due(now + HOURLY)
    assert len(work.runs) == 2
    assert row().failure == ""


def test_a_failing_job_does_not_keep_others_from_running(db: None, work: Work) -> None:
    work.failure = RuntimeError("no such luck")
    other = Work()
    job = Job("testing:other", HOURLY, other)
    jobs.JOBS.append(job)
    try:
        run_due()
    finally:
        jobs.JOBS.remove(job)
    assert len(other.runs) == 1


def test_what_a_killed_worker_was_at_is_done_after_its_lease(db: None, work: Work) -> None:
    now = timezone.now()
    JobRun.objects.create(name="testing:work", due_at=now, leased_until=now + LEASE)
    run_due(now + LEASE - timedelta(seconds=1))
    assert work.runs == []
    run_due(now + LEASE)
    assert len(work.runs) == 1
    assert row().leased_until is None


def test_a_job_that_missed_two_of_its_turns_is_late(db: None, work: Work) -> None:
    now = timezone.now()
    run_due(now)
    assert late_jobs(now + 3 * HOURLY) != []
    JobRun.objects.exclude(name="testing:work").update(due_at=now + 24 * HOURLY)
    assert late_jobs(now + 3 * HOURLY) == []
    assert late_jobs(now + 3 * HOURLY + timedelta(seconds=1)) == ["testing:work"]


def test_a_job_that_nobody_ever_ran_is_late_once_somebody_waits(db: None, work: Work) -> None:
    now = timezone.now()
    assert late_jobs(now + 24 * HOURLY) == []  # a site that was made, and not started yet
    expect_jobs(now)
    assert late_jobs(now + FIRST_RUN) == []
    latest = now + FIRST_RUN + 2 * HOURLY
    assert "testing:work" not in late_jobs(latest)
    assert "audit:close_failure_windows" in late_jobs(latest)
    assert "testing:work" in late_jobs(latest + timedelta(seconds=1))
    expect_jobs(latest)  # whoever looks again gives it no more time
    assert "testing:work" in late_jobs(latest + timedelta(seconds=1))
    run_due(latest)
    assert len(work.runs) == 1
    assert late_jobs(latest + timedelta(seconds=1)) == []


def test_a_job_that_an_update_brought_has_its_time_from_then_on(db: None) -> None:
    added, began = Work(), timezone.now()
    expect_jobs(began)
    run_due(began)
    job = Job("testing:added", timedelta(minutes=1), added)
    updated = began + 24 * HOURLY
    jobs.JOBS.append(job)
    try:
        expect_jobs(updated)
        JobRun.objects.exclude(name=job.name).update(due_at=updated + HOURLY)
        assert late_jobs(updated + FIRST_RUN) == []
        assert late_jobs(updated + FIRST_RUN + timedelta(minutes=3)) == ["testing:added"]
        run_due(updated + FIRST_RUN)
        assert len(added.runs) == 1
    finally:
        jobs.JOBS.remove(job)


def test_of_eight_that_wait_and_run_nobody_is_disturbed(committed_db: Any, work: Work) -> None:
    turns = iter([expect_jobs, run_due] * 4)
    outcomes = race(8, lambda: next(turns)())
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(work.runs) == 1


def test_a_worker_that_overran_its_lease_leaves_the_next_ones_alone(db: None) -> None:
    theirs = timezone.now() + timedelta(hours=1)

    def overrun() -> None:
        JobRun.objects.update(leased_until=theirs)  # what another worker does once a lease is over

    job = Job("testing:work", HOURLY, overrun)
    jobs.JOBS.append(job)
    try:
        run_due()
    finally:
        jobs.JOBS.remove(job)
    assert row().leased_until == theirs
