"""Doors for those who have found a token: secret scanners, and people without an account."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.limits import HOUR, Limit, LimitReached, network_key
from audit.actors import Actor, from_connection
from tokens import macaroons
from tokens.operations.leaks import SCANNER, VISITOR, report_leak

MAX_BODY = 1024 * 1024  # bytes
MAX_RECORDS = 100
REPORTS = Limit("leak reports by network address", 60, HOUR)
_MAX_IN_PASTE = 20
_MAX_IN_RECORD = 5  # each of which is one token, with what stood beside it


@csrf_exempt
@require_POST
def disclose_token(request: HttpRequest) -> HttpResponse:
    """Take the JSON that secret scanners send: a list of objects with `token` and `url`.

    It is not signed: a token's own signature proves more. The answer says nothing of the tokens.
    """
    try:
        REPORTS.take(network_key(request.META.get("REMOTE_ADDR", "")))
    except LimitReached as reached:
        response = HttpResponse("Too many reports.\n", status=429, content_type="text/plain")
        response["Retry-After"] = str(reached.retry_after)
        return response
    records, is_well_formed = _records(request)
    by = _finder(request, "secret scanner")
    for token, url in records:
        for text in macaroons.find_pasted(token, _MAX_IN_RECORD):
            report_leak(text, source=SCANNER, place=url, by=by)
    if is_well_formed:
        return HttpResponse(status=204)
    return HttpResponse(
        f"Send a JSON list of at most {MAX_RECORDS} objects with 'token', 'type' and 'url'.\n",
        status=400,
        content_type="text/plain",
    )


class FoundTokenForm(forms.Form):
    """Whatever somebody has found."""

    text = forms.CharField(
        label=_("The API token, or the text that it is in"),
        max_length=macaroons.MAX_PASTED,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
    )
    place = forms.CharField(
        label=_("Where you found it"),
        required=False,
        max_length=300,
        help_text=_("Its owner is told. It helps to take it out there."),
    )


@sensitive_post_parameters()
def found_token(request: HttpRequest) -> HttpResponse:
    """Take a pasted token from anybody. The answer is the same whatever was pasted."""
    form = FoundTokenForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return render(request, "tokens/found.html", {"form": form})
    try:
        REPORTS.take(network_key(request.META.get("REMOTE_ADDR", "")))
    except LimitReached as reached:
        form.add_error(None, reached)
        response = render(request, "tokens/found.html", {"form": form}, status=429)
        response["Retry-After"] = str(reached.retry_after)
        return response
    by = _finder(request, "visitor")
    for text in macaroons.find_pasted(form.cleaned_data["text"], _MAX_IN_PASTE):
        report_leak(text, source=VISITOR, place=form.cleaned_data["place"], by=by)
    return render(request, "tokens/found.html", {"is_done": True})


def _finder(request: HttpRequest, label: str) -> Actor:
    return replace(from_connection(request), kind="scanner", label=label)


def _records(request: HttpRequest) -> tuple[list[tuple[str, str]], bool]:
    """The tokens and addresses of a report, and whether all of it is well-formed.

    What is wrong with one record keeps no token of another one alive.
    """
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        body = request.read(MAX_BODY + 1) if length <= MAX_BODY else b""
        rows: Any = json.loads(body)
    except (ValueError, RecursionError, OSError):
        return [], False
    if not isinstance(rows, list) or len(rows) > MAX_RECORDS:
        return [], False
    found = []
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("token"), str):
            url = row.get("url")
            found.append((row["token"], url if isinstance(url, str) else ""))
    return found, len(found) == len(rows)
