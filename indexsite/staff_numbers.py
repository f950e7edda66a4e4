"""The page of all numbers, each as a file, and the act that shows some of them to everybody."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from accounts.staff import Cell, ReasonForm, StaffPage
from audit.downloads import Echo, harmless
from audit.groups import EVERYBODY, EXPORTERS, SEE_ORIGINS, is_in, require_in
from indexsite import series, sheets
from indexsite.gauges import owners_without
from indexsite.incidents import Line, Refusals
from indexsite.numbers import SEE_ALL_QUEUES, SEE_PEOPLE, list_url, queues, site_figures
from indexsite.publishing import begin_sheet_export, is_public, turn_public_numbers
from indexsite.sheets import NOTHING, TIE, Rolled, Sheet

SHOWN = 50  # rows of a table on the page; its file has all
LONG = 12  # rows, beyond which a table below a chart is folded
Limit = int | None
Maker = Callable[[Rolled, Limit], Sheet]


def _of_rolled(make: Callable[[Rolled], Sheet]) -> Maker:
    return lambda rolled, limit: make(rolled)


def _owners_without(rolled: Rolled, limit: Limit) -> Sheet:
    now = rolled.latest("coverage")
    owners = owners_without().annotate(projects=Count("project_roles")).order_by("username_key")
    rows = [
        [Cell(user.username, reverse("admin:accounts_user_change", args=[user.pk])), Cell(number)]
        for user in owners[:limit]
        for number in [user.projects]
    ]
    note = (
        _("%d when last measured.") % (now["owners"] - now["owners with a factor"]) if now else ""
    )
    return Sheet(
        "owners-without",
        _("Owners without a second factor"),
        [_("Account"), _("roles in projects")],
        rows,
        None,
        note,
    )


def _lines(
    key: str,
    title: str,
    heading: str,
    query: str,
    read: Callable[[Refusals], list[Line]],
    kinds: frozenset[str] | None = None,
) -> Maker:
    """A table of what was refused, with how often in a day and in a week.

    Args:
        kinds: the names of the kinds of refusals that count; None for all.
    """

    def make(rolled: Rolled, limit: Limit) -> Sheet:
        refusals = Refusals(kinds=kinds)
        filters = {"outcome": "failed", "since": refusals.since_as_filtered}
        if kinds is not None:
            filters["refused"] = ",".join(sorted(kinds))
        events = list_url("audit_event", **filters)
        rows = [
            [
                Cell(line.name, f"{events}&{urlencode({query: line.found_by})}"),
                Cell(line.day),
                Cell(line.week),
            ]
            for line in read(refusals)[:limit]
        ]
        return Sheet(key, _(title), [_(heading), _("24 hours"), _("7 days")], rows)

    return make


def _queues(rolled: Rolled, limit: Limit) -> Sheet:
    rows = [
        [Cell(name, url), Cell(count), Cell(timesince(oldest) if oldest else NOTHING)]
        for name, count, oldest, url in queues()
    ]
    return Sheet("queues", _("Queues"), [_("Waiting"), _("number"), _("the oldest for")], rows)


def _site(rolled: Rolled, limit: Limit) -> Sheet:
    rows = [[Cell(one.label, one.url), Cell(one.value)] for one in site_figures(rolled)]
    return Sheet("site", _("The site"), [_("What"), _("how it stands")], rows)


SHEETS: dict[str, tuple[frozenset[str], Maker]] = {
    "sign-ins": (SEE_PEOPLE, _of_rolled(sheets.sign_ins)),
    "coverage": (SEE_PEOPLE, _of_rolled(sheets.coverage)),
    "owners-without": (SEE_PEOPLE, _owners_without),
    "tokens": (SEE_PEOPLE, _of_rolled(sheets.tokens_now)),
    "tokens-used": (SEE_PEOPLE, _of_rolled(sheets.tokens_used)),
    "ends-of-tokens-used": (SEE_PEOPLE, _of_rolled(sheets.ends_of_tokens_used)),
    "tokens-made": (SEE_PEOPLE, _of_rolled(sheets.tokens_made)),
    "ends-of-tokens-made": (SEE_PEOPLE, _of_rolled(sheets.ends_of_tokens_made)),
    "uploads": (EVERYBODY, _of_rolled(sheets.uploads)),
    "refusals": (EVERYBODY, _of_rolled(sheets.refusals)),
    "kinds": (
        EVERYBODY,
        _lines(
            "kinds",
            gettext_noop("Refusals by kind"),
            gettext_noop("Kind"),
            "refused",
            Refusals.kinds,
        ),
    ),
    "places": (
        SEE_ORIGINS,
        _lines(
            "places",
            gettext_noop("Failed sign-ins and refused uploads by network address"),
            gettext_noop("Address or network"),
            "network",
            Refusals.places,
            series.REFUSED_KINDS,
        ),
    ),
    "accounts": (
        EVERYBODY,
        _lines(
            "accounts",
            gettext_noop("Failed sign-ins and refused uploads by account"),
            gettext_noop("Account"),
            "account",
            Refusals.accounts,
            series.REFUSED_KINDS,
        ),
    ),
    "queues": (SEE_ALL_QUEUES, _queues),
    "contents": (EVERYBODY, _of_rolled(sheets.contents)),
    "site": (EVERYBODY, _site),
}


@dataclass(frozen=True)
class Shown:
    """A sheet on the page.

    Attributes:
        is_folded: whether the table is folded, because it is long and its chart shows it.
        is_cut: whether there may be more rows than are shown.
    """

    sheet: Sheet
    is_folded: bool
    is_cut: bool


def show_numbers(request: HttpRequest) -> HttpResponse:
    """All numbers that this member of staff may see."""
    rolled = Rolled.read()
    made = [
        make(rolled, SHOWN) for seen_by, make in SHEETS.values() if is_in(request.user, seen_by)
    ]
    context = {
        **admin.site.each_context(request),
        "title": _("Numbers"),
        "shown": [
            Shown(
                sheet,
                is_folded=sheet.chart is not None and len(sheet.rows) > LONG,
                is_cut=len(sheet.rows) == SHOWN,
            )
            for sheet in made
        ],
        "may_export": is_in(request.user, EXPORTERS),
        "may_publish": is_in(request.user, PublishNumbers.groups),
        "is_public": is_public(),
    }
    return render(request, "admin/numbers.html", context)


def export_sheet(request: HttpRequest, key: str) -> HttpResponse | StreamingHttpResponse:
    """One table as CSV. Recorded, so it takes a POST.

    Raises:
        Http404: if there is no such table.
        NotTheirs: for staff of groups that may not export, or not see it.
    """
    if key not in SHEETS:
        raise Http404
    seen_by, make = SHEETS[key]
    for groups in (EXPORTERS, seen_by):
        message = _("Your staff group may not export these numbers.")
        require_in(request.user, groups, act="export-numbers", message=message)
    if request.method != "POST":
        return redirect("admin:numbers")
    sheet = make(Rolled.read(), None)
    begin_sheet_export(key, by=request.actor)  # type: ignore[attr-defined]
    response = StreamingHttpResponse(as_csv(sheet), content_type="text/csv; charset=utf-8")
    name = f"{key}-{timezone.now():%Y%m%dT%H%M%SZ}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def as_csv(sheet: Sheet) -> Iterator[str]:
    """The table, with its headings. No cell is a formula to a spreadsheet."""
    writer = csv.writer(Echo())
    yield writer.writerow(sheet.columns)
    for row in sheet.rows:
        texts = ["" if cell.text == NOTHING else str(cell.text) for cell in row]
        yield writer.writerow([harmless(text.replace(TIE, " ")) for text in texts])


class PublishForm(ReasonForm):
    """Whether everybody may see the page."""

    position = forms.ChoiceField(
        label=gettext_lazy("The page is"),
        choices=[
            ("on", gettext_lazy("shown to everybody")),
            ("off", gettext_lazy("shown to nobody")),
        ],
        widget=forms.RadioSelect,
    )
    field_order = ("position", "reason")


class PublishNumbers(StaffPage):
    """Show the harmless numbers to everybody, or hide them again."""

    slug = "publish-numbers"
    title = gettext_lazy("Numbers for everybody")
    tells_people = False
    form_class = PublishForm

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say what everybody will see, and ask for the reason."""
        return self._page(request, self._form_for(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Turn it."""
        form = self._form_for(request)
        if form.is_valid():
            is_on = form.cleaned_data["position"] == "on"
            try:
                turn_public_numbers(
                    is_on,
                    reason=form.cleaned_data["reason"],
                    by=request.actor,  # type: ignore[attr-defined]
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                text = _("Everybody sees it.") if is_on else _("Nobody sees it any more.")
                messages.success(request, text)
                return redirect("admin:numbers")
        return self._page(request, form)

    def _page(self, request: HttpRequest, form: ReasonForm) -> HttpResponse:
        return self._show(
            request,
            "admin/staff_act.html",
            form=form,
            kind=_("page"),
            row=reverse("stats"),
            consequences=[
                _(
                    "Shown are, by month: the share of sign-ins and of accounts with a second "
                    "factor, uploads by credential, and how much the index holds."
                ),
                _("No name, no address, and no number of accounts or sign-ins is on it."),
                _("It holds from the next request on."),
            ],
            back=reverse("admin:numbers"),
        )
