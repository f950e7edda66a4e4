"""One sentence for each event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from audit.models import Event, EventOrigin, EventSubject


@dataclass(frozen=True)
class HistoryLine:
    """An event as pages show it.

    Attributes:
        event: the event.
        sentence: what happened, in the reader's language.
        recorded_at: when.
        network_address: from where, "" where the reader may not see it or it was erased.
        user_agent: with what, likewise.
    """

    event: Event
    sentence: str
    recorded_at: datetime
    network_address: str = ""
    user_agent: str = ""


class _Places(defaultdict[str, str]):
    """Fills a place that the event has no field for, so that old events stay readable."""

    def __missing__(self, key: str) -> str:
        return "…"


def sentence(event: Event, subjects: Sequence[EventSubject]) -> str:
    """What happened. Kinds that this version does not declare are shown by their name."""
    kind = event.declared_kind
    if kind is None:
        return event.kind
    places = _Places(str, {name: _shown(value) for name, value in event.fields.items()})
    places["actor"] = event.actor_label or _("somebody")
    places["subject"] = subjects[0].label if subjects else ""
    places["project"] = next((row.label for row in subjects if row.kind == "project"), "")
    places["user"] = next((row.label for row in subjects if row.kind == "user"), "")
    return str(kind.sentence).format_map(places)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value)


def history(
    events: Iterable[Event], *, reader_id: str = "", is_staff: bool = False
) -> list[HistoryLine]:
    """Lines for a page of events, in three queries.

    Args:
        events: the events, already limited to what the reader may see.
        reader_id: the account that reads; it sees where its own acts came from.
        is_staff: staff see that of all.
    """
    rows = list(events)
    numbers = [event.number for event in rows]
    subjects: dict[int, list[EventSubject]] = defaultdict(list)
    for subject in EventSubject.objects.filter(event_number__in=numbers):
        subjects[subject.event_number].append(subject)
    origins = EventOrigin.objects.in_bulk(numbers)
    lines = []
    for event in rows:
        may_see = is_staff or (bool(reader_id) and event.actor_id == reader_id)
        origin = origins.get(event.number) if may_see else None
        lines.append(
            HistoryLine(
                event=event,
                sentence=sentence(event, subjects[event.number]),
                recorded_at=event.recorded_at,
                network_address=origin.network_address if origin else "",
                user_agent=origin.user_agent if origin else "",
            )
        )
    return lines
