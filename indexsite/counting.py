"""Rolling events up into numbers of days and months, so that pages need not read the events.

Events get their numbers under the lock of the chain's head, in the order in which they are
committed. So whatever is not above the head is there to be counted, and no event comes in later
with a number that was passed. Counts and the mark that says how far they go change in one
transaction, under the lock of the mark: a killed worker counts nothing twice, nor do two at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.models import ChainHead, Event
from indexsite.models import DAY, MONTH, CountMark, PeriodCount

PIECE = 10_000  # numbers of events in one transaction
DAYS_KEPT = timedelta(days=62)
_KEY = ["period", "starts_on", "series", "label"]


@dataclass(frozen=True)
class Series:
    """Events that are counted together.

    Attributes:
        name: what the database calls them. A series with a new name is counted from the first
            event on.
        kinds: the names of their kinds.
        share: the label that an event counts under, and how often; None to leave it out.
    """

    name: str
    kinds: frozenset[str]
    share: Callable[[Event], tuple[str, int] | None]


def count_new(series: Iterable[Series]) -> int:
    """Count what was recorded since the last time; how many events."""
    counted = 0
    for one in series:
        CountMark.objects.get_or_create(series=one.name)
        while (number := _count_piece(one)) is not None:
            counted += number
    return counted


@transaction.atomic
def _count_piece(series: Series) -> int | None:
    """Go on by one piece of the memory; how many events counted, None if there is nothing new."""
    mark = CountMark.objects.select_for_update(no_key=True).get(series=series.name)
    head = ChainHead.objects.get(pk=1).number
    if mark.number >= head:
        return None
    last = min(head, mark.number + PIECE)
    new = Event.objects.filter(kind__in=series.kinds, number__gt=mark.number, number__lte=last)
    events = list(new.only("number", "kind", "recorded_at", "credential", "fields"))
    mark.number = last
    mark.save()
    _add(series, events)
    return len(events)


def _add(series: Series, events: Iterable[Event]) -> None:
    """Add events to the counts of their periods. The mark is locked, so nobody else does."""
    found: Counter[tuple[str, date, str]] = Counter()
    oldest_day = (timezone.now() - DAYS_KEPT).astimezone(UTC).date()
    for event in events:
        share = series.share(event)
        if share is None:
            continue
        label, weight = share
        for period, starts_on in periods_of(event.recorded_at).items():
            if period == MONTH or starts_on >= oldest_day:
                found[period, starts_on, label] += weight
    if not found:
        return
    starts = {starts_on for _period, starts_on, _label in found}
    stored = PeriodCount.objects.filter(series=series.name, starts_on__in=starts)
    for row in stored:
        if (key := (row.period, row.starts_on, row.label)) in found:
            found[key] += row.count
    _store((*key[:2], series.name, key[2], count) for key, count in found.items())


def keep_measured(values: Mapping[tuple[str, str], int]) -> None:
    """Keep how things stand, by series and label, as the last word on this day and month."""
    periods = periods_of(timezone.now()).items()
    _store(
        (period, starts_on, series, label, count)
        for (series, label), count in values.items()
        for period, starts_on in periods
    )


def _store(rows: Iterable[tuple[str, date, str, str, int]]) -> None:
    PeriodCount.objects.bulk_create(
        [PeriodCount(**dict(zip([*_KEY, "count"], row, strict=True))) for row in rows],
        update_conflicts=True,
        unique_fields=_KEY,
        update_fields=["count"],
        batch_size=100,
    )


def periods_of(moment: datetime) -> dict[str, date]:
    """The first days of the periods that a moment is in, by UTC."""
    day = moment.astimezone(UTC).date()
    return {DAY: day, MONTH: day.replace(day=1)}


def forget_old_days() -> int:
    """Delete the numbers of days that no page shows any more; months are kept."""
    oldest = (timezone.now() - DAYS_KEPT).astimezone(UTC).date()
    return PeriodCount.objects.filter(period=DAY, starts_on__lt=oldest).delete()[0]


Numbers = dict[date, dict[str, int]]


def read_numbers(**since: date) -> dict[str, dict[str, Numbers]]:
    """Numbers by period, series, first day and label, in one query.

    Args:
        since: the first days of the oldest periods to read, by "day" and "month".
    """
    wanted = Q()
    for period, starts_on in since.items():
        wanted |= Q(period=period, starts_on__gte=starts_on)
    found: dict[str, dict[str, Numbers]] = {DAY: {}, MONTH: {}}
    rows = PeriodCount.objects.filter(wanted).values_list(*_KEY, "count")
    for period, starts_on, series, label, count in rows:
        found[period].setdefault(series, {}).setdefault(starts_on, {})[label] = count
    return found


def months_back(number: int, today: date) -> list[date]:
    """The first days of the last months, this one last."""
    count = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(count - number + 1, count + 1)]
