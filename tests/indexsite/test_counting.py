"""Events are rolled up into numbers of days and months, each event once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.events import SIGN_IN_FAILED, SIGN_IN_SUCCEEDED
from audit.failures import WINDOW, close_windows, record_failure
from audit.log import record
from audit.models import ChainHead, Event
from audit.vocabulary import EventKind
from indexsite import counting
from indexsite.counting import Series, count_new, forget_old_days, keep_measured, months_back
from indexsite.jobs import count_events
from indexsite.models import CountMark, PeriodCount
from indexsite.series import SERIES
from projects.events import FILE_UPLOADED
from tests.audit.words import ALICE, BY_ALICE, actor_at
from tests.support.clone import race
from tests.support.people import Person
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens.events import TOKEN_REFUSED
from tokens.grants import Grant, Scope
from uploads.events import UPLOAD_REFUSED

NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Noon of a day in May, until it is moved."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def sign_in(method: str = "a password", times: int = 1) -> None:
    for _turn in range(times):
        with transaction.atomic():
            record(SIGN_IN_SUCCEEDED, by=BY_ALICE, about=[ALICE], method=method, factor="")


def counts(series: str, period: str = "month") -> dict[tuple[str, str], int]:
    rows = PeriodCount.objects.filter(series=series, period=period)
    return {(f"{row.starts_on}", row.label): row.count for row in rows}


def total(series: str) -> int:
    return sum(counts(series).values())


@pytest.mark.parametrize(
    ("method", "label"),
    [
        ("an authenticator app", "second factor"),
        ("a security key", "second factor"),
        ("a recovery code", "second factor"),
        ("the set-up link", "second factor"),
        ("a passkey", "passkey"),
        ("a password, on a remembered device", "remembered device"),
        ("a password", "password only"),
        ("the registration form", "password only"),
    ],
)
def test_a_sign_in_counts_by_what_was_verified(
    db: None, clock: Any, method: str, label: str
) -> None:
    sign_in(method)
    count_events()
    assert counts("sign-ins") == {("2031-05-01", label): 1}


def test_real_sign_ins_say_what_was_verified(browser: Any, alice: Person) -> None:
    browser(alice)
    count_events()
    ((_month, label),) = counts("sign-ins")
    assert label == "second factor"


def test_no_event_counts_twice(db: None, clock: Any) -> None:
    sign_in(times=3)
    assert count_events() == 3
    assert count_events() == 0
    sign_in()
    assert count_events() == 1
    assert counts("sign-ins") == {("2031-05-01", "password only"): 4}


def test_two_workers_at_once_count_each_event_once(committed_db: Any) -> None:
    sign_in(times=20)
    race(4, count_events)
    assert total("sign-ins") == 20


def test_a_worker_that_is_killed_counts_nothing_twice(
    db: None, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PIECE", 2)
    sign_in(times=5)
    stored: list[int] = []

    def die_at_the_third(event: Any) -> tuple[str, int]:
        stored.append(event.number)
        if len(stored) == 3:
            raise MemoryError
        return "all", 1

    series = Series("dying", frozenset({SIGN_IN_SUCCEEDED.name}), die_at_the_third)
    with pytest.raises(MemoryError):
        count_new([series])
    assert total("dying") == 2
    count_new([series])
    assert total("dying") == 5


def test_pieces_that_end_with_the_last_event_leave_none_out(
    db: None, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PIECE", 2)
    sign_in(times=4)
    count_events()
    sign_in(times=3)
    count_events()
    assert total("sign-ins") == 7
    assert CountMark.objects.get(series="sign-ins").number == ChainHead.objects.get(pk=1).number


def test_months_and_days_are_those_of_utc(db: None, clock: Any) -> None:
    clock.move_to(datetime(2031, 5, 31, 23, 59, 59, tzinfo=UTC))
    sign_in()
    clock.move_to(datetime(2031, 6, 1, 0, 0, 0, tzinfo=UTC))
    sign_in(times=2)
    count_events()
    months = {("2031-05-01", "password only"): 1, ("2031-06-01", "password only"): 2}
    assert counts("sign-ins") == months
    days = {("2031-05-31", "password only"): 1, ("2031-06-01", "password only"): 2}
    assert counts("sign-ins", "day") == days


def test_a_repeated_failure_counts_as_often_as_it_happened(db: None, clock: Any) -> None:
    for _turn in range(7):
        by = actor_at("203.0.113.5", label="")
        record_failure(SIGN_IN_FAILED, by=by, about=[ALICE], reason="no", name_digest="")
    count_events()
    assert total("refusals by cause") == 1
    clock.shift(WINDOW + timedelta(seconds=1))
    close_windows()
    count_events()
    assert counts("refusals by cause") == {("2031-05-01", "failed sign-ins"): 7}


@pytest.mark.parametrize(
    ("credential", "label"), [("token", "token"), ("password", "password"), ("", "other")]
)
def test_an_upload_counts_by_its_credential(
    db: None, clock: Any, credential: str, label: str
) -> None:
    digests = {"sha256": "0", "blake2b_256": "0"}
    file = {"filename": "x.whl", "version": "1", "size": 1, "warned": False, **digests}
    with transaction.atomic():
        by = replace(BY_ALICE, credential=credential)
        record(FILE_UPLOADED, by=by, about=[ALICE], **file)
    count_events()
    assert counts("uploads") == {("2031-05-01", label): 1}


def test_a_new_token_counts_by_its_scope(alice: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    make(alice, "one", [foo])
    make(alice, "new", grant=Grant(scope=Scope.NEW, actions=("create", "upload"), new_project="x"))
    make(alice, "several", [foo, bar])
    make(
        alice, "patterns", grant=Grant(scope=Scope.PATTERNS, actions=("upload",), patterns=("f*",))
    )
    make(alice, "all")
    count_events()
    month = timezone.now().astimezone(UTC).date().replace(day=1)
    assert counts("tokens made") == {
        (f"{month}", "one project"): 2,
        (f"{month}", "several projects"): 2,
        (f"{month}", "all projects"): 1,
    }


def test_a_new_token_counts_by_how_long_it_can_be_used(alice: Person) -> None:
    now = timezone.now()
    foo = project_of(alice, "foo")
    for days in (1, 30, 90, 300, 700):
        grant = grant_for(foo, expires_at=now + timedelta(days=days))
        make(alice, f"{days} days", grant=grant)
    make(alice, "endless", [foo])
    count_events()
    month = f"{now.astimezone(UTC).date().replace(day=1)}"
    assert counts("ends of tokens made") == {
        (month, "ends within a month"): 2,
        (month, "ends within a year"): 2,
        (month, "ends later"): 1,
        (month, "without an end"): 1,
    }


def test_an_event_that_does_not_say_when_a_token_ends_is_left_out(db: None, clock: Any) -> None:
    old = Event(kind="token:token:created", recorded_at=NOON, fields={"name": "robot"})
    (share,) = [one.share for one in SERIES if one.name == "ends of tokens made"]
    assert share(old) is None


@pytest.mark.parametrize(
    ("kind", "fields", "label"),
    [
        (SIGN_IN_FAILED, {"reason": "no", "name_digest": ""}, "failed sign-ins"),
        (UPLOAD_REFUSED, {"code": "no", "target": "", "filename": ""}, "refused uploads"),
        (TOKEN_REFUSED, {"reason": "no", "token_id": "", "name": ""}, "refused API tokens"),
    ],
    ids=str,
)
def test_refusals_count_by_their_cause(
    db: None, clock: Any, kind: EventKind, fields: dict[str, str], label: str
) -> None:
    record_failure(kind, by=actor_at("203.0.113.5", label=""), **fields)
    count_events()
    assert counts("refusals by cause") == {("2031-05-01", label): 1}


def test_what_is_measured_again_replaces_what_was_measured(db: None, clock: Any) -> None:
    keep_measured({("coverage", "accounts"): 9})
    keep_measured({("coverage", "accounts"): 7})
    clock.move_to(datetime(2031, 6, 1, 1, tzinfo=UTC))
    keep_measured({("coverage", "accounts"): 8})
    assert counts("coverage") == {("2031-05-01", "accounts"): 7, ("2031-06-01", "accounts"): 8}


def test_days_are_forgotten_and_months_are_kept(db: None, clock: Any) -> None:
    sign_in()
    count_events()
    clock.shift(timedelta(days=63))
    assert forget_old_days() == 1
    assert counts("sign-ins", "day") == {}
    assert total("sign-ins") == 1


def test_a_day_that_was_forgotten_does_not_come_back(db: None, clock: Any) -> None:
    sign_in()
    clock.shift(timedelta(days=63))
    count_events()
    assert counts("sign-ins", "day") == {}
    assert total("sign-ins") == 1


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2031, 5, 6), date(2030, 6, 1), date(2031, 5, 1)),
        (date(2031, 12, 31), date(2031, 1, 1), date(2031, 12, 1)),
        (date(2031, 1, 1), date(2030, 2, 1), date(2031, 1, 1)),
    ],
)
def test_twelve_months_end_with_this_one(today: date, first: date, last: date) -> None:
    months = months_back(12, today)
    assert (months[0], months[-1], len(set(months))) == (first, last, 12)
