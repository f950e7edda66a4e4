"""How much a project may hold, where staff set it apart from the site's own limits."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.permissions import require_staff
from accounts.sightings import require_as_seen
from audit.actors import Actor
from projects import changes
from projects.events import PROJECT_LIMITS_CHANGED
from projects.models import Project
from projects.permissions import MAY_STEWARD


def find_state(project: Project) -> tuple[object, ...]:
    """What of a project's limits somebody who changes them has to know."""
    return project.file_size_limit, project.total_size_limit


@transaction.atomic
def change_limits(
    project: Project,
    *,
    file: int | None,
    total: int | None,
    seen: str | None = None,
    reason: str,
    by: Actor,
) -> None:
    """Let a project hold more or less. What is there stays, even above a lower limit.

    Args:
        file: bytes of one file; None for the site's own limit, which it cannot exceed.
        total: bytes of all files together; None for the site's own limit.
        seen: the digest of `find_state` when whoever acts looked; None without a look.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if nothing would change, or the door would refuse files below the limit; if
            the limits were changed since they were seen, or the project was deleted.
    """
    require_staff(by, MAY_STEWARD)
    project = changes.lock(project)
    require_as_seen(seen, *find_state(project))
    if file is not None and file > settings.UPLOAD_SIZE_LIMIT:
        raise ValidationError(
            _("The site takes no file above %d MiB, whatever the project's limit says.")
            % (settings.UPLOAD_SIZE_LIMIT >> 20),
            code="above_site",
        )
    former = project.file_size_limit, project.total_size_limit
    if former == (file, total):
        raise ValidationError(_("These are the limits already."), code="done")
    project.file_size_limit, project.total_size_limit = file, total
    project.save(update_fields=["file_size_limit", "total_size_limit"])
    changes.tell(
        "project_limits_changed",
        project.people(),
        project,
        by=by,
        file=_mebibytes(file, settings.UPLOAD_SIZE_LIMIT),
        total=_mebibytes(total, settings.PROJECT_SIZE_LIMIT),
        reason=reason,
    )
    changes.publish(
        project,
        PROJECT_LIMITS_CHANGED,
        by=by,
        former_file=_bytes(former[0], settings.UPLOAD_SIZE_LIMIT),
        file=_bytes(file, settings.UPLOAD_SIZE_LIMIT),
        former_total=_bytes(former[1], settings.PROJECT_SIZE_LIMIT),
        total=_bytes(total, settings.PROJECT_SIZE_LIMIT),
        reason=reason,
    )


def _bytes(limit: int | None, of_site: int) -> int:
    """What holds: a limit of 0 is one, and lets nothing in."""
    return of_site if limit is None else limit


def _mebibytes(limit: int | None, of_site: int) -> int:
    return _bytes(limit, of_site) >> 20
