"""What enforcement would have meant: the password uploads of the last days, and who made them.

They are counted as they come, in one row for each person, project and day: the memory has them
too, but among all uploads with API tokens, which may be hundreds of times as many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from projects.models import Project
from uploads.models import Audience, PasswordUpload, concerned_projects

SPAN = timedelta(days=30)
PAGE = 100  # lines


@dataclass(frozen=True)
class Line:
    """The password uploads of one person to one project.

    Attributes:
        count: how many.
        last_at: when the last of them was.
        is_concerned: whether the audience of now would have had them refused.
    """

    user_id: UUID
    username: str
    project_id: UUID
    project: str
    count: int
    last_at: datetime
    is_concerned: bool


@dataclass(frozen=True)
class Totals:
    """How many people uploaded to how many projects, and how often."""

    people: int
    projects: int
    uploads: int


def note_password_upload(user: User, project: Project) -> None:
    """Count one. Whoever calls this has the project locked, so nobody else makes its row."""
    now = timezone.now()
    day = now.astimezone(UTC).date()
    row = PasswordUpload.objects.filter(user=user, project=project, day=day)
    if not row.update(count=F("count") + 1, last_at=now):
        PasswordUpload.objects.create(user=user, project=project, day=day, last_at=now)


def forget_old_uploads() -> int:
    """Delete what is too old to be shown; how many rows."""
    return PasswordUpload.objects.filter(day__lt=_first_day()).delete()[0]


def count_uploads(audience: str) -> tuple[Totals, Totals]:
    """Of all password uploads, and of those that an audience would have had refused."""
    concerned = _concerned(audience)
    row = _recent().aggregate(
        **_totals("all", Q()),
        **_totals("refused", concerned),
    )
    every, refused = (
        Totals(*(row[f"{name}_{part}"] or 0 for part in ("people", "projects", "uploads")))
        for name in ("all", "refused")
    )
    return every, refused


def _totals(name: str, which: Q) -> dict[str, Any]:
    return {
        f"{name}_people": Count("user", distinct=True, filter=which),
        f"{name}_projects": Count("project", distinct=True, filter=which),
        f"{name}_uploads": Sum("count", filter=which),
    }


def find_uploads(audience: str, *, page: int = 1) -> tuple[list[Line], bool]:
    """A page of who uploaded with a password to what, the latest first; and whether more follow."""
    first = (page - 1) * PAGE
    found = list(_by_project().order_by("-latest", "user", "project")[first : first + PAGE + 1])
    rows, has_more = found[:PAGE], len(found) > PAGE
    ids = {(row["user"], row["project"]) for row in rows}
    judged = _recent().filter(
        _concerned(audience),
        user__in={user for user, _project in ids},
        project__in={project for _user, project in ids},
    )
    concerned = set(judged.values_list("user", "project").distinct())
    lines = [
        Line(
            row["user"],
            row["user__username"],
            row["project"],
            row["project__name"],
            row["times"],
            row["latest"],
            (row["user"], row["project"]) in concerned,
        )
        for row in rows
    ]
    return lines, has_more


def _by_project() -> Any:
    rows = _recent().values("user", "user__username", "project", "project__name")
    return rows.annotate(times=Sum("count"), latest=Max("last_at"))


def _first_day() -> date:
    return (timezone.now() - SPAN).astimezone(UTC).date()


def _recent() -> QuerySet[PasswordUpload]:
    return PasswordUpload.objects.filter(day__gte=_first_day())


def _concerned(audience: str) -> Q:
    """Which of them an audience has in it."""
    if audience == Audience.EVERYBODY:
        return Q(pk__isnull=False)
    if audience == Audience.FACTOR:
        return Q(user__in=User.objects.with_second_factor().values("pk"))
    return Q(project__in=concerned_projects(audience).values("pk"))
