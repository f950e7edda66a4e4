"""Accepting an upload: a list of sentences."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from audit.actors import Actor
from projects import claims, permissions, storage
from projects.models import File, Project
from projects.operations import contents, publishing
from projects.operations.contents import ContentRemoved
from projects.operations.publishing import NewFile
from tokens.credentials import TokenCredential, TokenRefused
from uploads import policy
from uploads.credentials import Credential, facts_of
from uploads.errors import UploadRefused, site_is_full
from uploads.inspection import Inspected, inspect
from uploads.metadata import as_json
from uploads.requests import UploadRequest

_STATUS: Final = {"too_many_projects": 429}


def accept_upload(
    request: UploadRequest, *, credential: Credential, by: Actor
) -> tuple[File, bool]:
    """Publish a file, whole or not at all.

    Permission is asked before the archive is opened, and again inside the transaction, because
    roles change while a big file travels. The bytes are stored before the transaction opens.

    Returns:
        The file, and whether it is new: the same file again changes nothing.

    Raises:
        UploadRefused: with a sentence for the uploader.
        TokenRefused: likewise, where the token does not allow this.
    """
    outline = _outline(request, credential)
    try:
        project = Project.objects.filter(normalized_name=request.normalized_name).first()
        _require_permission(request, project, credential=credential, by=by)
        if project is None:
            claims.require_name(request.name, by=by)
        else:
            known = publishing.find_same_file(project, outline)
            if known is not None:
                return known, False
        inspected = inspect(request)
        file = _store_and_publish(request, _complete(outline, inspected), inspected, credential, by)
    except PermissionDenied as error:
        if isinstance(error, TokenRefused):
            raise
        raise UploadRefused(str(error), code="not_allowed", status=403) from error
    except ValidationError as error:
        code = error.code or "refused"
        sentence = " ".join(error.messages)
        raise UploadRefused(sentence, code=code, status=_STATUS.get(code, 400)) from error
    credential.note_use()
    return file, True


def _require_permission(
    request: UploadRequest,
    project: Project | None,
    *,
    credential: Credential,
    by: Actor,
) -> None:
    _require_credential(request, project, credential, by)
    if project is not None:
        permissions.require(by, "upload", project)
    _require_account(by.user, credential)


def _require_credential(
    request: UploadRequest, project: Project | None, credential: Credential, by: Actor
) -> None:
    """What the credential itself allows at this moment."""
    kind: Any = "token" if isinstance(credential, TokenCredential) else "password"
    policy.require(by.user, project, kind)
    credential.require(
        "create" if project is None else "upload",
        project_name=request.normalized_name,
        project_id=None if project is None else str(project.pk),
    )


def _require_account(user: Any, credential: Credential) -> None:
    """An account that may not be reached, or has lost its second factor, uploads nothing.

    Whether passwords are taken from accounts without a second factor is the policy's business.
    """
    address = f"{settings.SITE_URL}/account/security/"
    if user.uploads_suspended_at is not None:
        raise UploadRefused(
            f"Uploads of the account {user.username} are suspended. Sign in at {address} to "
            "see why.",
            code="uploads_suspended",
            status=403,
        )
    if not user.has_verified_email:
        raise UploadRefused(
            f"The mail address of the account {user.username} is not verified. Verify it at "
            f"{address} and upload again.",
            code="address_unverified",
            status=403,
        )
    if isinstance(credential, TokenCredential) and not user.has_second_factor:
        raise UploadRefused(
            f"The account {user.username} has no second factor. Add one at {address} and upload "
            "again.",
            code="no_second_factor",
            status=403,
        )


def _outline(request: UploadRequest, credential: Credential) -> NewFile:
    """The file, as far as it is known before it is opened."""
    return NewFile(
        filename=request.parsed.filename,
        kind=request.parsed.kind,
        version=str(request.parsed.version),
        python_tag=request.parsed.python_tag,
        size=request.file.size,
        sha256=request.file.sha256,
        blake2b_256=request.file.blake2b_256,
        md5=request.file.md5,
        **facts_of(credential),
    )


def _complete(outline: NewFile, inspected: Inspected) -> NewFile:
    core = inspected.core
    is_wheel = outline.kind == "bdist_wheel"
    return replace(
        outline,
        version=str(core.version),
        metadata=as_json(core),
        summary=core.summary or "",
        requires_python=core.requires_python or "",
        metadata_sha256=hashlib.sha256(inspected.raw_metadata).hexdigest() if is_wheel else "",
    )


def _store_and_publish(
    request: UploadRequest,
    new_file: NewFile,
    inspected: Inspected,
    credential: Credential,
    by: Actor,
) -> File:
    """Store the bytes, then publish them, unless they were removed in between."""
    try:
        mark = contents.find_last_removal(new_file.blake2b_256)
        _store(request, inspected)
        return _publish(request, new_file, inspected, credential=credential, by=by, since=mark)
    except ContentRemoved as error:
        raise UploadRefused(
            "A former copy of this content is being removed at this moment. Try again in a minute.",
            code="content_removed",
            status=503,
        ) from error


def _store(request: UploadRequest, inspected: Inspected) -> None:
    """Put the bytes where they will stay: without the row, nobody finds them."""
    if not connection.in_atomic_block:
        connection.close()
    try:
        if request.parsed.kind == "bdist_wheel":
            _store_metadata(request, inspected.raw_metadata)
        storage.store(request.file.path, request.file.blake2b_256)
    except OSError as error:
        raise site_is_full(error) from error


def _store_metadata(request: UploadRequest, raw_metadata: bytes) -> None:
    path = request.file.path.with_name(f"{request.file.path.name}.metadata")
    try:
        with path.open("xb") as file:
            file.write(raw_metadata)
            file.flush()
            os.fsync(file.fileno())
        storage.store(path, request.file.blake2b_256, suffix=storage.METADATA)
    finally:
        path.unlink(missing_ok=True)


def _publish(
    request: UploadRequest,
    new_file: NewFile,
    inspected: Inspected,
    *,
    credential: Credential,
    by: Actor,
    since: int,
) -> File:
    """One short transaction: project, release, file, events."""
    with transaction.atomic():
        credential.require_active()
        project = Project.objects.filter(normalized_name=request.normalized_name).first()
        _require_credential(request, project, credential, by)
        if project is None:
            project = publishing.create_project(inspected.core.name, by=by)
        file = publishing.publish_file(project, new_file, by=by)
        contents.require_kept(new_file.blake2b_256, since=since)
        return file
