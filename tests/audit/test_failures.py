"""Nobody can flood the memory with failures, and none of them is lost to the counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from audit.failures import SEALED_PER_HOUR, WINDOW, close_windows, record_failure
from audit.log import verify
from audit.models import Event, EventSubject, FailureCount
from tests.audit.words import ALICE, BOB, DONE, REFUSED, actor_at
from tests.support.clone import race


def fail(network_address: str = "192.0.2.17", **options: Any) -> Event | None:
    """Alice fails once, unless the options say otherwise."""
    options = {"about": [ALICE], "why": "no", **options}
    return record_failure(REFUSED, by=actor_at(network_address), **options)


def close_all() -> int:
    """Close the windows as after their end."""
    return close_windows(timezone.now() + timedelta(hours=2))


def events(kind: str) -> list[dict[str, Any]]:
    """The fields of the events of one kind, oldest first."""
    return list(Event.objects.filter(kind=kind).order_by("number").values_list("fields", flat=True))


def test_the_first_failure_is_sealed(db: None) -> None:
    event = fail()
    assert event is not None
    assert event.is_failure
    assert Event.objects.get() == event


def test_repeats_are_only_counted(db: None) -> None:
    assert fail() is not None
    assert [fail(), fail()] == [None, None]
    assert Event.objects.count() == 1
    assert FailureCount.objects.get(kind=REFUSED.name).count == 3


def test_the_end_of_the_window_records_the_count_once(db: None) -> None:
    for _turn in range(3):
        fail()
    close_all()
    repeated = events("audit:failures:repeated")
    assert repeated == [{"failure": REFUSED.name, "count": 3}]
    assert close_all() == 0
    assert len(events("audit:failures:repeated")) == 1


def test_the_count_shows_in_the_history_of_the_same_account(db: None) -> None:
    fail()
    fail()
    close_all()
    numbers = EventSubject.objects.filter(subject_id=ALICE.subject_id)
    assert sorted(row.event_number for row in numbers) == [1, 2]


def test_a_failure_that_was_not_repeated_needs_no_count(db: None) -> None:
    fail()
    close_all()
    assert Event.objects.count() == 1


def test_an_open_window_is_not_closed(db: None) -> None:
    fail()
    fail()
    assert close_windows() == 0
    assert Event.objects.count() == 1


def test_after_the_window_the_next_failure_is_sealed_and_the_former_are_counted(db: None) -> None:
    with time_machine.travel(datetime(2031, 5, 6, 7, 0), tick=False) as clock:
        fail()
        fail()
        clock.shift(WINDOW)
        assert fail() is not None
    kinds = Event.objects.order_by("number").values_list("kind", flat=True)
    assert list(kinds) == [REFUSED.name, "audit:failures:repeated", REFUSED.name]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.17", "192.0.2.200", True),
        ("192.0.2.17", "192.0.3.17", False),
        ("2001:db8:1::1", "2001:db8:1:ffff::2", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
    ],
)
def test_failures_are_counted_together_by_network(
    db: None, first: str, second: str, is_same: bool
) -> None:
    fail(first)
    assert (fail(second) is None) is is_same


def test_failures_about_different_accounts_are_counted_apart(db: None) -> None:
    fail(about=[ALICE])
    assert fail(about=[BOB]) is not None


def test_failures_for_different_reasons_are_counted_apart(db: None) -> None:
    fail(distinct_by="password")
    assert fail(distinct_by="code") is not None


def test_failures_of_different_kinds_are_counted_apart(db: None) -> None:
    fail()
    assert record_failure(DONE, by=actor_at("192.0.2.17"), about=[ALICE], what="x") is not None


def test_all_unknown_names_are_one(db: None) -> None:
    fail(about=(), why="unknown name 1")
    assert fail(about=(), why="unknown name 2") is None


def test_over_the_hourly_number_one_event_carries_the_rest(db: None) -> None:
    with time_machine.travel(datetime(2031, 5, 6, 7, 10), tick=False):
        made = [fail(f"10.0.{network}.1") for network in range(SEALED_PER_HOUR)]
        assert None not in made
        assert [fail(f"10.1.{network}.1") for network in range(5)] == [None] * 5
        close_all()
    assert events("audit:failures:unlisted") == [{"count": 5}]
    assert Event.objects.count() == SEALED_PER_HOUR + 1


def test_failing_twice_from_many_networks_does_not_flood_either(db: None) -> None:
    with time_machine.travel(datetime(2031, 5, 6, 7, 40), tick=False) as clock:
        for network in range(SEALED_PER_HOUR + 20):
            fail(f"10.0.{network}.1" if network < 256 else f"10.1.{network - 256}.1")
            fail(f"10.0.{network}.1" if network < 256 else f"10.1.{network - 256}.1")
        clock.shift(timedelta(minutes=16))
        close_windows()
        assert Event.objects.count() == SEALED_PER_HOUR
        clock.shift(timedelta(minutes=5))
        close_windows()
    # Each of the 20 and each of the 220 repeats; the first 200 are events.
    assert events("audit:failures:unlisted") == [{"count": 20 + SEALED_PER_HOUR + 20}]


def test_the_next_hour_has_events_again(db: None) -> None:
    with time_machine.travel(datetime(2031, 5, 6, 7, 59), tick=False) as clock:
        for network in range(SEALED_PER_HOUR + 1):
            last = fail(f"10.0.{network}.1")
        assert last is None
        clock.shift(timedelta(minutes=2))
        assert fail("10.2.0.1") is not None


def test_eight_threads_at_once_are_counted_exactly(committed_db: Any) -> None:
    outcomes = race(8, fail)
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len([outcome for outcome in outcomes if outcome is not None]) == 1
    assert Event.objects.count() == 1
    assert FailureCount.objects.get(kind=REFUSED.name).count == 8
    close_all()
    assert events("audit:failures:repeated") == [{"failure": REFUSED.name, "count": 8}]
    assert verify() is None


def test_no_failure_is_lost_while_windows_are_closed(committed_db: Any) -> None:
    def fail_and_close() -> None:
        for _turn in range(4):
            fail()
            FailureCount.objects.filter(kind=REFUSED.name).update(ends_at=timezone.now())
            close_windows()

    outcomes = race(4, fail_and_close)
    assert outcomes == [None] * 4
    close_all()
    repeated = sum(fields["count"] - 1 for fields in events("audit:failures:repeated"))
    assert len(events(REFUSED.name)) + repeated == 16
    assert not FailureCount.objects.filter(kind=REFUSED.name).exists()


def test_windows_are_closed_by_a_job_every_minute() -> None:
    from audit.jobs import JOBS

    assert (close_windows, timedelta(minutes=1)) in [(job.function, job.every) for job in JOBS]
