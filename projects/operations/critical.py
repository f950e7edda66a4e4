"""Marking the projects that many others rest on."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import require_staff
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, PROJECTS
from audit.log import record
from projects import changes
from projects.events import PROJECT_MARKED_CRITICAL, PROJECT_UNMARKED_CRITICAL
from projects.models import Project

MAY_MARK = frozenset({PROJECTS, ADMINISTRATOR})


@transaction.atomic
def mark_critical(project: Project, *, reason: str, by: Actor) -> None:
    """Mark a project critical: what is asked of such projects holds from the next request on.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is marked already, or was deleted.
    """
    require_staff(by, MAY_MARK)
    project = changes.lock(project)
    if project.critical_since is not None:
        raise ValidationError(_("This project is marked critical already."), code="done")
    project.critical_since = timezone.now()
    project.save(update_fields=["critical_since"])
    changes.tell("project_marked_critical", project.people(), project, by=by, reason=reason)
    record(PROJECT_MARKED_CRITICAL, by=by, about=[project], reason=reason)


@transaction.atomic
def unmark_critical(project: Project, *, reason: str, by: Actor) -> None:
    """Take the mark away again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is not marked, or was deleted.
    """
    require_staff(by, MAY_MARK)
    project = changes.lock(project)
    if project.critical_since is None:
        raise ValidationError(_("This project is not marked critical."), code="done")
    project.critical_since = None
    project.save(update_fields=["critical_since"])
    changes.tell("project_unmarked_critical", project.people(), project, by=by, reason=reason)
    record(PROJECT_UNMARKED_CRITICAL, by=by, about=[project], reason=reason)
