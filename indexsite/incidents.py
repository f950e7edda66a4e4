"""What was refused in the last day and week: how often, from where and about whom.

Read from the events themselves, by the index of failures: the memory seals some 200 of them an hour
at most, so this costs the same however large the site is. Each answer is one query.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower
from django.utils import timezone

from audit.actors import shorten
from audit.events import FAILURES_REPEATED, FAILURES_UNLISTED
from audit.models import Event, EventOrigin, EventSubject
from audit.search import SLACK

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Line:
    """What was refused, where from, or about whom.

    Attributes:
        day: how often in 24 hours.
        week: how often in 7 days.
        found_by: what the filter of events finds all of these by.
    """

    name: str
    day: int
    week: int
    found_by: str


class Refusals:
    """What was refused since a moment; the last week, if no other is given.

    Repeats of a failure have one event with their number, and count as often as they happened.

    Args:
        kinds: the names of the kinds to look at; None for all.
    """

    def __init__(self, since: timedelta = WEEK, *, kinds: frozenset[str] | None = None) -> None:
        # Whole minutes, as the filter of events has them: a link finds what was counted
        self.now = timezone.now().replace(second=0, microsecond=0)
        self.since = self.now - since
        self.events = _since(self.since).annotate(
            what=Case(
                When(kind=FAILURES_REPEATED.name, then=KT("fields__failure")),
                default=F("kind"),
                output_field=CharField(),
            ),
            times=Case(
                When(kind=FAILURES_REPEATED.name, then=_count() - 1),
                When(kind=FAILURES_UNLISTED.name, then=_count()),
                default=1,
                output_field=IntegerField(),
            ),
        )
        if kinds is not None:
            self.events = self.events.filter(what__in=kinds)

    @property
    def since_as_filtered(self) -> str:
        """The moment from which on they count, as the filter of events takes it."""
        return f"{self.since:%Y-%m-%dT%H:%M}"

    def kinds(self) -> list[Line]:
        """By kind, the most frequent first."""
        return self._lines("what")

    def accounts(self) -> list[Line]:
        """By the account that they are about, the most frequent first."""
        about = EventSubject.objects.filter(event_number=OuterRef("number"))
        # As an expression: PostgreSQL may else walk the index of all accounts for each event
        about = about.annotate(of=Lower("kind")).filter(of="user")
        first = about.order_by("position").values("label")[:1]
        return self._lines("account", account=Subquery(first))

    def places(self) -> list[Line]:
        """By network, which repeats are counted by; one address where all came from it."""
        origins = EventOrigin.objects.filter(event_number=OuterRef("number"))
        lines = self._lines("place", place=Subquery(origins.values("network_address")[:1]))
        by_network: dict[str, list[Line]] = {}
        for line in lines:
            network = line.name if "/" in line.name else shorten(line.name)
            by_network.setdefault(network or line.name, []).append(line)
        return _sorted([_together(network, members) for network, members in by_network.items()])

    def _lines(self, name: str, **annotations: Any) -> list[Line]:
        recent = Q(recorded_at__gte=self.now - DAY)
        rows = self.events.annotate(**annotations).order_by().values(name)
        rows = rows.annotate(day=Sum("times", filter=recent, default=0), week=Sum("times"))
        found = rows.values_list(name, "day", "week")
        return _sorted([Line(text, day, week, text) for text, day, week in found if text])


def _sorted(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.day, -line.week, line.name))


def _together(network: str, members: list[Line]) -> Line:
    """The line of a network; most are of one address, and are lines already."""
    if len(members) == 1:
        return members[0]
    single = {line.name for line in members if "/" not in line.name}
    name = single.pop() if len(single) == 1 else network
    day, week = (sum(getattr(one, span) for one in members) for span in ("day", "week"))
    return Line(name, day, week, network)


def _count() -> Cast:
    return Cast(KT("fields__count"), IntegerField())


def _since(moment: datetime) -> QuerySet[Event]:
    """Failures from a moment on, from the first number that can be as young on: numbers have an
    index of their own for failures.
    """
    later = Event.objects.filter(recorded_at__gte=moment - SLACK)
    # By number, too: of events of one moment, PostgreSQL may else give any
    first = Subquery(later.order_by("recorded_at", "number").values("number")[:1])
    return Event.objects.filter(is_failure=True, number__gte=first, recorded_at__gte=moment)


def totals(lines: list[Line], label_of: Any) -> dict[str, tuple[int, int]]:
    """Day and week of several kinds together, by the label that a kind belongs to."""
    day: Counter[str] = Counter()
    week: Counter[str] = Counter()
    for line in lines:
        if label := label_of(line.name):
            day[label] += line.day
            week[label] += line.week
    return {label: (day[label], week[label]) for label in week}
