"""What staff have switched off, said before anything is done: read-only, and the rest.

While the site is read-only, every request that could change something is refused, unless it is
listed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import switches
from accounts.sudo import Carried
from accounts.switches import Switch, SwitchedOff
from indexsite.middleware import MACHINE_DOORS
from uploads.errors import refusal_response

SAFE: Final = {"GET", "HEAD", "OPTIONS"}
STAYS_OPEN: Final = {
    "two_factor:login",
    "accounts:passkey-sign-in",
    "accounts:sign-out",
    "projects:actions",  # searches, and answers that there is nothing else
}
OF_VIEW: Final = {"uploads:file-upload": [switches.UPLOADS]}  # what else stands before a page
STAFF: Final = "admin"  # the namespace of all pages of staff: acts, and audit


def _switches_before(request: HttpRequest) -> list[Switch]:
    """What must be on for a request: nothing for reading, for what stays open, and for staff."""
    match = request.resolver_match
    if request.method in SAFE or match is None:
        return []
    if match.view_name in STAYS_OPEN or STAFF in match.namespaces:
        return []
    return [switches.CHANGES, *OF_VIEW.get(match.view_name, [])]


class SwitchMiddleware:
    """Refuses what is switched off with status 503, in the words of staff."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """Refuse what is switched off, before the body is read or anybody's secret is looked at."""
        asked = _switches_before(request)
        refusal = switches.refusal_of(*asked) if asked else ""
        return _refuse(request, refusal) if refusal else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say why, where nothing else did."""
        return _refuse(request, str(exception)) if isinstance(exception, SwitchedOff) else None


def _refuse(request: HttpRequest, refusal: str) -> HttpResponse:
    """One line of ASCII for tools; for people a page that keeps what was typed, but for secrets."""
    if request.path_info.startswith(MACHINE_DOORS):
        return refusal_response(refusal, status=503)
    typed = Carried.from_post(request) if request.method == "POST" else None
    context = {"refusal": refusal, "typed": typed, "path": request.get_full_path()}
    return render(request, "503.html", context, status=503)
