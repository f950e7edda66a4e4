"""Accepting an upload: a list of sentences."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from audit.actors import Actor
from projects import storage
from projects.models import File, Project
from projects.operations import publishing
from projects.operations.publishing import FileExists, NewFile
from tokens.credentials import TokenCredential, TokenRefused
from tokens.operations.lifecycle import bind_token
from tokens.uses import note_use
from uploads import artifacts, metadata, scanning
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
    _authorize(request, project, credential=credential, by=by)
    known = _find_same_file(request, project)
    if known is not None:
        return known, False
    archive = _read_archive(request)
    scanning.refuse_own_tokens(request, by=by)
    _store(request, archive)
    file = _publish(request, archive, credential=credential, by=by)
    note_use(credential.token, by=by, project=request.normalized_name, file=request.parsed.filename)
    return file, True


def _authorize(
    request: UploadRequest,
    project: Project | None,
    *,
    credential: TokenCredential,
    by: Actor,
) -> None:
    credential.authorize(
        "create" if project is None else "upload",
        name=request.normalized_name,
        project=project,
        by=by,
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
            credential = credential.reopened()
            project = Project.objects.filter(normalized_name=request.normalized_name).first()
            _authorize(request, project, credential=credential, by=by)
            if project is None:
                project = publishing.create_project(archive.metadata.name, by=by)
            file = publishing.publish_file(project, new_file, by=by)
            bind_token(credential.token, project, by=by)
            return file
    except TokenRefused:
        raise
    except FileExists as error:
        raise _file_exists(request) from error
    except PermissionDenied as error:
        raise UploadRefused(str(error), code="not_allowed", status=403) from error
    except ValidationError as error:
        raise UploadRefused(" ".join(error.messages), code=error.code or "refused") from error
