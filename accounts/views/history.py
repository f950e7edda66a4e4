"""What the memory holds about an account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.forms.history import HistoryFilter
from accounts.gates import account_page
from audit import downloads
from audit.models import Event
from audit.rendering import history

PAGE_LENGTH = 50
_MOST_DIGITS = 18  # as many as any number of an event has


@account_page
@require_http_methods(["GET", "HEAD"])
def show_history(request: HttpRequest) -> HttpResponse:
    """What was chosen of everything that the memory holds about this account, newest first."""
    chosen = HistoryFilter(request.GET)
    events = chosen.narrow(Event.objects.for_user(request.user))
    before = request.GET.get("before", "")
    is_first = not (before.isascii() and before.isdigit() and len(before) <= _MOST_DIGITS)
    if not is_first:
        events = events.filter(number__lt=int(before))
    rows = list(events[: PAGE_LENGTH + 1])
    query = _query(chosen)
    context = {
        "nav": "history",
        "form": chosen,
        "lines": history(rows[:PAGE_LENGTH], reader_id=str(request.user.pk)),
        "query": query,
        "is_first": is_first,
        "older": _query(chosen, before=rows[PAGE_LENGTH - 1].number)
        if len(rows) > PAGE_LENGTH
        else "",
    }
    return render(request, "accounts/history.html", context)


def _query(chosen: HistoryFilter, **more: object) -> str:
    """What was chosen, as it stands in an address."""
    given = {name: chosen.data.get(name, "") for name in chosen.fields}
    return urlencode({name: value for name, value in (given | more).items() if value})


@account_page
@require_http_methods(["GET", "HEAD"])
def export_history(request: HttpRequest, form: str) -> Any:
    """What was chosen, as a file."""
    events = HistoryFilter(request.GET).narrow(Event.objects.for_user(request.user))
    lines = downloads.lines_of(events, reader_id=str(request.user.pk))
    if form == "csv":
        content, kind = downloads.as_csv(lines), "text/csv; charset=utf-8"
    elif form == "json":
        content, kind = downloads.as_json(map(downloads.as_fields, lines)), "application/json"
    else:
        raise Http404
    name = f"history-{request.user.get_username()}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)
