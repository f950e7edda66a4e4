"""Quarantine: hiding projects until somebody has looked at them (PEP 792)."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import require_staff
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, PROJECTS
from projects import changes
from projects.events import PROJECT_QUARANTINED, PROJECT_RELEASED
from projects.models import Project

MAY_QUARANTINE = frozenset({PROJECTS, ADMINISTRATOR})
_FIELDS = ["status", "status_before", "quarantined_at", "quarantined_because"]


@transaction.atomic
def quarantine_projects(projects: Sequence[Project], *, reason: str, by: Actor) -> int:
    """Hide projects from the index, and stop uploads to them, from the next request on.

    All of them, or none. Nothing is deleted, and accounts stay as they are.

    Returns:
        How many were not in quarantine before.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if one of them was deleted.
    """
    require_staff(by, MAY_QUARANTINE)
    rows = [changes.lock(project) for project in sorted(projects, key=lambda row: str(row.pk))]
    hidden = [project for project in rows if not project.is_quarantined]
    for project in hidden:
        project.status_before, project.status = project.status, Project.Status.QUARANTINED
        project.quarantined_at, project.quarantined_because = timezone.now(), reason
        project.save(update_fields=_FIELDS)
        changes.tell("project_quarantined", project.people(), project, by=by, reason=reason)
    for project in hidden:
        changes.publish(project, PROJECT_QUARANTINED, by=by, reason=reason)
    return len(hidden)


@transaction.atomic
def release_project(project: Project, *, reason: str, by: Actor) -> None:
    """Take a project out of quarantine; it is again what it was before.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is not in quarantine, or was deleted.
    """
    require_staff(by, MAY_QUARANTINE)
    project = changes.lock(project)
    if not project.is_quarantined:
        raise ValidationError(_("This project is not in quarantine."), code="done")
    project.status = project.status_before or Project.Status.ACTIVE
    project.status_before, project.quarantined_at, project.quarantined_because = "", None, ""
    project.save(update_fields=_FIELDS)
    changes.tell("project_released", project.people(), project, by=by, reason=reason)
    changes.publish(project, PROJECT_RELEASED, by=by, reason=reason)
