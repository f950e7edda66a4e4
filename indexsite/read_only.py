"""What staff have closed, said before anything is done: to network addresses, or to everybody.

While the site is read-only, every request that could change something is refused, unless it is
listed here. From a blocked address, every request that could change something is refused unless
somebody is signed in, and every request of a machine. Mail that one can do without is stopped from
everywhere and at any time, with the link that it carries: whoever may send mail has to take that.
So are a recovery case and an intruder, by the owner: a take-over would go on for want of another
address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import obstacles, switches
from accounts.events import BLOCKED_ADDRESS_REFUSED
from accounts.sudo import Carried
from accounts.switches import Switch, SwitchedOff
from audit.actors import from_connection
from audit.failures import record_failure
from indexsite.middleware import MACHINE_DOORS
from uploads.errors import database_is_down, refusal_response
from uploads.events import UPLOAD_REFUSED

SAFE: Final = {"GET", "HEAD", "OPTIONS"}
STOPS_MAIL: Final = "accounts:stop-mail"  # the servers of mail programs send it (RFC 8058)
STOPS_RECOVERY: Final = "accounts:cancel-recovery"  # with a link that only its owner was sent
DENIES: Final = "accounts:deny-sign-in"  # likewise
ACTIONS: Final = ("projects:actions", "projects:actions-with-slash")
STAYS_OPEN: Final = {
    "two_factor:login",
    "accounts:passkey-sign-in",
    "accounts:sign-out",
    STOPS_MAIL,
    STOPS_RECOVERY,  # staff can complete a case meanwhile, so its owner can stop it
    "accounts:cancel-own-recovery",
    *ACTIONS,  # searches, and answers that there is nothing else
}
UPLOAD: Final = "uploads:file-upload"
UPLOADS: Final = {UPLOAD, "uploads:file-upload-without-slash"}
OF_VIEW: Final = {UPLOAD: [switches.UPLOADS]}  # what else stands before a page
FROM_EVERYWHERE: Final = {*ACTIONS, "accounts:sign-out", STOPS_MAIL, DENIES, STOPS_RECOVERY}
BLOCKED: Final = (
    "The staff of this site have blocked your network address: nothing can be uploaded or changed "
    "from it. Ask them if you think that this is a mistake."
)
STAFF: Final = "admin"  # the namespace of all pages of staff: acts, and audit


def _switches_before(request: HttpRequest) -> list[Switch]:
    """What must be on for a request: nothing for reading, for what stays open, and for staff."""
    match = request.resolver_match
    if request.method in SAFE or match is None:
        return []
    if match.view_name in STAYS_OPEN or STAFF in match.namespaces:
        return []
    return [switches.CHANGES, *OF_VIEW.get(match.view_name, [])]


def _address_that_counts(request: HttpRequest) -> str:
    """Where a request comes from that is not let through from everywhere; "" for any other."""
    match = request.resolver_match
    if request.method in SAFE or match is None or match.view_name in FROM_EVERYWHERE:
        return ""
    if not _is_of_machine(request) and request.user.is_authenticated:
        return ""
    address: str = request.META.get("REMOTE_ADDR", "")
    return address


class SwitchMiddleware:
    """Refuses what is switched off with status 503, in the words of staff, and uploads with 403;
    and what comes from a blocked address with 403.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """Refuse what is switched off, before the body is read or anybody's secret is looked at."""
        asked, address = _switches_before(request), _address_that_counts(request)
        if not (asked or address):
            return None
        try:
            is_blocked, refusal = obstacles.find_obstacle(asked, network_address=address)
        except (OperationalError, InterfaceError) as error:
            if not _is_upload(request):
                raise
            return database_is_down(error)
        if is_blocked:
            return _refuse_address(request)
        return _refuse(request, refusal) if refusal else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say why, where nothing else did."""
        return _refuse(request, str(exception)) if isinstance(exception, SwitchedOff) else None


def _is_of_machine(request: HttpRequest) -> bool:
    return request.path_info.startswith(MACHINE_DOORS)


def _is_upload(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.view_name in UPLOADS


def _refuse_address(request: HttpRequest) -> HttpResponse:
    """Say that the address is blocked, but not why: the reason is for staff."""
    by, match = from_connection(request), request.resolver_match
    view = match.view_name if match else ""
    if view == UPLOAD:
        code = "blocked_address"
        record_failure(UPLOAD_REFUSED, by=by, distinct_by=code, code=code, target="", filename="")
    else:
        record_failure(BLOCKED_ADDRESS_REFUSED, by=by, distinct_by=view, page=view)
    if _is_of_machine(request):
        return refusal_response(BLOCKED, status=403)
    return render(request, "blocked.html", {"contact": settings.SECURITY_CONTACT}, status=403)


def _refuse(request: HttpRequest, refusal: str) -> HttpResponse:
    """One line of ASCII for tools; for people a page that keeps what was typed, but for secrets.

    Upload tools would send the whole file again and again at 503, and nobody switches that soon.
    """
    if _is_of_machine(request):
        return refusal_response(refusal, status=403 if _is_upload(request) else 503)
    typed = Carried.from_post(request) if request.method == "POST" else None
    context = {"refusal": refusal, "typed": typed, "path": request.get_full_path()}
    return render(request, "503.html", context, status=503)
