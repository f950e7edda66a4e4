"""What the roof shows to everybody: harmless numbers, where staff show them, and its failures."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe
from django.views.defaults import server_error

from indexsite import sheets
from indexsite.middleware import MACHINE_DOORS
from indexsite.publishing import is_public
from indexsite.sheets import Rolled
from uploads.errors import refusal_response

FAULT = (
    "Something went wrong on this site; the request is not to blame. The fault was written to the "
    "log of the site. Please try again later."
)
MALFORMED = (
    "The request is malformed: it has too many parameters, or one that cannot be read. Look at the "
    "address and the settings of the client."
)
SHEETS = (sheets.factor_share, sheets.coverage_share, sheets.uploads, sheets.contents)


@require_safe
def show_stats(request: HttpRequest) -> HttpResponse:
    """Shares and sums by month; nothing of any person.

    Raises:
        Http404: unless staff turned it on.
    """
    if not is_public():
        raise Http404
    rolled = Rolled.read()
    return render(request, "numbers/public.html", {"sheets": [make(rolled) for make in SHEETS]})


def show_missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """That there is nothing at this address; upload tools are told the right one.

    Django's own view reads the form that was sent there, and fails if that is malformed.
    """
    if request.method == "POST" and "Authorization" in request.headers:  # which no form sends
        return refusal_response(_right_address(request.path_info), status=404)
    return render(request, "404.html", status=404)


def _right_address(path: str) -> str:
    if path.startswith("/api/"):
        return (
            "There is nothing at this address. What is: GET /api/v1/token, and POST "
            "/api/v1/projects/<name>/releases/<version>/yank or /unyank."
        )
    return (
        f"There is nothing at this address. Upload to {settings.SITE_URL}/legacy/ instead: put "
        "that into the client's settings."
    )


def show_malformed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is wrong with a request that no page was shown: one line for tools, a page for people.

    Most often, the site was called by a name that it does not have.
    """
    is_wrong_name = isinstance(exception, DisallowedHost)
    if not request.path_info.startswith(MACHINE_DOORS):
        address = settings.SITE_URL if is_wrong_name else ""
        page = get_template("400.html").render({"address": address})
        return HttpResponse(page, status=400)
    response = refusal_response(_wrong_name() if is_wrong_name else MALFORMED, status=400)
    response["Cache-Control"] = "no-store"
    return response


def _wrong_name() -> str:
    return (
        f"The address of this site is {settings.SITE_URL}, and it does not answer to other names. "
        "Put that into the client's settings."
    )


def show_failure(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw: one line of ASCII for tools, which print it, and a page for people.

    Django has logged what it was; the answer does not tell.
    """
    if not request.path_info.startswith(MACHINE_DOORS):
        return server_error(request)
    response = refusal_response(FAULT, status=500)
    response["Cache-Control"] = "no-store"
    return response
