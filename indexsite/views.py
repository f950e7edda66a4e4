"""The numbers that are harmless, for everybody, where staff show them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indexsite import sheets
from indexsite.publishing import is_public
from indexsite.sheets import Rolled

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
