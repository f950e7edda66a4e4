"""What was refused lately: how often, from where and about whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Sum

from audit.failures import WINDOW, close_windows, record_failure
from audit.log import Subject
from audit.models import Event
from indexsite.incidents import DAY, Line, Refusals, totals
from tests.audit.words import ALICE, BOB, REFUSED, actor_at, move_to_the_end_of_the_table
from tests.support.calls import calls_of


@pytest.fixture
def clock(db: None) -> Iterator[Any]:
    """Noon of a day in May, until it is moved."""
    with time_machine.travel(datetime(2031, 5, 6, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


def refuse(address: str, *about: Subject, times: int = 1) -> None:
    for _turn in range(times):
        record_failure(REFUSED, by=actor_at(address, label=""), about=about, why="no")


def test_nothing_was_refused(clock: Any) -> None:
    assert (Refusals().kinds(), Refusals().places(), Refusals().accounts()) == ([], [], [])


def test_day_and_week_are_told_apart_and_older_ones_left_out(clock: Any) -> None:
    for _age in range(10):
        refuse("203.0.113.5", ALICE)
        clock.shift(timedelta(days=1))
    clock.shift(-timedelta(hours=23))  # an hour after the last one
    assert Refusals().kinds() == [Line(REFUSED.name, 1, 7, REFUSED.name)]
    assert Refusals(DAY).kinds() == [Line(REFUSED.name, 1, 1, REFUSED.name)]


def test_repeats_count_as_often_as_they_happened(clock: Any) -> None:
    refuse("203.0.113.5", ALICE, times=8)
    clock.shift(WINDOW + timedelta(seconds=1))
    close_windows()
    assert Refusals().kinds() == [Line(REFUSED.name, 8, 8, REFUSED.name)]
    assert Refusals().accounts() == [Line("alice", 8, 8, "alice")]
    assert Refusals().places() == [Line("203.0.113.5", 8, 8, "203.0.113.0/24")]


def test_a_network_of_several_addresses_is_one_line(clock: Any) -> None:
    refuse("203.0.113.5", ALICE)
    refuse("203.0.113.6", BOB)
    refuse("2001:db8::1", BOB)
    assert Refusals().places() == [
        Line("203.0.113.0/24", 2, 2, "203.0.113.0/24"),
        Line("2001:db8::1", 1, 1, "2001:db8::1"),
    ]


def test_failures_of_one_moment_are_counted_together(clock: Any) -> None:
    refuse("203.0.113.5", ALICE)
    first = Event.objects.get()
    refuse("198.51.100.6", BOB)
    move_to_the_end_of_the_table(first)
    assert Refusals().kinds() == [Line(REFUSED.name, 2, 2, REFUSED.name)]


def test_each_address_is_read_once(clock: Any) -> None:
    for number in range(9):
        refuse(f"203.0.{number}.5", ALICE)
        refuse(f"2001:db8:{number}::1", ALICE)
    assert len(Refusals().places()) == 18
    assert calls_of(ipaddress.ip_address, Refusals().places) == 18
    assert calls_of(ipaddress.ip_network, Refusals().places) == 0


def test_the_most_frequent_come_first(clock: Any) -> None:
    refuse("203.0.113.5", BOB)
    refuse("203.0.114.5", ALICE)
    refuse("203.0.115.5", ALICE)
    assert [line.name for line in Refusals().accounts()] == ["alice", "bob"]


def test_what_is_about_nobody_and_comes_from_nowhere_is_in_the_sum_alone(clock: Any) -> None:
    refuse("")
    assert Refusals().kinds() == [Line(REFUSED.name, 1, 1, REFUSED.name)]
    assert (Refusals().places(), Refusals().accounts()) == ([], [])


def test_each_answer_is_one_query(clock: Any, django_assert_num_queries: Any) -> None:
    for number in range(4):
        refuse(f"203.0.{number}.5", ALICE)
    refusals = Refusals()
    with django_assert_num_queries(3):
        refusals.kinds()
        refusals.places()
        refusals.accounts()


@pytest.mark.once  # PostgreSQL plans by statistics, and reads few rows by whichever index
def test_they_are_found_by_the_index_of_failures(clock: Any) -> None:
    refusals = Refusals()
    plan = refusals.events.order_by().values("what").annotate(sum=Sum("times")).explain()
    assert "event_failure" in plan
    assert "event_time" in plan


def test_kinds_are_summed_by_what_they_belong_to() -> None:
    lines = [Line("a", 1, 2, "a"), Line("b", 3, 4, "b"), Line("other", 5, 6, "other")]
    labels = {"a": "x", "b": "x"}
    assert totals(lines, lambda kind: labels.get(kind, "")) == {"x": (4, 6)}
