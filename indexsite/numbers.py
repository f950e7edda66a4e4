"""The numbers on the first page of staff. Each is one short query, and leads to its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import SECOND_FACTORS, OutboxMail, User
from audit import checking
from audit.groups import ADMINISTRATOR, AUDITOR, EVERYBODY, PROJECTS, SUPPORT, is_in
from audit.models import ChainHead, Event
from audit.search import EventSearch
from projects.models import Project, Role
from tokens.models import APIToken

DAY = timedelta(days=1)
LONG_UNUSED = timedelta(days=90)
TOP = 5
READ = 5_000  # failures of a day; the memory seals at most 200 an hour, and some more


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
    return [make() for seen_by, make in _GROUPS if is_in(user, seen_by)]


def _list(name: str, **query: str) -> str:
    address = reverse(f"admin:{name}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def _people() -> Group:
    open_accounts = User.objects.filter(is_active=True)
    protected = Q()
    for kind in SECOND_FACTORS:
        rows = kind.objects.filter(confirmed=True, held_at=None)
        protected |= Q(pk__in=rows.values("user_id"))
    owners = Q(pk__in=Role.objects.filter(kind=Role.Kind.OWNER).values("user_id"))
    total = open_accounts.count()
    with_factor = open_accounts.filter(protected).count()
    share = f"{with_factor} ({100 * with_factor // total} %)" if total else "0"
    return Group(
        _("People"),
        [
            Figure(_("open accounts"), total, _list("accounts_user", is_active__exact="1")),
            Figure(_("with a second factor"), share),
            Figure(
                _("owners without a second factor"),
                open_accounts.filter(owners).exclude(protected).count(),
            ),
            Figure(
                _("frozen accounts"),
                User.objects.filter(is_active=False).count(),
                _list("accounts_user", is_active__exact="0"),
            ),
            Figure(
                _("staff"),
                User.objects.filter(is_staff=True).count(),
                _list("accounts_user", is_staff__exact="1"),
            ),
        ],
    )


def _tokens() -> Group:
    usable = APIToken.objects.usable()
    unused = Q(last_used_at__lt=timezone.now() - LONG_UNUSED)
    new = {"revoked_at__isempty": "1"}
    return Group(
        _("API tokens"),
        [
            Figure(_("active"), usable.count(), _list("tokens_apitoken", **new)),
            Figure(_("people who have one"), usable.order_by().values("user").distinct().count()),
            Figure(
                _("without an end"),
                usable.filter(expires_at=None).count(),
                _list("tokens_apitoken", **new, ends="never"),
            ),
            Figure(
                _("for no named project"),
                usable.filter(projects=None, awaits_project="").count(),
                _list("tokens_apitoken", **new, scope="all"),
            ),
            Figure(
                _("not used for 90 days"),
                usable.filter(unused).count(),
                _list("tokens_apitoken", **new, used="long-ago"),
            ),
        ],
    )


def _day_of_failures() -> Group:
    """What was refused in the last day: how often, from where, and about whom."""
    since = timezone.now() - DAY
    rows: list[Any] = []
    for batch in EventSearch(is_failure=True, since=since).batches():
        rows += batch
        if len(rows) >= READ:
            break
    period = {"outcome": "failed", "since": f"{since:%Y-%m-%dT%H:%M}"}
    kinds = Counter(row.kind for row in rows)
    places = Counter(row.origin.network_address for row in rows if row.origin)
    accounts = Counter(s.label for row in rows for s in row.about if s.kind == "user")
    del places[""]
    page = "audit_event"
    return Group(
        _("Refused in 24 hours"),
        [
            Figure(_("events"), len(rows), _list(page, **period)),
            *(Figure(k, n, _list(page, **period, kind=k)) for k, n in kinds.most_common(TOP)),
            *(Figure(k, n, _list(page, **period, network=k)) for k, n in places.most_common(TOP)),
            *(Figure(k, n, _list(page, **period, account=k)) for k, n in accounts.most_common(TOP)),
        ],
    )


def _queues() -> Group:
    hidden = Project.objects.filter(status=Project.Status.QUARANTINED)
    oldest = hidden.order_by("quarantined_at").values_list("quarantined_at", flat=True).first()
    unsent = OutboxMail.objects.filter(sent_at=None).exclude(recipient="")
    first = unsent.order_by("queued_at").values_list("queued_at", flat=True).first()
    return Group(
        _("Queues"),
        [
            Figure(
                _("projects in quarantine"),
                _with_age(hidden.count(), oldest),
                _list("projects_quarantinedproject"),
            ),
            Figure(_("mail to be sent"), _with_age(unsent.count(), first)),
        ],
    )


def _with_age(count: int, oldest: datetime | None) -> str:
    if not count or oldest is None:
        return str(count)
    return _("%(count)d, the oldest for %(age)s") % {"count": count, "age": timesince(oldest)}


def _memory() -> Group:
    check = checking.last_check()
    newest = Event.objects.order_by("-number").values_list("recorded_at", flat=True).first()
    until = "-"
    if check is not None and check.finished_at is not None:
        moment = f"{check.finished_at:%Y-%m-%d %H:%M} UTC"
        until = _("event %(number)d, %(moment)s") % {
            "number": (check.broken_number or check.last_number + 1) - 1,
            "moment": moment,
        }
    return Group(
        _("The site"),
        [
            Figure(_("events"), ChainHead.objects.get(pk=1).number, _list("audit_event")),
            Figure(_("last event"), f"{newest:%Y-%m-%d %H:%M} UTC" if newest else "-"),
            Figure(_("chain holds up to"), until),
            Figure(_("version"), settings.VERSION),
        ],
    )


_GROUPS: list[tuple[frozenset[str], Callable[[], Group]]] = [
    (EVERYBODY, _day_of_failures),
    (frozenset({PROJECTS, AUDITOR, ADMINISTRATOR}), _queues),
    (frozenset({SUPPORT, AUDITOR, ADMINISTRATOR}), _people),
    (frozenset({SUPPORT, AUDITOR, ADMINISTRATOR}), _tokens),
    (EVERYBODY, _memory),
]
