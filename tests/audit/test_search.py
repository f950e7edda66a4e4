"""Finding events: right, whatever leads the search, and bounded, however many there are."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import search
from audit.actors import system
from audit.events import FAILURES_REPEATED
from audit.log import Subject, record
from audit.models import Event
from audit.search import EventSearch, attach_surroundings
from tests.audit.words import (
    ALICE,
    BOB,
    DONE,
    REFUSED,
    SEAGULL,
    actor_at,
    move_to_the_end_of_the_table,
)

ALBATROSS = Subject("project", "8", "albatross")
ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.3.1", "2001:db8::1", "")


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps so small that a few events take many of them."""
    for name, value in {
        "PAGE": 3,
        "FIRST_LOOK": 2,
        "LONGEST_LIST": 4,
        "LARGEST_WINDOW": 8,
        "LOOKED_AT": 1_000,
        "LISTED": 10,
    }.items():
        monkeypatch.setattr(search, name, value)


def record_some(count: int = 60) -> list[Any]:
    """Events of which some have each thing in common; newest first, with their surroundings."""
    chance = random.Random(3)  # noqa: S311
    with transaction.atomic():
        for number in range(count):
            who = actor_at(chance.choice(ADDRESSES), label=chance.choice(["alice", "bob", "Ann"]))
            if chance.random() < 0.3:
                who = who.with_token(token_id=f"t-{chance.randrange(2)}", label="robot")
            about = chance.sample([ALICE, BOB, SEAGULL, ALBATROSS], chance.randrange(4))
            if chance.random() < 0.3:
                record(REFUSED, by=who, about=about, why="no")
            else:
                record(DONE, by=who, about=about, what=str(number))
    return attach_surroundings(list(Event.objects.order_by("-number")))


def numbers_of(found: EventSearch) -> list[int]:
    """What all pages list, in the order in which they do."""
    numbers: list[int] = []
    before = None
    for _turn in range(100):
        page = found.page(before=before)
        numbers += [event.number for event in page.events]
        assert len(page.events) <= search.PAGE
        assert page.is_full is False or page.older is not None
        before = page.older
        if before is None:
            return numbers
    raise AssertionError("the pages do not end")


def has_subject(event: Any, kind: str, *names: str) -> bool:
    return any(
        row.kind == kind and (row.label.lower() in names or row.subject_id in names)
        for row in event.about
    )


def came_from(event: Any, *beginnings: str) -> bool:
    return event.origin.network_address.startswith(beginnings)


Test = Callable[[Any], bool]
QUESTIONS: list[tuple[dict[str, Any], Test]] = [
    ({}, lambda event: True),
    ({"family": "testing"}, lambda event: True),
    ({"family": "test"}, lambda event: False),
    ({"kind": "testing:thing:done"}, lambda event: not event.is_failure),
    ({"is_failure": True}, lambda event: event.is_failure),
    ({"refused": (REFUSED.name, "testing:other")}, lambda event: event.is_failure),
    ({"is_failure": False}, lambda event: not event.is_failure),
    ({"actor": "ALICE"}, lambda event: event.actor_label == "alice"),
    ({"actor": ALICE.subject_id}, lambda event: event.actor_label == "alice"),
    ({"actor": "ann"}, lambda event: event.actor_label == "Ann"),
    ({"account": "bob"}, lambda event: has_subject(event, "user", "bob")),
    ({"project": "Seagull"}, lambda event: has_subject(event, "project", "seagull")),
    ({"network": "192.0.2.1"}, lambda event: came_from(event, "192.0.2.1")),
    ({"network": "192.0.2.0/24"}, lambda event: came_from(event, "192.0.2.")),
    ({"network": "192.0.0.0/16"}, lambda event: came_from(event, "192.0.")),
    ({"network": "2001:db8::/32"}, lambda event: came_from(event, "2001:db8")),
    ({"token": "t-1"}, lambda event: event.credential_id == "t-1"),
    ({"terms": ("robot",)}, lambda event: event.credential_label == "robot"),
    ({"terms": ("eagul",)}, lambda event: has_subject(event, "project", "seagull")),
    ({"terms": ("192.0.3.",)}, lambda event: came_from(event, "192.0.3.")),
    (
        {"terms": ("bob",)},
        lambda event: event.actor_label == "bob" or has_subject(event, "user", "bob"),
    ),
]


@pytest.mark.usefixtures("_small_steps", "db")
def test_every_pair_of_questions_is_answered_as_by_looking_at_each_event() -> None:
    events = record_some(40)
    for (first, test), (second, other) in combinations(QUESTIONS, 2):
        if first.keys() & second.keys():
            continue
        expected = [event.number for event in events if test(event) and other(event)]
        assert numbers_of(EventSearch(**first, **second)) == expected, (first, second)


@pytest.mark.usefixtures("_small_steps", "db")
def test_all_that_is_found_can_be_read_in_batches() -> None:
    events = record_some(40)
    for question, test in QUESTIONS:
        batches = list(EventSearch(**question).batches())
        found = [event.number for batch in batches for event in batch]
        assert found == [event.number for event in events if test(event)], question
        assert max(map(len, batches), default=0) <= 7 * search.LONGEST_LIST  # of 7 streams


@pytest.mark.usefixtures("_small_steps", "db")
def test_what_was_refused_is_found_with_what_tells_of_its_repeats() -> None:
    record_some(12)
    with transaction.atomic():
        for kind in (REFUSED.name, "testing:other"):
            record(FAILURES_REPEATED, by=system(), about=[ALICE], failure=kind, count=2)
    own, other = Event.objects.filter(kind=FAILURES_REPEATED.name).order_by("number")
    refused = Event.objects.filter(kind=REFUSED.name).order_by("-number")
    expected = [own.number, *refused.values_list("number", flat=True)]
    assert numbers_of(EventSearch(refused=(REFUSED.name,))) == expected
    assert numbers_of(EventSearch(refused=("testing:other",))) == [other.number]
    both = EventSearch(refused=(REFUSED.name, "testing:other"), is_failure=True)
    assert numbers_of(both) == [other.number, *expected]


@pytest.mark.usefixtures("_small_steps", "db")
def test_a_period_has_its_first_moment_and_not_its_last() -> None:
    events = record_some(12)
    since, until = events[8].recorded_at, events[3].recorded_at
    expected = [event.number for event in events if since <= event.recorded_at < until]
    assert numbers_of(EventSearch(since=since, until=until)) == expected
    assert len(expected) == 5
    assert numbers_of(EventSearch(until=events[-1].recorded_at)) == []
    assert numbers_of(EventSearch(since=events[0].recorded_at + timedelta(days=9))) == []


@pytest.mark.usefixtures("_small_steps", "db")
def test_events_of_one_moment_are_found_together() -> None:
    with time_machine.travel(datetime(2031, 5, 6, 12, tzinfo=UTC), tick=False):
        moment, events = timezone.now(), record_some(6)
    move_to_the_end_of_the_table(events[-1])
    expected = [event.number for event in events]
    assert numbers_of(EventSearch(since=moment)) == expected
    assert numbers_of(EventSearch(until=moment + timedelta(seconds=1))) == expected


@pytest.mark.usefixtures("_small_steps", "db")
def test_an_event_whose_time_is_out_of_order_is_not_lost() -> None:
    # Events have their time before they have their number
    events = record_some(6)
    middle = events[3].recorded_at
    with transaction.atomic():
        late = record(DONE, by=actor_at("192.0.2.1"), what="late")
    found = EventSearch(until=late.recorded_at, since=middle)
    assert late.number not in numbers_of(found)
    assert events[0].number in numbers_of(found)


@pytest.mark.usefixtures("_small_steps", "db")
def test_a_page_looks_at_so_many_events_and_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with transaction.atomic():
        oldest = record(DONE, by=actor_at("192.0.2.1", label="needle-1"), what="x")
    record_some(50)
    monkeypatch.setattr(search, "LOOKED_AT", 20)
    found = EventSearch(terms=("eedle",))
    page = found.page()
    assert (page.events, page.is_full) == ([], False)
    assert page.older == 52 - 20  # of 51 events
    assert numbers_of(found) == [oldest.number]


@pytest.mark.usefixtures("db")
def test_a_page_of_everything_reads_no_more_than_it_shows() -> None:
    record_some(150)
    with CaptureQueriesContext(connection) as queries:
        page = EventSearch().page()
    assert len(page.events) == search.PAGE
    assert len(queries) == 4  # the head, the events, their subjects, their origins


@pytest.mark.usefixtures("db")
def test_whether_a_term_is_a_name_is_one_query() -> None:
    record_some(10)
    for term, test in (("nowhere", "LIKE"), ("robot", "LOWER")):
        with CaptureQueriesContext(connection) as queries:
            conditions = EventSearch(terms=(term,))._conditions
        assert len(queries) == 1
        assert test in str(Event.objects.filter(conditions[0].test(search.Span(1, 10))).query)


@pytest.mark.usefixtures("db")
def test_a_part_in_ascii_is_compared_by_the_rules_of_ascii(is_postgresql: bool) -> None:
    for part, is_ascii in (("obo", True), ("öß", False)):
        query = str(Event.objects.filter(actor_label__bears=part).query)
        assert ('COLLATE "C"' in query) is (is_postgresql and is_ascii)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("part", ["OBO", "Öß", "öß", "50%_", "\\"])
def test_a_part_of_a_name_is_found_as_it_is_written(part: str) -> None:
    label = "a ROBOT with Öß 50%_ \\"
    with transaction.atomic():
        record(DONE, by=actor_at("192.0.2.1", label="one"), about=[ALICE], what="x")
        by = actor_at("192.0.2.1").with_token(token_id="t-1", label=label)
        found = record(DONE, by=by, what="x")
    has_case = part == "öß" and connection.vendor == "sqlite"  # knows the letters of ASCII alone
    expected = [] if has_case else [found.number]
    assert numbers_of(EventSearch(terms=(part,))) == expected


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "filters",
    [
        {"family": "testing"},
        {"kind": DONE.name},
        {"is_failure": True},
        {"refused": (REFUSED.name,)},
        {"actor": "alice"},
        {"actor": ALICE.subject_id},
        {"account": "alice"},
        {"account": ALICE.subject_id},
        {"network": "192.0.2.1"},
        {"token": "t-1"},
    ],
    ids=str,
)
def test_each_filter_is_answered_by_an_index(filters: dict[str, Any], is_postgresql: bool) -> None:
    record_some(200)
    found = EventSearch(**filters)
    for condition in found._conditions:
        for stream in condition.streams:
            rows = stream._rows.filter(**{f"{stream._number}__lt": 10_000})
            with transaction.atomic(), connection.cursor() as cursor:
                if is_postgresql:  # few rows: it would rather read the table
                    cursor.execute("SET LOCAL enable_seqscan = off")
                    cursor.execute("SET LOCAL enable_bitmapscan = off")
                    cursor.execute("SET LOCAL enable_sort = off")  # where there is another way
                query = rows.order_by(f"-{stream._number}").values_list(stream._number)
                plan = query.explain()
            assert "INDEX" in plan.upper()
            assert "SORT" not in plan.upper().replace("TEMP B-TREE", "SORT"), plan


def test_pages_before_the_first_event_are_empty(db: None) -> None:
    record_some(3)
    assert EventSearch().page(before=1).events == []
    assert len(EventSearch().page(before=10**18).events) == 3
