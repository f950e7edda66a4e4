"""Archiving projects, and deleting files, releases and projects.

What is deleted is gone from the next request on. Names of files stay burnt, and a deleted project
leaves a tombstone.
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audit.actors import Actor
from projects import changes, permissions, search
from projects.events import (
    FILE_DELETED,
    PROJECT_ARCHIVED,
    PROJECT_DELETED,
    PROJECT_UNARCHIVED,
    RELEASE_DELETED,
)
from projects.models import BurntFilename, DeletedProject, File, Project, Release

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
    project.status = Project.Status.ARCHIVED
    project.save(update_fields=["status"])
    changes.publish(project, PROJECT_ARCHIVED, by=by)
    changes.tell("project_archived", project.people(), project, by=by)


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
    project.status = Project.Status.ACTIVE
    project.save(update_fields=["status"])
    changes.publish(project, PROJECT_UNARCHIVED, by=by)
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
    about = list(project.owners())
    releases, files = project.releases.count(), project.files.count()
    BurntFilename.objects.burn(project.files.all())
    search.forget(project)
    project.releases.all().delete()  # before the chain is locked: these may be thousands of rows
    changes.publish(project, PROJECT_DELETED, by=by, about=about, releases=releases, files=files)
    DeletedProject.objects.bury(project, deleted_by=by.label)
    project.delete()


def _require_still_there(is_there: bool) -> None:
    if not is_there:
        raise ValidationError(_("This was deleted in the meantime."), code="gone")
