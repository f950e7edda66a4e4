"""The numbers on the first page of staff: few, in a fixed number of queries, with ways to the rows.

What grows with the index comes from what was rolled up and measured; what an incident needs is read
as it is now.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin import site
from django.db.models import Count, Min, QuerySet
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.events import SIGN_IN_FAILED
from accounts.models import OutboxMail, RecoveryCase
from audit import checking
from audit.groups import ADMINISTRATOR, AUDITOR, EVERYBODY, SEE_ORIGINS, SUPPORT, is_in
from audit.models import ChainHead, Event, JobRun
from audit.timetable import late_jobs
from indexsite import series
from indexsite.checks import failing_checks
from indexsite.counting import months_back
from indexsite.incidents import DAY, Refusals, totals
from indexsite.jobs import MEASURE
from indexsite.sheets import NOTHING, TIE, Rolled, percent, with_factor
from projects.models import Project, QuarantinedProject, Report
from tokens.events import TOKEN_REFUSED
from uploads.events import UPLOAD_REFUSED

TOP = 5
SEE_PEOPLE = frozenset({SUPPORT, AUDITOR, ADMINISTRATOR})
SEE_ALL_QUEUES = frozenset({AUDITOR, ADMINISTRATOR})


@dataclass(frozen=True)
class Figure:
    """A number with its name, and where its rows are ("" for nowhere)."""

    label: str
    value: Any
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Numbers that belong together."""

    title: str
    figures: list[Figure]


def groups_for(user: Any) -> list[Group]:
    """What this member of staff may see."""
    shown = [make for seen_by, make in _GROUPS if is_in(user, seen_by)]
    if not shown:
        return []
    rolled = Rolled.read()
    return [make(user, rolled) for make in shown]


def list_url(name: str, **query: str) -> str:
    """The address of a list of the admin, filtered."""
    address = reverse(f"admin:{name}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def _people(user: Any, rolled: Rolled) -> Group:
    now = rolled.latest("coverage")
    accounts, covered = now.get("accounts", 0), now.get("accounts with a factor", 0)
    share = f"{covered} ({100 * covered // accounts}{TIE}%)" if accounts else NOTHING
    without = now["owners"] - now["owners with a factor"] if now else NOTHING
    page = "accounts_user"
    return Group(
        _("People"),
        [
            Figure(
                _("open accounts"),
                now.get("accounts", NOTHING),
                list_url(page, is_active__exact="1"),
            ),
            Figure(_("with a second factor"), share),
            Figure(
                _("owners without a second factor"),
                without,
                _sheet_url("owners-without"),
            ),
            *_factor_shares(rolled),
            Figure(
                _("frozen accounts"),
                now.get("frozen", NOTHING),
                list_url(page, is_active__exact="0"),
            ),
            Figure(_("staff"), now.get("staff", NOTHING), list_url(page, is_staff__exact="1")),
        ],
    )


def _factor_shares(rolled: Rolled) -> list[Figure]:
    """Of sign-ins with a second factor: this month's share and that of the month before."""
    figures = []
    for month in reversed(months_back(2, rolled.today)):
        counts = rolled.of("sign-ins", month)
        label = _("sign-ins with a second factor, %s") % rolled.month_name(month)
        share = percent(with_factor(counts), sum(counts.values()))
        figures.append(Figure(label, share, _sheet_url("sign-ins")))
    return figures


def _tokens(user: Any, rolled: Rolled) -> Group:
    now = rolled.latest("tokens")
    new = {"revoked_at__isempty": "1"}
    page = "tokens_apitoken"
    month = months_back(1, rolled.today)[0]
    made, used = rolled.of("tokens made", month), rolled.latest("tokens in use")
    figures: list[tuple[str, str, dict[str, str] | None]] = [
        (_("active"), "active", {}),
        (_("people who have one"), "people", None),
        (_("people who used one"), "people who use one", None),
        (_("without an end"), "without an end", {"ends": "never"}),
        (_("end within 14 days"), "ends within 14 days", {"ends": "soon"}),
        (_("for one project"), series.ONE, None),
        (_("for several projects"), series.SEVERAL, None),
        (_("for all projects"), series.ALL, {"scope": "all"}),
        (_("not used for 90 days"), "not used for 90 days", {"used": "long-ago"}),
    ]
    return Group(
        _("API tokens"),
        [
            Figure(
                label,
                now.get(key, NOTHING),
                list_url(page, **new, **query) if query is not None else _sheet_url("tokens"),
            )
            for label, key, query in figures
        ]
        + [
            Figure(
                _("used in the last 90 days"),
                used.get("active", NOTHING),
                _sheet_url("tokens-used"),
            )
        ]
        + [
            Figure(_("made this month"), sum(made.values()), _sheet_url("tokens-made")),
            Figure(
                _("people who made one this month"),
                rolled.of("makers of tokens", month).get("people", NOTHING),
                _sheet_url("tokens-made"),
            ),
        ],
    )


def _uploads(user: Any, rolled: Rolled) -> Group:
    """What this month's files came with."""
    counts = rolled.of("uploads", months_back(1, rolled.today)[0])
    names = {
        "token": _("with an API token"),
        "password": _("with a password"),
        "other": _("with another credential"),
    }
    return Group(
        _("Files uploaded this month"),
        [
            Figure(name, counts.get(label, 0), _sheet_url("uploads"))
            for label, name in names.items()
        ],
    )


def _sheet_url(key: str) -> str:
    """Where the page of all numbers has the months before, with their chart."""
    return f"{reverse('admin:numbers')}#{key}"


def _day_of_refusals(user: Any, rolled: Rolled) -> Group:
    """What was refused in the last day: how often, and in the week; and of the sign-ins and
    uploads among it, from where most of them came, and about whom most of them are.
    """
    refusals = Refusals(DAY, kinds=series.REFUSED_KINDS)
    page = "audit_event"
    period = {"outcome": "failed", "since": refusals.since_as_filtered}
    counted = {**period, "refused": ",".join(sorted(series.REFUSED_KINDS))}
    kinds = Refusals().kinds()
    sums = totals(kinds, series.refusal_label)
    names = [
        (_("failed sign-ins"), series.SIGN_INS, {"refused": SIGN_IN_FAILED.name}),
        (_("refused uploads"), series.UPLOADS, {"refused": UPLOAD_REFUSED.name}),
        (_("refused API tokens"), series.TOKENS, {"refused": TOKEN_REFUSED.name}),
    ]
    figures = [
        Figure(
            _("all refusals"),
            _of_day_and_week(sum(line.day for line in kinds), sum(line.week for line in kinds)),
            list_url(page, **period),
        ),
        *(
            Figure(
                text,
                _of_day_and_week(*sums.get(label, (0, 0))),
                list_url(page, **period, **rows),
            )
            for text, label, rows in names
        ),
    ]
    if is_in(user, SEE_ORIGINS):
        figures += [
            Figure(line.name, line.day, list_url(page, **counted, network=line.found_by))
            for line in refusals.places()[:TOP]
        ]
    figures += [
        Figure(line.name, line.day, list_url(page, **counted, account=line.found_by))
        for line in refusals.accounts()[:TOP]
    ]
    return Group(_("Refused in 24 hours"), figures)


def _of_day_and_week(day: int, week: int) -> str:
    return _("%(day)d, in 7 days %(week)d") % {"day": day, "week": week}


def queues(user: Any = None) -> list[tuple[str, int, datetime | None, str]]:
    """What waits for somebody: its name, how many, since when the oldest, and where they are.

    Args:
        user: the member of the staff who sees it, and may not look at everything; None for all.
    """
    hidden = QuarantinedProject.objects.filter(status=Project.Status.QUARANTINED)
    waiting: list[tuple[str, QuerySet[Any], str]] = [
        (_("projects in quarantine"), hidden, "quarantined_at"),
        (_("reports"), Report.objects.filter(answered_at=None), "made_at"),
        (_("recovery cases"), RecoveryCase.objects.open(), "opened_at"),
        (
            _("mail to be sent"),
            OutboxMail.objects.filter(sent_at=None).exclude(recipient=""),
            "queued_at",
        ),
    ]
    found = []
    for name, rows, since in waiting:
        pages: Any = site.get_model_admin(rows.model)
        if user is None or is_in(user, pages.seen_by):
            row = rows.aggregate(count=Count("pk"), oldest=Min(since))
            opts = rows.model._meta
            url = list_url(f"{opts.app_label}_{opts.model_name}")
            found.append((name, row["count"], row["oldest"], url))
    return found


def _queues(user: Any, rolled: Rolled) -> Group:
    return Group(
        _("Queues"),
        [Figure(name, _with_age(count, oldest), url) for name, count, oldest, url in queues(user)],
    )


def _with_age(count: int, oldest: datetime | None) -> str:
    if not count or oldest is None:
        return str(count)
    return _("%(count)d, the oldest for %(age)s") % {"count": count, "age": timesince(oldest)}


def _site(user: Any, rolled: Rolled) -> Group:
    return Group(_("The site"), site_figures(rolled))


def site_figures(rolled: Rolled) -> list[Figure]:
    """How the site itself does."""
    newest = Event.objects.order_by("-number").values_list("recorded_at", flat=True).first()
    measured = JobRun.objects.filter(name=MEASURE).values_list("finished_at", flat=True).first()
    stored = rolled.latest("index").get("bytes")
    late, failing = late_jobs(), failing_checks()
    return [
        Figure(_("events"), ChainHead.objects.get(pk=1).number, list_url("audit_event")),
        Figure(_("last event"), _moment(newest)),
        Figure(_("chain holds up to"), _checked_until()),
        Figure(_("files"), filesizeformat(stored) if stored is not None else NOTHING),
        Figure(_("free on the disk"), filesizeformat(shutil.disk_usage(settings.DATA).free)),
        Figure(_("late jobs"), ", ".join(late) or _("none")),
        Figure(_("failing checks"), ", ".join(failing) or _("none")),
        Figure(_("numbers measured"), _moment(measured)),
        Figure(_("version"), settings.VERSION),
    ]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else NOTHING


def _checked_until() -> str:
    check = checking.last_check()
    if check is None or check.finished_at is None:
        return NOTHING
    number = (check.broken_number or check.last_number + 1) - 1
    return _("event %(number)d, %(moment)s") % {
        "number": number,
        "moment": _moment(check.finished_at),
    }


_GROUPS: list[tuple[frozenset[str], Callable[[Any, Rolled], Group]]] = [
    (EVERYBODY, _day_of_refusals),
    (EVERYBODY, _queues),
    (SEE_PEOPLE, _people),
    (SEE_PEOPLE, _tokens),
    (EVERYBODY, _uploads),
    (EVERYBODY, _site),
]
