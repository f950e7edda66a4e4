"""Accepting an upload: a list of sentences."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from accounts import policy
from audit.actors import Actor
from projects import permissions, storage
from projects.models import File, Project
from projects.operations import publishing
from projects.operations.publishing import FileExists, NewFile
from tokens.credentials import TokenCredential, TokenRefused
from uploads import artifacts, metadata
from uploads.errors import UploadRefused, as_sentence
from uploads.requests import UploadRequest


@dataclass(frozen=True)
class _Archive:
    """What was read from the file itself."""

    metadata: metadata.CoreMetadata
    raw_metadata: bytes


def accept_upload(
    request: UploadRequest, *, credential: TokenCredential, by: Actor
) -> tuple[File, bool]:
    """Publish a file, whole or not at all.

    Permission is asked before the archive is opened, and again inside the transaction, because
    roles change while a big file travels. The bytes are stored before the transaction opens.

    Returns:
        The file, and whether it is new: the same file again changes nothing.

    Raises:
        UploadRefused: with a sentence for the uploader.
    """
    project = Project.objects.filter(normalized_name=request.normalized_name).first()
    _require_permission(request, project, credential=credential, by=by)
    known = _find_same_file(request, project)
    if known is not None:
        return known, False
    archive = _read_archive(request)
    _store(request, archive)
    file = _publish(request, archive, credential=credential, by=by)
    credential.note_use()
    return file, True


def _require_permission(
    request: UploadRequest,
    project: Project | None,
    *,
    credential: TokenCredential,
    by: Actor,
) -> None:
    credential.require(
        "create" if project is None else "upload",
        project_name=request.normalized_name,
        project_id=None if project is None else str(project.pk),
    )
    try:
        if project is not None:
            permissions.require(by, "upload", project)
    except PermissionDenied as error:
        raise UploadRefused(str(error), code="not_allowed", status=403) from error
    _require_account(by.user)


def _require_account(user: Any) -> None:
    """An account that may not be reached, or has lost its second factor, uploads nothing."""
    address = f"{settings.SITE_URL}/account/security/"
    if not user.has_verified_email:
        raise UploadRefused(
            f"The mail address of the account {user.username} is not verified. Verify it at "
            f"{address} and upload again.",
            code="address_unverified",
            status=403,
        )
    if user.uploads_suspended_at is not None:
        raise UploadRefused(
            f"Uploads of the account {user.username} are suspended. Sign in, and resume them at "
            f"{address}",
            code="uploads_suspended",
            status=403,
        )
    if not policy.may_publish(user):
        raise UploadRefused(
            f"The account {user.username} has no second factor. Add one at {address} and upload "
            "again.",
            code="no_second_factor",
            status=403,
        )


def _find_same_file(request: UploadRequest, project: Project | None) -> File | None:
    """The file, if exactly it is there already.

    Raises:
        UploadRefused: if the name is there with other content.
    """
    file = File.objects.filter(filename=request.parsed.filename).first()
    if file is None or project is None:  # a project that came meanwhile is asked about at the end
        return None
    is_own = file.project_id == project.pk
    if is_own and file.blake2b_256 == request.file.blake2b_256:
        return file
    raise _file_exists(request)


def _file_exists(request: UploadRequest) -> UploadRefused:
    return UploadRefused(
        f"File already exists ({request.parsed.filename}, with other content). A file name is "
        "used once: raise the version and build again.",
        code="file_exists",
    )


def _read_archive(request: UploadRequest) -> _Archive:
    """The core metadata inside the file, which is what installers will believe."""
    is_wheel = request.parsed.kind == "bdist_wheel"
    where = "METADATA" if is_wheel else "PKG-INFO"
    try:
        with request.file.path.open("rb") as file:
            if is_wheel:
                raw = artifacts.read_wheel_metadata(file, request.parsed)
            else:
                raw = artifacts.read_sdist_metadata(file, request.parsed)
    except artifacts.ArtifactError as error:
        raise UploadRefused(as_sentence(error), code="archive") from error
    try:
        core = metadata.read(raw, where=where)
        metadata.require_same_identity(
            core, name=request.name, version=request.version, where=where
        )
    except metadata.MetadataError as error:
        raise UploadRefused(as_sentence(error), code="metadata") from error
    return _Archive(core, raw)


def _store(request: UploadRequest, archive: _Archive) -> None:
    """Put the bytes where they will stay: without the row, nobody finds them."""
    if not connection.in_atomic_block:
        connection.close()
    if request.parsed.kind == "bdist_wheel":
        path = request.file.path.with_name(f"{request.file.path.name}.metadata")
        try:
            with path.open("xb") as file:
                file.write(archive.raw_metadata)
                file.flush()
                os.fsync(file.fileno())
            storage.store(path, request.file.blake2b_256, suffix=".metadata")
        finally:
            path.unlink(missing_ok=True)
    storage.store(request.file.path, request.file.blake2b_256)


def _new_file(request: UploadRequest, archive: _Archive, credential: TokenCredential) -> NewFile:
    is_wheel = request.parsed.kind == "bdist_wheel"
    token = credential.token
    return NewFile(
        filename=request.parsed.filename,
        kind=request.parsed.kind,
        version=str(archive.metadata.version),
        python_tag=request.parsed.python_tag,
        size=request.file.size,
        sha256=request.file.sha256,
        blake2b_256=request.file.blake2b_256,
        md5=request.file.md5,
        metadata=metadata.as_json(archive.metadata),
        summary=archive.metadata.summary or "",
        requires_python=archive.metadata.requires_python or "",
        metadata_sha256=hashlib.sha256(archive.raw_metadata).hexdigest() if is_wheel else "",
        token_id=str(token.pk),
        token_name=token.name,
        uploader_factor="API token",
    )


def _publish(
    request: UploadRequest, archive: _Archive, *, credential: TokenCredential, by: Actor
) -> File:
    """One short transaction: project, release, file, events."""
    new_file = _new_file(request, archive, credential)
    try:
        with transaction.atomic():
            credential.require_active()
            project = Project.objects.filter(normalized_name=request.normalized_name).first()
            credential.require(
                "create" if project is None else "upload",
                project_name=request.normalized_name,
                project_id=None if project is None else str(project.pk),
            )
            if project is None:
                project = publishing.create_project(archive.metadata.name, by=by)
            return publishing.publish_file(project, new_file, by=by)
    except TokenRefused:
        raise
    except FileExists as error:
        raise _file_exists(request) from error
    except PermissionDenied as error:
        raise UploadRefused(str(error), code="not_allowed", status=403) from error
    except ValidationError as error:
        raise UploadRefused(" ".join(error.messages), code=error.code or "refused") from error
