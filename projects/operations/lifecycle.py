"""Archiving projects, and deleting files, releases and projects.

What is deleted is gone from the next request on. Names of files stay burnt, and a deleted project
leaves a tombstone.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.permissions import require_staff
from audit.actors import Actor
from audit.vocabulary import EventKind
from projects import changes, permissions, search
from projects.events import (
    FILE_DELETED,
    PROJECT_ARCHIVED,
    PROJECT_ARCHIVED_BY_STAFF,
    PROJECT_DELETED,
    PROJECT_DELETED_BY_STAFF,
    PROJECT_UNARCHIVED,
    PROJECT_UNARCHIVED_BY_STAFF,
    RELEASE_DELETED,
)
from projects.models import (
    BurntFilename,
    DeletedProject,
    File,
    ProhibitedName,
    Project,
    Release,
)
from projects.operations import project_names

MAX_NAMED = 50  # files that the event of a deleted release names


@transaction.atomic
def archive_project(project: Project, *, by: Actor) -> None:
    """Freeze a project: it takes no new files, and what is there can still be installed (PEP 792).

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted.
    """
    project = changes.lock(project)
    permissions.require(by, "archive", project)
    if project.is_archived:
        return
    _set_status(project, Project.Status.ARCHIVED, PROJECT_ARCHIVED, by=by)
    changes.tell("project_archived", project.people(), project, by=by)


@transaction.atomic
def archive_project_as_staff(
    project: Project, *, is_archived: bool, reason: str, by: Actor
) -> None:
    """Freeze an abandoned project, or let it take files again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is so already, is in quarantine, or was deleted.
    """
    require_staff(by, permissions.MAY_STEWARD)
    project = changes.lock(project)
    if project.is_quarantined:
        raise ValidationError(_("This project is in quarantine. Take it out first."), code="hidden")
    if project.is_archived == is_archived:
        raise ValidationError(_("This was done in the meantime."), code="done")
    status = Project.Status.ARCHIVED if is_archived else Project.Status.ACTIVE
    kind = PROJECT_ARCHIVED_BY_STAFF if is_archived else PROJECT_UNARCHIVED_BY_STAFF
    notice = "project_archived" if is_archived else "project_unarchived"
    changes.tell(notice, project.people(), project, by=by, reason=reason)
    _set_status(project, status, kind, by=by, reason=reason)


def _set_status(
    project: Project, status: Project.Status, kind: EventKind, *, by: Actor, **fields: Any
) -> None:
    project.status = status
    project.save(update_fields=["status"])
    changes.publish(project, kind, by=by, **fields)


@transaction.atomic
def unarchive_project(project: Project, *, by: Actor) -> None:
    """Let an archived project take files again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted.
    """
    project = changes.lock(project)
    permissions.require(by, "archive", project)
    if not project.is_archived:
        return
    _set_status(project, Project.Status.ACTIVE, PROJECT_UNARCHIVED, by=by)
    changes.tell("project_unarchived", project.people(), project, by=by)


@transaction.atomic
def delete_file(file: File, *, by: Actor) -> None:
    """Delete a file; its release stays, even without files. The name is never used again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted in the meantime.
    """
    project = changes.lock(file.project)
    permissions.require(by, "delete", project)
    _require_still_there(File.objects.filter(pk=file.pk).exists())
    BurntFilename.objects.burn(File.objects.filter(pk=file.pk))
    version, filename, sha256 = file.release.version, file.filename, file.sha256
    file.delete()
    changes.tell(
        "file_deleted", project.people(), project, by=by, version=version, filename=filename
    )
    changes.publish(project, FILE_DELETED, by=by, filename=filename, version=version, sha256=sha256)


@transaction.atomic
def delete_release(release: Release, *, by: Actor) -> None:
    """Delete a release with its files, whose names are never used again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted in the meantime.
    """
    project = changes.lock(release.project)
    permissions.require(by, "delete", project)
    _require_still_there(Release.objects.filter(pk=release.pk).exists())
    files = File.objects.filter(release=release)
    names = list(files.order_by("filename").values_list("filename", flat=True)[: MAX_NAMED + 1])
    if len(names) > MAX_NAMED:
        names[MAX_NAMED:] = ["…"]
    BurntFilename.objects.burn(files)
    version = release.version
    release.delete()
    changes.tell("release_deleted", project.people(), project, by=by, version=version)
    changes.publish(
        project, RELEASE_DELETED, by=by, version=version, filenames=", ".join(names) or "-"
    )


@transaction.atomic
def delete_project(project: Project, *, by: Actor) -> None:
    """Delete a project with everything in it. A tombstone keeps its name.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted in the meantime.
    """
    project = changes.lock(project)
    permissions.require(by, "delete", project)
    changes.tell("project_deleted", list(project.people()), project, by=by)
    _bury(project, PROJECT_DELETED, by=by)


@transaction.atomic
def delete_project_as_staff(
    project: Project, *, prohibits_name: bool, reason: str, by: Actor
) -> None:
    """Delete a project with everything in it, in quarantine or not. A tombstone keeps its name.

    Args:
        prohibits_name: whether not even its former owners may use the name again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it was deleted in the meantime.
    """
    require_staff(by, permissions.MAY_STEWARD)
    project = changes.lock(project)
    changes.tell("project_deleted", list(project.people()), project, by=by, reason=reason)
    name = project.normalized_name
    is_open = not ProhibitedName.objects.filter(normalized_name=name).exists()
    _bury(project, PROJECT_DELETED_BY_STAFF, by=by, reason=reason)
    if prohibits_name and is_open:
        project_names.prohibit_project_name(name, reason=reason, by=by)


def _bury(project: Project, kind: EventKind, *, by: Actor, **fields: Any) -> None:
    """What every deletion of a project comes to, under its lock."""
    about = list(project.owners())
    counts = {"releases": project.releases.count(), "files": project.files.count()}
    BurntFilename.objects.burn(project.files.all())
    search.forget(project)
    project.releases.all().delete()  # before the chain is locked: these may be thousands of rows
    changes.publish(project, kind, by=by, about=about, **(counts | fields))
    DeletedProject.objects.bury(project, deleted_by=by.label)
    project.delete()


def _require_still_there(is_there: bool) -> None:
    if not is_there:
        raise ValidationError(_("This was deleted in the meantime."), code="gone")
