"""What every change of a project begins and ends with: its lock, and the event that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from accounts import notices
from accounts.models import User
from audit.actors import Actor
from audit.log import Happening, HasHistory, Subject, record_all
from audit.prepared import Prepared, PreparedUpdate
from audit.vocabulary import EventKind
from projects import search
from projects.events import (
    PROJECT_CREATED,
    RELEASE_CREATED,
    RELEASE_DELETED,
    RELEASE_UNYANKED,
    RELEASE_YANKED,
)
from projects.models import Project, Release
from projects.names import shown

_CHANGES_OF_WHAT_IS_SEARCHED = (
    PROJECT_CREATED,
    RELEASE_CREATED,
    RELEASE_DELETED,
    RELEASE_UNYANKED,
    RELEASE_YANKED,
)
_LOCKED = Prepared(lambda pk: Project.objects.select_for_update(no_key=True).filter(pk=pk))
_KEEP_SERIAL = PreparedUpdate(
    lambda pk, serial: (Project.objects.filter(pk=pk), {"serial": serial})
)


def lock(project: Project) -> Project:
    """The project as it is now, locked until the transaction ends.

    Raises:
        ValidationError: if it was deleted.
    """
    found = _LOCKED.first(project.pk)
    if found is None:
        raise ValidationError(
            f"The project {shown(project.name)} was deleted in the meantime.", code="gone"
        )
    return found


def publish(
    project: Project,
    kind: EventKind,
    *,
    by: Actor,
    about: Sequence[HasHistory | Subject] = (),
    added: Release | None = None,
    **fields: Any,
) -> None:
    """Record a change that shows in the index; its number is the project's new serial.

    Args:
        added: the release, where the change is that there is one more.
    """
    publish_all(project, [(kind, fields)], by=by, about=about, added=added)


def publish_all(
    project: Project,
    changed: Sequence[tuple[EventKind, Mapping[str, Any]]],
    *,
    by: Actor,
    about: Sequence[HasHistory | Subject] = (),
    added: Release | None = None,
) -> None:
    """Record several changes about the same, as `publish` records one.

    Args:
        changed: the kinds and their fields.
    """
    if any(kind in _CHANGES_OF_WHAT_IS_SEARCHED for kind, _fields in changed):
        search.note(project, added=added)
    subjects = [project, *about]
    events = record_all([Happening(kind, fields, subjects) for kind, fields in changed], by=by)
    project.serial = events[-1].number
    _KEEP_SERIAL(project.pk, project.serial)


def tell(notice: str, people: Iterable[User], project: Project, *, by: Actor, **facts: Any) -> None:
    """Queue a mail about a project to people whom a change concerns, each once."""
    known = {user.pk: user for user in people}
    notices.send(
        notice,
        known.values(),
        by=by,
        project=project.name,
        normalized_name=project.normalized_name,
        actor=by.label,
        **facts,
    )
