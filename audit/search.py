"""Finding events among millions: page by page, each in bounded time, whatever is asked for.

Nothing is counted and nothing is sorted. Each part of a filter reads one index backwards from the
last event (a *stream* of numbers); the sparsest of them leads, and the others are tested on what it
brings. Where no index helps, events are looked at in windows, up to a number of events a page, and
the page says how far back it has looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import Exact

from audit import lookups  # noqa: F401  (registers `listed` and `bears`)
from audit.events import FAILURES_REPEATED
from audit.models import ChainHead, Event, EventOrigin, EventSubject
from audit.networks import find_range

PAGE = 100  # events
FIRST_LOOK, LONGEST_LIST, LARGEST_WINDOW = 200, 1_000, 16_000  # events in one query
LOOKED_AT = 25_000  # events a page, at most
COST_OF_ONE = 5  # to look at single events, scattered over the memory, takes so much longer
LISTED = 10_000  # events from a range of network addresses, at most, that are found by an index
SLACK = timedelta(minutes=5)  # events have their time before they have their number


class Stream:
    """Numbers of events that have one thing in common, newest first, read from an index."""

    def __init__(self, rows: QuerySet[Any], number: str) -> None:
        self._rows, self._number = rows, number

    def below(self, below: int, floor: int, size: int) -> list[int]:
        """At most `size` numbers from `floor` on and below another."""
        span = {f"{self._number}__gte": floor, f"{self._number}__lt": below}
        rows = self._rows.filter(**span).order_by(f"-{self._number}")
        return list(rows.values_list(self._number, flat=True)[:size])

    def newest(self) -> Subquery | int | None:
        """The last number of all, for another query to ask; or as it is known, None for none."""
        # Sorted: by what PostgreSQL guesses about a name, it may else read the whole table
        rows = self._rows.order_by(f"-{self._number}")
        return Subquery(rows.values(self._number)[:1])


class ListedStream(Stream):
    """Numbers that were read at once."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = sorted(numbers, reverse=True)

    def below(self, below: int, floor: int, size: int) -> list[int]:
        """At most `size` numbers from `floor` on and below another."""
        return [number for number in self._numbers if floor <= number < below][:size]

    def newest(self) -> int | None:
        """The last number of all, None for none."""
        return self._numbers[0] if self._numbers else None


@dataclass(frozen=True)
class Span:
    """A piece of the memory to look at.

    Attributes:
        low: the number down to which all is looked at.
        below: the number below which it is.
        numbers: the events to look at; None for all between.
    """

    low: int
    below: int
    numbers: list[int] | None = None

    @property
    def cost(self) -> int:
        """How long it takes to look at, in events of a row."""
        return self.below - self.low if self.numbers is None else COST_OF_ONE * len(self.numbers)

    def of(self, number: str) -> Q:
        """Only rows of these events, whose number is in the column of that name."""
        if self.numbers is not None:
            return Q(**{f"{number}__listed": self.numbers})
        return Q(**{f"{number}__gte": self.low, f"{number}__lt": self.below})


@dataclass(frozen=True)
class Condition:
    """One part of a filter.

    Attributes:
        test: whether an event of a span meets it. What it asks of other tables it asks of the
            rows of the span alone: PostgreSQL may read all that a subquery could find.
        streams: together, the numbers of all events that do; none where no index knows.
    """

    test: Callable[[Span], Q]
    streams: tuple[Stream, ...] = ()

    def below(self, below: int, floor: int, size: int) -> tuple[list[int], int]:
        """The next numbers of all streams, and the number down to which these are all."""
        batches = [stream.below(below, floor, size) for stream in self.streams]
        low = max((batch[-1] for batch in batches if len(batch) == size), default=floor)
        return sorted({n for batch in batches for n in batch if n >= low}, reverse=True), low


@dataclass(frozen=True)
class EventPage:
    """A page of events, newest first.

    Attributes:
        events: at most PAGE of them.
        older: the number below which the next page begins; None on the last one.
        is_full: whether the page is full. One that is not, and has an older one, has looked at
            LOOKED_AT events or fewer, and there may be more.
    """

    events: list[Event]
    older: int | None
    is_full: bool


@dataclass(frozen=True)
class EventSearch:
    """What to look for; everything that is given must be so.

    Attributes:
        family: the first part of the kind's name.
        kind: the kind's whole name.
        is_failure: whether it says that something was refused or did not work.
        refused: kinds of failures of which it must be one, or tell of its repeats.
        since: not before.
        until: before.
        actor: the name or id of who acted.
        account: the name or id of an account that it is about.
        project: the name or id of a project that it is about.
        network: an address, a range, or the beginning of an address, that it came from.
        token: the id of the API token that acted, or that it is about.
        terms: each must be the name of something in it, or a part of one.
        sees_origins: whether a term may also be a network address.
    """

    family: str = ""
    kind: str = ""
    is_failure: bool | None = None
    refused: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    account: str = ""
    project: str = ""
    network: str = ""
    token: str = ""
    terms: tuple[str, ...] = field(default=())
    sees_origins: bool = True

    def page(self, *, before: int | None = None) -> EventPage:
        """One page: the newest, or those with numbers below `before`."""
        found: list[Event] = []
        floor, below = self._bounds(before)
        low = below
        looked_at = 0
        for span in self._spans(below, floor, LARGEST_WINDOW, LOOKED_AT):
            found += self._matching(span)[: PAGE + 1 - len(found)]
            looked_at += span.cost
            low = span.low
            if len(found) > PAGE or looked_at >= LOOKED_AT:
                break
        is_full = len(found) > PAGE
        events = attach_surroundings(found[:PAGE])
        if is_full:
            return EventPage(events, events[-1].number, is_full)
        return EventPage(events, low if low > floor else None, is_full)

    def batches(self, *, before: int | None = None) -> Iterator[list[Event]]:
        """All events, newest first, a thousand or so at a time."""
        floor, below = self._bounds(before)
        for span in self._spans(below, floor, LONGEST_LIST):
            events = attach_surroundings(list(self._matching(span)))
            if events:
                yield events

    def _bounds(self, before: int | None) -> tuple[int, int]:
        """The numbers between which to look: from the first on, below the second."""
        last = ChainHead.objects.get(pk=1).number
        floor, below = 1, min(before or last + 1, last + 1)
        times = Event.objects.values_list("number", flat=True)
        if self.since:
            # By number, too: of events of one moment, PostgreSQL may else give any
            later = times.filter(recorded_at__gte=self.since - SLACK)
            floor = next(iter(later.order_by("recorded_at", "number")[:1]), below)
        if self.until:
            earlier = times.filter(recorded_at__lt=self.until + SLACK)
            last_one = next(iter(earlier.order_by("-recorded_at", "-number")[:1]), 0)
            below = min(below, last_one + 1)
        return floor, below

    def _spans(
        self, below: int, floor: int, largest_window: int, looked_at: int | None = None
    ) -> Iterator[Span]:
        """Where to look, newest first, in growing pieces.

        Args:
            looked_at: where pieces of everything should end: after so many events.
        """
        leader = self._leader(below, floor)
        size, end = FIRST_LOOK, below - looked_at if looked_at else floor
        while below > floor:
            if leader is None:
                low = max(floor, below - size, end if end < below else floor)
                yield Span(low, below)
                size = min(size * 4, largest_window)
            else:
                numbers, low = leader.below(below, floor, size)
                yield Span(low, below, numbers)
                size = min(size * 4, LONGEST_LIST)
            below = low

    def _leader(self, below: int, floor: int) -> Condition | None:
        """The condition that the fewest events seem to meet: it reaches back farthest."""
        reaches = [
            (low, len(numbers), place)
            for place, condition in enumerate(self._conditions)
            if condition.streams
            for numbers, low in [condition.below(below, floor, FIRST_LOOK)]
        ]
        return self._conditions[min(reaches)[2]] if reaches else None

    def _matching(self, span: Span) -> QuerySet[Event]:
        tests = span.of("number")
        for condition in self._conditions:
            tests &= condition.test(span)
        return Event.objects.filter(tests).order_by("-number")

    @cached_property
    def _conditions(self) -> list[Condition]:
        found = []
        if self.family:
            found.append(_of_event(Q(family=self.family)))
        if self.kind:
            found.append(_of_event(Q(kind=self.kind)))
        if self.is_failure is not None:
            test = Q(is_failure=self.is_failure)
            found.append(_of_event(test) if self.is_failure else _unindexed(test))
        if self.refused:
            found.append(_of_refused(self.refused))
        if self.since:
            found.append(_unindexed(Q(recorded_at__gte=self.since)))
        if self.until:
            found.append(_unindexed(Q(recorded_at__lt=self.until)))
        if self.actor:
            found.append(_of_event(_actor(self.actor)))
        if self.account:
            found.append(_of_subject(_subject("user", self.account)))
        if self.project:
            found.append(_of_subject(_subject("project", self.project)))
        if self.network:
            found.append(_of_origin(self.network))
        if self.token:
            found.append(_of_event(Q(token_id=self.token)))
        return found + [_of_term(term, self.sees_origins) for term in self.terms]


def attach_surroundings(events: list[Event]) -> list[Event]:
    """Give each event its `about` (list of subjects) and its `origin` (or None if erased)."""
    numbers = [event.number for event in events]
    subjects: dict[int, list[EventSubject]] = {number: [] for number in numbers}
    for subject in EventSubject.objects.filter(event_number__in=numbers):
        subjects[subject.event_number].append(subject)
    origins = EventOrigin.objects.in_bulk(numbers)
    for row in events:
        event: Any = row
        event.about, event.origin = subjects[row.number], origins.get(row.number)
    return events


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _same(column: str, text: str) -> Q:
    """Equal, whatever the case; both sides made lower by the database, as in the index."""
    return Q(Exact(Lower(column), Lower(Value(text))))


def _actor(text: str) -> Q:
    return Q(actor_id=text.lower()) if _is_id(text) else _same("actor_label", text)


def _subject(kind: str, text: str) -> Q:
    named = Q(subject_id=text.lower()) if _is_id(text) else _same("label", text)
    return Q(kind=kind) & named


def _unindexed(test: Q) -> Condition:
    return Condition(lambda span: test)


def _of_event(test: Q) -> Condition:
    return Condition(lambda span: test, (Stream(Event.objects.filter(test), "number"),))


def _of_refused(kinds: Sequence[str]) -> Condition:
    """Failures of these kinds, and what tells how often they were repeated."""
    repeats = Q(kind=FAILURES_REPEATED.name)
    test = Q(kind__in=kinds) | (repeats & Q(fields__failure__in=kinds))
    each = [Q(kind=kind) for kind in kinds] + [repeats]
    return Condition(
        lambda span: test,
        tuple(Stream(Event.objects.filter(one), "number") for one in each),
    )


def _of_subject(test: Q) -> Condition:
    rows = EventSubject.objects.filter(test)
    return Condition(_among(rows), (Stream(rows, "event_number"),))


def _among(rows: QuerySet[Any]) -> Callable[[Span], Q]:
    """Whether an event is among those that rows of another table belong to."""
    return lambda span: Q(number__in=rows.filter(span.of("event_number")).values("event_number"))


def _of_origin(text: str) -> Condition:
    """Where it came from. A text that is no network is met by nothing."""
    found = find_range(text)
    if found is None:
        return Condition(lambda span: Q(number__in=[]), (ListedStream([]),))
    first, last = found
    test = Q(address_key=first) if first == last else Q(address_key__range=found)
    rows = EventOrigin.objects.filter(test)
    if first == last:
        return Condition(_among(rows), (Stream(rows, "event_number"),))
    numbers = list(rows.values_list("event_number", flat=True)[: LISTED + 1])
    if len(numbers) <= LISTED:
        return Condition(_among(rows), (ListedStream(numbers),))
    # SQLite would read all that is in the range, by the index; an expression has none
    keys = EventOrigin.objects.alias(key=Coalesce("address_key", Value("")))
    return Condition(_among(keys.filter(key__range=found)))


def _of_term(term: str, sees_origins: bool) -> Condition:
    """What bears this name; where nothing does, what has it as a part of a name."""
    whole = [
        _of_event(_same("actor_label", term)),
        _of_event(_same("credential_label", term)),
        _of_event(Q(kind=term)),
        _of_event(Q(family=term)),
        _of_event(Q(token_id=term)),
        _of_subject(_same("label", term)),
    ]
    if sees_origins:
        whole.append(_of_origin(term))
    test = _any_of([condition.test for condition in whole])
    if not all(condition.streams for condition in whole):
        return Condition(test)  # a range that many events came from
    named = Condition(test, tuple(stream for one in whole for stream in one.streams))
    return named if _is_met(named) else _contains(term)


def _is_met(condition: Condition) -> bool:
    """Whether there is any event of a condition, in one query; it stops at the first stream."""
    found = [stream.newest() for stream in condition.streams]
    if any(isinstance(number, int) for number in found):
        return True
    asked = [number for number in found if number is not None]
    return ChainHead.objects.values_list(Coalesce(*asked), flat=True).get(pk=1) is not None


def _any_of(tests: Sequence[Callable[[Span], Q]]) -> Callable[[Span], Q]:
    return lambda span: reduce(or_, (test(span) for test in tests))


def _contains(part: str) -> Condition:
    own = Q(actor_label__bears=part) | Q(kind__bears=part) | Q(credential_label__bears=part)
    labels = EventSubject.objects.filter(label__bears=part)
    return Condition(_any_of([lambda span: own, _among(labels)]))
