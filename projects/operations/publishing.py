"""Putting files on the shelves, and yanking releases."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import policy
from audit.actors import Actor
from audit.prepared import Prepared, PreparedInsert
from audit.vocabulary import EventKind
from projects import changes, claims, permissions
from projects.events import (
    FILE_UPLOADED,
    PROJECT_CREATED,
    RELEASE_CREATED,
    RELEASE_UNYANKED,
    RELEASE_YANKED,
    ROLE_ADDED,
)
from projects.mailings import NOTICE, owners_to_tell
from projects.models import BurntFilename, File, Project, Release, Role
from projects.names import canonical_version, normalize, shown

MAX_REASON = 300  # characters
_LIKE_IT = Prepared(
    lambda project, filename, content: File.objects.filter(
        Q(filename=filename) | Q(project=project, blake2b_256=content)
    ).order_by()
)
_BURNT = Prepared(
    lambda filename: BurntFilename.objects.filter(filename=filename).order_by().values_list("pk")
)
_RELEASE = Prepared(
    lambda project, version: (
        Release.objects.filter(project=project, canonical_version=version)
        .defer("metadata")
        .order_by()
    )
)
_SIZE = Prepared(
    lambda project: (
        File.objects.filter(project=project)
        .order_by()
        .values("project")
        .annotate(used=Sum("size"))
        .values_list("used")
    )
)
_STORE_RELEASE = PreparedInsert(Release)
_STORE_FILE = PreparedInsert(File)


class FileExists(ValidationError):
    """The name of the file, or its content in this project, is there already."""


@dataclass(frozen=True)
class NewFile:
    """A file whose content is checked and stored, with all that is written down of it.

    Attributes:
        filename: as checked by `names.parse_filename`.
        kind: "sdist" or "bdist_wheel".
        version: as the uploader spells it.
        python_tag: as in the name of the file; "source" for an sdist.
        size: bytes.
        sha256: of the content; this and the other digests are lower-case hexadecimal digits.
        blake2b_256: of the content; where it is stored.
        md5: of the content.
        metadata: core metadata as JSON can hold it.
        summary: one line from the metadata, or "".
        requires_python: the specifiers from the metadata, or "".
        metadata_sha256: of the METADATA file that is stored beside a wheel; "" for an sdist.
        token_id: the UUID of the API token, or "".
        token_name: its name now.
        uploader_factor: the kind of second factor that the uploader's account has now, and used
            last, as `File.Factor` has them; or "".
        is_warned: whether the uploader is told that this kind of credential will be refused.
    """

    filename: str
    kind: str
    version: str
    python_tag: str
    size: int
    sha256: str
    blake2b_256: str
    md5: str
    metadata: dict[str, Any] = field(default_factory=dict)
    summary: str = ""
    requires_python: str = ""
    metadata_sha256: str = ""
    token_id: str = ""
    token_name: str = ""
    uploader_factor: str = ""
    is_warned: bool = False


@transaction.atomic
def create_project(name: str, *, by: Actor) -> Project:
    """Create a project and make whoever acts its owner.

    If the project exists by now, because somebody else was quicker, it is returned to those who may
    upload to it.

    Args:
        name: as it will be shown.

    Raises:
        ValidationError: if no new project may have that name, or too many were created.
        PermissionDenied: if this person may not create it, or somebody else has, or without the
            second factor that holding a role takes.
    """
    claims.require_name(name, by=by)
    project = Project(name=name, normalized_name=normalize(name))
    permissions.require(by, "create", project)
    policy.require_to_publish(by.user)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError:
        existing = Project.objects.select_for_update(no_key=True).get(
            normalized_name=project.normalized_name
        )
        permissions.require(by, "upload", existing)
        return existing
    claims.require_allowance(by=by)
    Role.objects.create(user=by.user, project=project, kind=Role.Kind.OWNER)
    changes.publish(project, PROJECT_CREATED, by=by, about=[by.user])
    claims.require_unlike_others(name)
    changes.publish(project, ROLE_ADDED, by=by, about=[by.user], role=Role.Kind.OWNER.value)
    return project


@transaction.atomic
def publish_file(
    project: Project, upload: NewFile, *, by: Actor, checked_at: int | None = None
) -> File:
    """Put a stored file on the shelf; its release is created if this is its first file.

    A file that is there already, with the same content, is returned and nothing changes.

    Args:
        checked_at: the serial of the project when `find_same_file` let the file pass, if it was
            asked: at the same serial, the project has the same files, and is not searched again.

    Raises:
        PermissionDenied: if this person may not upload to the project, at this moment.
        FileExists: if the name is taken, by other content or in another project.
        ValidationError: if the project takes no such file, or was deleted.
    """
    project = changes.lock(project)
    permissions.require(by, "upload", project)
    if project.serial != checked_at:
        existing = find_same_file(project, upload)
        if existing is not None:
            return existing
    release, is_new = _release_for(project, upload)
    try:
        file = _store_row(project, release, upload, by)
    except IntegrityError as error:
        raise _file_exists(upload) from error
    changed: list[tuple[EventKind, dict[str, Any]]] = []
    if is_new:
        told = owners_to_tell(project, by=by)
        changes.tell(NOTICE, told, project, by=by, version=release.version)
        changed.append((RELEASE_CREATED, {"version": release.version}))
    facts = {
        "filename": file.filename,
        "version": release.version,
        "size": file.size,
        "sha256": file.sha256,
        "blake2b_256": file.blake2b_256,
        "warned": upload.is_warned,
    }
    changed.append((FILE_UPLOADED, facts))
    added = release if is_new else None
    changes.publish_all(project, changed, by=by, about=[by.user], added=added)
    return file


def find_same_file(project: Project, upload: NewFile) -> File | None:
    """The file, if exactly it is there already.

    Raises:
        FileExists: if its name is there with other content, or its content under another name.
        ValidationError: if the project takes no such file.
    """
    found = _LIKE_IT.all(project.pk, upload.filename, upload.blake2b_256)
    existing = next((file for file in found if file.filename == upload.filename), None)
    if existing is not None:
        if existing.project_id != project.pk or existing.blake2b_256 != upload.blake2b_256:
            raise _file_exists(upload)
        return existing
    _require_unused(upload, twin=found[0] if found else None)
    _require_open_release(project, upload)
    _require_room(project, upload)
    return None


@transaction.atomic
def yank_release(release: Release, *, by: Actor, reason: str = "") -> None:
    """Hide the release from resolvers that were not told to use exactly it (PEP 592).

    Args:
        reason: shown to everybody; at most MAX_REASON characters.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if the reason is too long, or the release was deleted.
    """
    project = changes.lock(release.project)
    permissions.require(by, "yank", project)
    reason = _one_line(reason)
    _refresh(release)
    if release.is_yanked and release.yanked_reason == reason:
        return
    release.yanked_at, release.yanked_reason = release.yanked_at or timezone.now(), reason
    release.save(update_fields=["yanked_at", "yanked_reason"])
    changes.publish(project, RELEASE_YANKED, by=by, version=release.version, reason=reason or "-")
    changes.tell(
        "release_yanked", project.owners(), project, by=by, version=release.version, reason=reason
    )


@transaction.atomic
def unyank_release(release: Release, *, by: Actor, reason: str = "") -> None:
    """Take a yank back.

    Args:
        reason: kept in the history; at most MAX_REASON characters.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if the reason is too long, or the release was deleted.
    """
    project = changes.lock(release.project)
    permissions.require(by, "yank", project)
    reason = _one_line(reason)
    _refresh(release)
    if not release.is_yanked:
        return
    release.yanked_at, release.yanked_reason = None, ""
    release.save(update_fields=["yanked_at", "yanked_reason"])
    changes.publish(project, RELEASE_UNYANKED, by=by, version=release.version, reason=reason or "-")
    changes.tell(
        "release_unyanked", project.owners(), project, by=by, version=release.version, reason=reason
    )


def _refresh(release: Release) -> None:
    try:
        release.refresh_from_db()
    except Release.DoesNotExist as error:
        raise ValidationError(
            _("This release was deleted in the meantime."), code="gone"
        ) from error


def _require_unused(upload: NewFile, *, twin: File | None) -> None:
    if _BURNT.exists(upload.filename):
        raise FileExists(
            f"The file name {shown(upload.filename, 250)} was used by a file that was deleted, and "
            "a file name is used once. Raise the version and build again.",
            code="burnt_filename",
        )
    if twin is not None:
        raise FileExists(
            f"File already exists, under another name: {twin.filename} has the same content. Raise "
            "the version and build again.",
            code="same_content",
        )


def _require_open_release(project: Project, upload: NewFile) -> None:
    """One sdist in a release, and no new file in an old one where the settings say so."""
    release = _RELEASE.first(project.pk, _canonical(upload.version))
    if release is None:
        return
    days = settings.RELEASE_OPEN_DAYS
    if days and timezone.now() - release.created_at > timedelta(days=days):
        raise ValidationError(
            f"The release {release.version} is older than {days} days and takes no new files. "
            "Raise the version and build again.",
            code="old_release",
        )
    if upload.kind == File.Kind.SDIST:
        sdist = File.objects.filter(release=release, kind=File.Kind.SDIST).first()
        if sdist is not None:
            raise ValidationError(
                f"The release {release.version} has an sdist, {sdist.filename}, and can have one.",
                code="second_sdist",
            )


def _require_room(project: Project, upload: NewFile) -> None:
    limit = project.file_size_limit
    if limit is not None and upload.size > limit:
        raise ValidationError(
            f"The file is too large: the limit of this project is {limit >> 20} MiB.",
            code="too_large",
        )
    sums = _SIZE.first(project.pk)
    used = sums[0] if sums else 0
    total = project.total_size_limit
    total = settings.PROJECT_SIZE_LIMIT if total is None else total
    if used + upload.size > total:
        raise ValidationError(
            f"The project is too large: all its files together may have {total >> 20} MiB, and "
            f"{used >> 20} MiB are used.",
            code="project_too_large",
        )


def _file_exists(upload: NewFile) -> FileExists:
    return FileExists(
        f"File already exists ({upload.filename}, with other content). A file name is used once: "
        "raise the version and build again.",
        code="file_exists",
    )


def _canonical(version: str) -> str:
    try:
        return canonical_version(version)
    except ValueError as error:
        raise ValidationError(f"The {error}.", code="version") from error


def _release_for(project: Project, upload: NewFile) -> tuple[Release, bool]:
    """The release of that version, and whether it had to be made; the project is locked."""
    canonical = _canonical(upload.version)
    release = _RELEASE.first(project.pk, canonical)
    if release is not None:
        return release, False
    release = Release(
        project=project,
        canonical_version=canonical,
        version=upload.version,
        metadata=upload.metadata,
        summary=upload.summary,
        requires_python=upload.requires_python,
    )
    _STORE_RELEASE(release)
    return release, True


def _store_row(project: Project, release: Release, upload: NewFile, by: Actor) -> File:
    file = File(
        project=project,
        release=release,
        filename=upload.filename,
        kind=upload.kind,
        size=upload.size,
        sha256=upload.sha256,
        blake2b_256=upload.blake2b_256,
        md5=upload.md5,
        python_tag=upload.python_tag,
        requires_python=upload.requires_python,
        metadata_sha256=upload.metadata_sha256,
        uploaded_by_id=by.id,
        uploaded_by=by.label,
        token_id=upload.token_id,
        token_name=upload.token_name,
        uploader_factor=upload.uploader_factor,
    )
    _STORE_FILE(file)
    return file


def _one_line(reason: str) -> str:
    """The reason without characters for control: pip prints it to terminals, which obey them."""
    plain = (" " if unicodedata.category(letter) == "Cc" else letter for letter in reason)
    reason = " ".join("".join(plain).split())
    if len(reason) > MAX_REASON:
        raise ValidationError(
            _("A reason can have at most %d characters.") % MAX_REASON, code="too_long"
        )
    return reason
