"""Events as files: CSV for people, JSON lines for programs. Read in pieces, never all at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from django.db import transaction

from audit import keyring
from audit.actors import Actor
from audit.downloads import Echo, harmless
from audit.events import EVENTS_EXPORTED
from audit.log import record
from audit.models import ChainHead, Event
from audit.rendering import sentence
from audit.search import EventSearch, attach_surroundings

COLUMNS = (
    "number",
    "recorded_at",
    "kind",
    "is_failure",
    "sentence",
    "actor_kind",
    "actor",
    "actor_id",
    "credential",
    "credential_label",
    "credential_id",
    "about",
    "network_address",
    "user_agent",
    "fields",
    "seal",
)
HEAD = "audit:chain:head"  # what the last line calls itself
_BATCH = 1_000  # events
# Nobody typed a name there
_HARMLESS = frozenset({"family", "kind", "outcome", "refused", "since", "until"})


@transaction.atomic
def begin_export(search: EventSearch, *, form: str, filters: dict[str, str], by: Actor) -> Event:
    """Record that events leave the site; the file goes up to the event before this one.

    Args:
        search: what is exported; its words are kept as told below.
        form: "csv" or "jsonl".
        filters: the filter as it was sent. What was typed may be somebody's address, and what is
            sealed cannot be erased: of that only a keyed digest is kept.
    """
    words = [f"{name}={_kept(name, value)}" for name, value in sorted(filters.items())]
    return record(EVENTS_EXPORTED, by=by, form=form, filters=words or ["everything"])


def _kept(name: str, value: str) -> str:
    return value if name in _HARMLESS else keyring.digest(keyring.NAMES, value.lower())[:16]


def export_search(search: EventSearch, *, form: str, before: int) -> Iterator[str]:
    """The lines of a file with all events that are found below a number, newest first."""
    events = (event for batch in search.batches(before=before) for event in batch)
    return _lines(events, form, ChainHead.objects.get(pk=1))


def export_since(number: int) -> Iterator[str]:
    """JSON lines with the events after a number, oldest first, up to that of the last line."""
    head = ChainHead.objects.get(pk=1)
    return _lines(_events_between(number, head.number), "jsonl", head)


def _events_between(number: int, last: int) -> Iterator[Event]:
    while number < last:
        rows = Event.objects.filter(number__gt=number, number__lte=last).order_by("number")[:_BATCH]
        events = attach_surroundings(list(rows))
        if not events:
            return
        number = events[-1].number
        yield from events


def _lines(events: Iterable[Event], form: str, head: ChainHead) -> Iterator[str]:
    write: Any = csv.writer(Echo()).writerow if form == "csv" else None
    if write:
        yield write(COLUMNS)
    for event in events:
        row = _row(event)
        yield write([_cell(row[name]) for name in COLUMNS]) if write else _json(row)
    end = {"number": head.number, "kind": HEAD, "seal": head.seal}
    yield write([end.get(name, "") for name in COLUMNS]) if write else _json(end)


def _row(row: Any) -> dict[str, Any]:
    origin = row.origin
    return {
        "number": row.number,
        "recorded_at": row.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": row.kind,
        "is_failure": row.is_failure,
        "sentence": sentence(row, row.about),
        "actor_kind": row.actor_kind,
        "actor": row.actor_label,
        "actor_id": row.actor_id,
        "credential": row.credential,
        "credential_label": row.credential_label,
        "credential_id": row.credential_id,
        "about": [{"kind": s.kind, "id": s.subject_id, "label": s.label} for s in row.about],
        "network_address": origin.network_address if origin else None,
        "user_agent": origin.user_agent if origin else None,
        "fields": row.fields,
        "seal": row.seal,
    }


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    """A cell: lists as JSON, and nothing that a spreadsheet takes for a formula."""
    if isinstance(value, list | dict):
        value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(harmless("" if value is None else str(value)))
