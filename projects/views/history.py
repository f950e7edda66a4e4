"""The history of a project, for those who have a role in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from audit.models import Event
from audit.rendering import HistoryLine, history
from projects.forms import HistoryForm
from projects.models import Role
from projects.views.doors import find_role, project_context

PAGE_LENGTH = 50
_BATCH = 500
_COLUMNS = (
    "number",
    "time",
    "kind",
    "sentence",
    "refused",
    "actor",
    "credential",
    "network_address",
    "details",
)


def _events(request: HttpRequest, role: Role) -> tuple[HistoryForm, Any]:
    form = HistoryForm(request.GET)
    conditions = form.conditions()
    return form, Event.objects.for_project(role.project).filter(**conditions)


@account_page
@require_safe
def show_history(request: HttpRequest, name: str) -> HttpResponse:
    """All that the memory holds about a project, or the part that is asked for."""
    role = find_role(request, name)
    form, events = _events(request, role)
    page = Paginator(events, PAGE_LENGTH).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = project_context(
        role,
        "history",
        form=form,
        page=page,
        lines=history(page.object_list, reader_id=str(request.user.pk)),
        query_string=query.urlencode(),
        is_filtered=bool(form.conditions()),
    )
    return render(request, "projects/history.html", context)


def _lines(request: HttpRequest, events: Any) -> Iterator[HistoryLine]:
    """By pages: as long as a query is open, SQLite's log of changes only grows."""
    page = list(events[:_BATCH])
    while page:
        yield from history(page, reader_id=str(request.user.pk))
        page = list(events.filter(number__lt=page[-1].number)[:_BATCH])


def _as_row(line: HistoryLine) -> dict[str, Any]:
    event = line.event
    return {
        "number": event.number,
        "time": line.recorded_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "kind": event.kind,
        "sentence": line.sentence,
        "refused": event.is_failure,
        "actor": event.actor_label,
        "credential": f"{event.credential} {event.credential_label}".strip(),
        "network_address": line.network_address,
        "details": event.fields,
    }


class _Echo:
    """Gives back what a csv.writer writes."""

    def write(self, text: str) -> str:
        """The text."""
        return text


def _cell(value: Any) -> str:
    """A cell that spreadsheets do not take for a formula."""
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _csv(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS)
    for row in rows:
        yield writer.writerow([_cell(row[column]) for column in _COLUMNS])


def _json(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    start = "["
    for row in rows:
        yield f"{start}\n{json.dumps(row)}"
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


@account_page
@require_safe
def download_history(request: HttpRequest, name: str, form: str) -> Any:
    """The same, as CSV or JSON."""
    role = find_role(request, name)
    _form, events = _events(request, role)
    rows = (_as_row(line) for line in _lines(request, events))
    write, kind = (_csv, "text/csv") if form == "csv" else (_json, "application/json")
    response = StreamingHttpResponse(write(rows), content_type=f"{kind}; charset=utf-8")
    filename = f"{role.project.normalized_name}-history.{form}"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
