"""What enforcement would have meant: the password uploads of the last days, from their events.

Read backwards from the newest, a bounded number of uploads a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from audit.models import Event
from audit.search import EventSearch
from projects.events import FILE_UPLOADED
from projects.models import Project
from uploads.models import Audience, concerned_projects

SPAN = timedelta(days=30)
READ = 5_000  # uploads a page looks at, whatever they came with


@dataclass
class Line:
    """The password uploads of one person to one project.

    Attributes:
        user_id, username: whose.
        project_id, project: where to.
        count: how many.
        last_at: when the last of them was.
        is_concerned: whether the audience of now would have had them refused.
    """

    user_id: str
    username: str
    project_id: str
    project: str
    last_at: datetime
    count: int = 0
    is_concerned: bool = False


@dataclass
class Preview:
    """A page of it.

    Attributes:
        lines: the latest first.
        older: the number of the event before which to look on; None if all was looked at.
    """

    lines: list[Line] = field(default_factory=list)
    older: int | None = None


def find_password_uploads(audience: str, *, before: int | None = None) -> Preview:
    """Who uploaded with a password to what, and whether an audience would have them refused."""
    search = EventSearch(kind=FILE_UPLOADED.name, since=timezone.now() - SPAN)
    lines: dict[tuple[str, str], Line] = {}
    found, looked_at = Preview(), 0
    for batch in search.batches(before=before):
        for event in batch:
            if event.credential == "password":
                line = _line_of(event)
                lines.setdefault((line.user_id, line.project_id), line).count += 1
        looked_at += len(batch)
        if looked_at >= READ:
            found.older = batch[-1].number
            break
    found.lines = list(lines.values())
    _judge(found.lines, audience)
    return found


def _line_of(event: Event) -> Line:
    project = next(
        (row for row in event.about if row.kind == "project"),  # type: ignore[attr-defined]
        None,
    )
    return Line(
        user_id=event.actor_id,
        username=event.actor_label,
        project_id=project.subject_id if project else "",
        project=project.label if project else "",
        last_at=event.recorded_at,
    )


def _judge(lines: list[Line], audience: str) -> None:
    """Note which of them an audience has in it."""
    if audience == Audience.FACTOR:
        ids = {UUID(line.user_id) for line in lines if line.user_id}
        people = User.objects.with_second_factor().filter(pk__in=ids)
        concerned = {str(pk) for pk in people.values_list("pk", flat=True)}
        for line in lines:
            line.is_concerned = line.user_id in concerned
        return
    ids = {UUID(line.project_id) for line in lines if line.project_id}
    projects: set[str] = set()
    if audience != Audience.EVERYBODY:
        rows: list[Project] = list(concerned_projects(audience).filter(pk__in=ids).only("pk"))
        projects = {str(row.pk) for row in rows}
    for line in lines:
        line.is_concerned = audience == Audience.EVERYBODY or line.project_id in projects
