"""What is wrong is on the first page of staff, and in mail to administrators once a day."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import OutboxMail
from audit.models import ChainCheck, JobRun
from indexsite.troubles import find_troubles, tell_troubles
from indexsite.worker import Worker
from tests.accounts.doors import text_of_page
from tests.support.people import Person, make_person

Usage = namedtuple("Usage", "total used free")


def keys() -> list[str]:
    return [trouble.key for trouble in find_troubles()]


def told() -> list[tuple[str, str]]:
    mails = OutboxMail.objects.filter(notice="trouble")
    return sorted((mail.recipient, mail.facts["key"]) for mail in mails)


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(100 << 30, 0, 100 << 30))


@pytest.fixture
def broken_chain(db: None) -> None:
    """A check that found something."""
    ChainCheck.objects.create(
        started_by="system",
        last_number=9,
        finished_at=timezone.now(),
        broken_number=7,
        broken_because="does not match its seal",
    )


def test_a_healthy_site_has_none(db: None) -> None:
    assert keys() == []


def test_a_broken_chain_is_told_to_all_administrators_once(sam: Person, broken_chain: None) -> None:
    tina = make_person("tina", is_administrator=True)
    make_person("helper", group="Support")
    assert tell_troubles() == 1
    assert tell_troubles() == 0
    assert told() == [(sam.email, "chain 7"), (tina.email, "chain 7")]


def test_after_a_day_it_is_told_again(sam: Person, broken_chain: None) -> None:
    tell_troubles()
    OutboxMail.objects.update(queued_at=timezone.now() - timedelta(days=1, seconds=1))
    assert tell_troubles() == 1


def test_a_later_check_that_holds_ends_the_trouble(broken_chain: None) -> None:
    assert keys() == ["chain 7"]
    ChainCheck.objects.create(started_by="system", last_number=9, finished_at=timezone.now())
    assert keys() == []


@pytest.mark.parametrize(
    ("free", "total", "is_trouble"),
    [(1 << 29, 10 << 30, True), (4 << 30, 100 << 30, True), (6 << 30, 100 << 30, False)],
)
def test_a_disk_that_fills_is_one(
    db: None, monkeypatch: pytest.MonkeyPatch, free: int, total: int, is_trouble: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(total, total - free, free))
    assert keys() == ([f"disk {settings.DATA}"] if is_trouble else [])


def test_each_disk_that_holds_something_is_looked_at(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    memory = Path("/dev/shm")  # on no disk at all, so not on that of the data
    settings.FILES_ROOT = memory
    full = Usage(100 << 30, 100 << 30, 0)
    room = Usage(100 << 30, 0, 100 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full if path == memory else room)
    assert keys() == [f"disk {memory}"]


def test_a_late_worker_is_told_of_when_it_starts_again(committed_db: Any, sam: Person) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    JobRun.objects.create(name="accounts:forget_old_counts", due_at=long_ago)
    assert keys() == ["worker"]
    worker = Worker()
    worker.stop()  # it ends before its first piece of work
    worker.run()
    assert told() == [(sam.email, "worker")]


def test_a_job_that_failed_is_one(db: None) -> None:
    JobRun.objects.create(
        name="accounts:forget_old_counts",
        due_at=timezone.now() + timedelta(hours=1),
        failure="ValueError: no",
    )
    assert keys() == ["job accounts:forget_old_counts"]


def test_mail_that_stays_is_one(db: None) -> None:
    queued = timezone.now() - timedelta(hours=2)
    OutboxMail.objects.create(notice="x", recipient="a@example.org", queued_at=queued)
    OutboxMail.objects.create(notice="x", recipient="b@example.org")
    assert keys() == ["mail"]


def test_the_first_page_shows_them(browser: Any, sam: Person, broken_chain: None) -> None:
    page = text_of_page(browser(sam).get("/admin/"))
    assert "event 7 does not match its seal" in page
