"""What the roof shows to everybody: harmless numbers, where staff show them, and its failures."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
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
    """That there is nothing at this address.

    Django's own view reads the form that was sent there, and fails if that is malformed.
    """
    return render(request, "404.html", status=404)


def show_failure(request: HttpRequest) -> HttpResponse:
    """What nobody foresaw: one line of ASCII for tools, which print it, and a page for people.

    Django has logged what it was; the answer does not tell.
    """
    if not request.path_info.startswith(MACHINE_DOORS):
        return server_error(request)
    response = refusal_response(FAULT, status=500)
    response["Cache-Control"] = "no-store"
    return response
