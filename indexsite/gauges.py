"""How things stand, measured now and then and kept, so that no page has to count everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import SECOND_FACTORS, User
from indexsite.counting import keep_measured
from indexsite.series import ALL, ONE, SEVERAL
from projects.models import File, Project, Release, Role
from tokens.models import APIToken

IN_USE = LONG_UNUSED = timedelta(days=90)
SOON = timedelta(days=14)
Values = dict[tuple[str, str], int]


def measure() -> int:
    """Measure everything; how many numbers."""
    values = {**_people(), **_tokens(), **_index()}
    keep_measured(values)
    return len(values)


def _protected() -> Q:
    """Accounts with a second factor that is in use."""
    protected = Q()
    for kind in SECOND_FACTORS:
        rows = kind.objects.filter(confirmed=True, held_at=None)
        protected |= Q(pk__in=rows.values("user_id"))
    return protected


def owners_without() -> QuerySet[User]:
    """Open accounts that own a project and have no second factor."""
    owners = Role.objects.filter(kind=Role.Kind.OWNER).values("user_id")
    return User.objects.filter(is_active=True, pk__in=owners).exclude(_protected())


def _people() -> Values:
    accounts = User.objects.filter(is_active=True)
    owners = accounts.filter(pk__in=Role.objects.filter(kind=Role.Kind.OWNER).values("user_id"))
    return {
        ("coverage", "accounts"): accounts.count(),
        ("coverage", "accounts with a factor"): accounts.filter(_protected()).count(),
        ("coverage", "owners"): owners.count(),
        ("coverage", "owners with a factor"): owners.filter(_protected()).count(),
        ("coverage", "frozen"): User.objects.filter(is_active=False).count(),
        ("coverage", "staff"): User.objects.filter(is_staff=True).count(),
    }


def _tokens() -> Values:
    now = timezone.now()
    usable = APIToken.objects.usable(now)
    used = Q(last_used_at__gt=now - IN_USE)
    in_use = usable.filter(used)
    counts = usable.aggregate(
        people=Count("user", distinct=True),
        users=Count("user", filter=used, distinct=True),
        never=Count("pk", filter=Q(last_used_at=None)),
        long_ago=Count("pk", filter=_unused_since(now - LONG_UNUSED)),
    )
    return {
        ("tokens", "people"): counts["people"],
        ("tokens", "people who use one"): counts["users"],
        ("tokens", "never used"): counts["never"],
        ("tokens", "not used for 90 days"): counts["long_ago"],
        **{("tokens", label): count for label, count in _parts(usable, now).items()},
        **{("tokens in use", label): count for label, count in _parts(in_use, now).items()},
        ("makers of tokens", "people"): _makers(now),
    }


def _makers(now: datetime) -> int:
    """How many people have made a token since the month began."""
    begin = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    made = APIToken.objects.filter(created_at__gte=begin)
    return made.aggregate(people=Count("user", distinct=True))["people"]


def _unused_since(before: datetime) -> Q:
    """A token that is new has had no time to be used."""
    return Q(last_used_at__lt=before) | Q(last_used_at=None, created_at__lt=before)


def _parts(tokens: QuerySet[APIToken], now: datetime) -> dict[str, int]:
    """How many there are together, for one project, for several and for all, and by their end."""
    counts = tokens.aggregate(
        active=Count("pk"),
        endless=Count("pk", filter=Q(expires_at=None)),
        soon=Count("pk", filter=Q(expires_at__lte=now + SOON)),
    )
    one = tokens.annotate(names=Count("projects")).filter(Q(names=1) | ~Q(awaits_project=""))
    named, wide = one.count(), tokens.filter(pk__in=_for_all_projects()).count()
    return {
        "active": counts["active"],
        "without an end": counts["endless"],
        "ends within 14 days": counts["soon"],
        "ends later": counts["active"] - counts["endless"] - counts["soon"],
        ONE: named,
        SEVERAL: counts["active"] - named - wide,
        ALL: wide,
    }


def _for_all_projects() -> QuerySet[APIToken, Any]:
    return APIToken.objects.for_all_projects().values("pk")


def _index() -> Values:
    files = File.objects.aggregate(count=Count("pk"), size=Sum("size"))
    return {
        ("index", "projects"): Project.objects.count(),
        ("index", "releases"): Release.objects.count(),
        ("index", "files"): files["count"],
        ("index", "bytes"): files["size"] or 0,
    }
