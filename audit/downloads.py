"""Events as files: CSV for spreadsheets and JSON for programs, streamed from the newest on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit.models import EventQuerySet
from audit.rendering import HistoryLine, history

AT_A_TIME = 500
COLUMNS = (
    "number",
    "time",
    "kind",
    "sentence",
    "refused",
    "actor",
    "credential",
    "credential_name",
    "network_address",
    "user_agent",
)
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")  # how spreadsheets know one


def lines_of(
    events: EventQuerySet, *, reader_id: str = "", is_staff: bool = False
) -> Iterator[HistoryLine]:
    """The lines of any number of events, newest first, a few hundred in memory at a time."""
    rows = list(events.order_by("-number")[:AT_A_TIME])
    while rows:
        yield from history(rows, reader_id=reader_id, is_staff=is_staff)
        older = events.filter(number__lt=rows[-1].number)
        rows = list(older.order_by("-number")[:AT_A_TIME])


def as_fields(line: HistoryLine) -> dict[str, Any]:
    """One line, by the names of the columns."""
    event = line.event
    return {
        "number": event.number,
        "time": line.recorded_at.isoformat(timespec="seconds"),
        "kind": event.kind,
        "sentence": line.sentence,
        "refused": event.is_failure,
        "actor": event.actor_label,
        "credential": event.credential,
        "credential_name": event.credential_label,
        "network_address": line.network_address,
        "user_agent": line.user_agent,
    }


class Echo:
    """What csv writes to: hands each row back."""

    def write(self, text: str) -> str:
        """The row."""
        return text


def as_csv(lines: Iterable[HistoryLine]) -> Iterator[str]:
    """Comma-separated, with a header. No cell is a formula to a spreadsheet."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for line in lines:
        yield writer.writerow(harmless(value) for value in as_fields(line).values())


def harmless(value: Any) -> Any:
    """Text with an apostrophe before it, where a spreadsheet would compute it (CWE-1236)."""
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value


def as_json(
    rows: Iterable[Any], *, encoder: type[json.JSONEncoder] = json.JSONEncoder
) -> Iterator[str]:
    """A JSON array, an element a line."""
    yield "["
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(row, cls=encoder, ensure_ascii=False)
    yield "\n]\n"
