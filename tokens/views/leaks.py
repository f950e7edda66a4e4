"""Doors for those who have found a token: secret scanners, and people without an account."""

from __future__ import annotations

import json
import re
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
_CUT_OFF = re.compile(r"pypi-Ag[A-Za-z0-9_-]{20,8000}")
_MAX_IN_TEXT = 20


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
    records = _records(request)
    if records is None:
        return HttpResponse(
            f"Send a JSON list of at most {MAX_RECORDS} objects with 'token', 'type' and 'url'.\n",
            status=400,
            content_type="text/plain",
        )
    by = _finder(request, "secret scanner")
    for text, url in records:
        report_leak(text, source=SCANNER, place=url, by=by)
    return HttpResponse(status=204)


class FoundTokenForm(forms.Form):
    """Whatever somebody has found."""

    text = forms.CharField(
        label=_("The API token, or the text that it is in"),
        max_length=20_000,
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
    for text in _texts_in(form.cleaned_data["text"]):
        report_leak(text, source=VISITOR, place=form.cleaned_data["place"], by=by)
    return render(request, "tokens/found.html", {"is_done": True})


def _texts_in(pasted: str) -> list[str]:
    """What may be a token, then what may be the beginning of one."""
    whole = macaroons.find_texts(pasted.encode(errors="replace"))
    return list(dict.fromkeys([*whole, *_CUT_OFF.findall(pasted)]))[:_MAX_IN_TEXT]


def _finder(request: HttpRequest, label: str) -> Actor:
    return replace(from_connection(request), kind="scanner", label=label)


def _records(request: HttpRequest) -> list[tuple[str, str]] | None:
    """The tokens and addresses of a report; None if it is not well-formed."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        body = request.read(MAX_BODY + 1) if length <= MAX_BODY else b""
        rows: Any = json.loads(body)
    except (ValueError, RecursionError, OSError):
        return None
    if not isinstance(rows, list) or len(rows) > MAX_RECORDS:
        return None
    found = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("token"), str):
            return None
        url = row.get("url")
        found.append((row["token"], url if isinstance(url, str) else ""))
    return found
