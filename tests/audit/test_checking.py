"""Checking the chain piece by piece: the same answer as at once, and it can be watched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit import checking, groups
from audit.actors import system
from audit.checking import continue_check, last_check, start_check
from audit.events import CHAIN_CHECK_STARTED
from audit.jobs import JOBS
from audit.models import ChainCheck, Event, EventOrigin
from tests.audit.test_tampering import tamper
from tests.audit.words import record_done
from tests.support.clone import race
from tests.support.people import make_person

PAGE = "/admin/audit/event/check/"


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "PIECE", 3)
    monkeypatch.setattr(checking, "WORKS_FOR", 0.0)  # one piece a turn


def run_to_the_end() -> ChainCheck:
    """Work until the check that is going on is over."""
    for _turn in range(50):
        continue_check()
        if not ChainCheck.objects.filter(finished_at=None).exists():
            found = last_check()
            assert found is not None
            return found
    raise AssertionError("the check does not end")


def test_a_check_goes_on_piece_by_piece_and_finds_that_all_holds(db: None) -> None:
    for number in range(7):
        record_done(str(number))
    check = start_check(by=system())
    continue_check()
    check.refresh_from_db()
    assert (check.number, check.finished_at, check.percent) == (3, None, 42)
    record_done("meanwhile")
    assert run_to_the_end().broken_number is None
    assert last_check() == check


def test_an_empty_memory_holds(db: None) -> None:
    start_check(by=system())
    assert run_to_the_end().broken_number is None


@pytest.mark.parametrize(
    ("statement", "number", "because"),
    [
        (
            "UPDATE audit_event SET actor_label = 'mallory' WHERE number = 5",
            5,
            "does not match its seal",
        ),
        ("DELETE FROM audit_event WHERE number = 2", 2, "is missing"),
        ("DELETE FROM audit_event WHERE number = 7", 7, "is missing"),
        ("DELETE FROM audit_event WHERE number > 3", 4, "is missing"),
        (
            "UPDATE audit_eventorigin SET network_address = '10.0.0.1' WHERE event_number = 4",
            4,
            "has an origin that was altered",
        ),
        (
            "UPDATE audit_eventorigin SET address_key = 'x' WHERE event_number = 4",
            4,
            "has an origin that was altered",
        ),
    ],
)
def test_the_first_event_that_does_not_hold_is_named(
    committed_db: Any, statement: str, number: int, because: str
) -> None:
    for turn in range(7):
        record_done(str(turn))
    tamper(statement)
    start_check(by=system())
    found = run_to_the_end()
    assert (found.broken_number, found.broken_because) == (number, because)


def test_a_check_does_not_mind_erased_origins(db: None) -> None:
    for number in range(7):
        record_done(str(number))
    EventOrigin.objects.filter(event_number__lt=5).delete()
    start_check(by=system())
    assert run_to_the_end().broken_number is None


def test_who_presses_during_a_check_sees_that_one(db: None) -> None:
    for number in range(7):
        record_done(str(number))
    assert start_check(by=system()) == start_check(by=system())
    assert Event.objects.filter(kind=CHAIN_CHECK_STARTED.name).count() == 1


def test_of_many_who_press_at_once_one_begins_a_check(committed_db: Any) -> None:
    record_done("x")
    race(4, lambda: start_check(by=system()))
    assert ChainCheck.objects.count() == 1


def test_the_chain_is_checked_once_a_day_by_itself(db: None) -> None:
    record_done("x")
    assert continue_check()
    run_to_the_end()
    assert not continue_check()
    ChainCheck.objects.update(started_at=timezone.now() - timedelta(days=1, seconds=1))
    assert continue_check()
    assert ChainCheck.objects.count() == 2


def test_this_is_a_job() -> None:
    assert [job.name for job in JOBS if job.function is continue_check] == [checking.JOB]


def test_the_page_shows_progress_until_the_check_is_over(browser: Any, sam: Any) -> None:
    client = browser(sam)
    for number in range(7):
        record_done(str(number))
    assert client.post(PAGE)["Location"] == PAGE
    continue_check()
    page = client.get(PAGE)
    assert 'max="100" value="37"' in page.content.decode()
    assert page["Refresh"] == "2"
    run_to_the_end()
    page = client.get(PAGE)
    assert "All 8 events hold." in page.content.decode()
    assert "Refresh" not in page


@pytest.mark.parametrize("group", sorted(groups.EVERYBODY))
def test_only_those_check_who_may_export(browser: Any, db: None, group: str) -> None:
    client = browser(make_person("someone", group=group))
    may = group in groups.EXPORTERS
    assert client.get(PAGE).status_code == (200 if may else 403)
    assert client.post(PAGE).status_code == (302 if may else 403)
    assert ChainCheck.objects.exists() is may
    assert (PAGE in client.get("/admin/audit/event/").content.decode()) is may
