"""Accepting an upload: a list of sentences."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from accounts.limits import LimitReached
from audit.actors import Actor
from audit.connections import give_back
from audit.prepared import Prepared
from projects import claims, storage
from projects.models import File, Project
from projects.operations import contents, publishing
from projects.operations.contents import ContentRemoved
from projects.operations.publishing import NewFile
from tokens.credentials import TokenCredential, TokenRefused
from tokens.operations.lifecycle import bind_token
from uploads import policy, preview, scanning
from uploads.credentials import Credential, facts_of
from uploads.errors import RETRY_AFTER, UploadRefused, site_is_full
from uploads.inspection import Inspected, inspect
from uploads.metadata import as_json
from uploads.operations.enforcement import warn_uploader
from uploads.requests import UploadRequest

logger = logging.getLogger(__name__)
_BY_NAME: Final = Prepared(lambda name: Project.objects.filter(normalized_name=name).order_by())
_STATUS: Final = {"too_many_projects": 429, "no_new_projects": 403}


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
    outline = _outline(request)
    try:
        project = _find_project(request)
        _authorize(request, project, credential=credential, by=by)
        if project is None:
            claims.require_name(request.name, by=by)
        else:
            known = publishing.find_same_file(project, outline)
            if known is not None:
                _restore(request, known)
                _note_again(request, project, credential=credential, by=by)
                return known, False
        inspected = inspect(request)
        scanning.refuse_own_tokens(request, by=by)
        new_file = _complete(outline, inspected, credential)
        file = _store_and_publish(request, new_file, inspected, credential, by, project)
    except PermissionDenied as error:
        if isinstance(error, TokenRefused):
            raise
        raise UploadRefused(str(error), code="not_allowed", status=403) from error
    except ValidationError as error:
        code = error.code or "refused"
        sentence = " ".join(error.messages)
        refusal = UploadRefused(sentence, code=code, status=_STATUS.get(code, 400))
        if isinstance(error.__cause__, LimitReached):
            refusal.retry_after = error.__cause__.retry_after
        raise refusal from error
    credential.note_use(by=by, project=request.normalized_name, file=request.parsed.filename)
    return file, True


def _find_project(request: UploadRequest) -> Project | None:
    return _BY_NAME.first(request.normalized_name)


def _restore(request: UploadRequest, known: File) -> None:
    """Store a file again whose content, or the metadata beside it, was lost."""
    try:
        wanted = ["", storage.METADATA] if known.metadata_sha256 else [""]
        if all(storage.exists(known.blake2b_256, suffix) for suffix in wanted):
            return
    except OSError as error:
        raise site_is_full(error) from error
    _store(request, inspect(request))
    logger.warning("The content of %s was missing, and came again by an upload.", known.filename)


def _note_again(
    request: UploadRequest, project: Project, *, credential: Credential, by: Actor
) -> None:
    """The same file again is a use, and ties a token for a new project to it all the same."""
    if isinstance(credential, TokenCredential) and credential.token.awaits_project:
        with transaction.atomic():
            bind_token(credential.reopened().token, project, by=by)
    credential.note_use(by=by, project=request.normalized_name, file=request.parsed.filename)


def _authorize(
    request: UploadRequest,
    project: Project | None,
    *,
    credential: Credential,
    by: Actor,
) -> None:
    """Whether this kind of credential is taken, and all that this one depends on."""
    policy.require(by.user, project, _kind_of(credential))
    credential.authorize(
        "create" if project is None else "upload",
        name=request.normalized_name,
        project=project,
        by=by,
    )


def _kind_of(credential: Credential) -> policy.Credential:
    return "token" if isinstance(credential, TokenCredential) else "password"


def _outline(request: UploadRequest) -> NewFile:
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
    )


def _complete(outline: NewFile, inspected: Inspected, credential: Credential) -> NewFile:
    core = inspected.core
    is_wheel = outline.kind == "bdist_wheel"
    return replace(
        outline,
        version=str(core.version),
        metadata=as_json(core),
        summary=core.summary or "",
        requires_python=core.requires_python or "",
        metadata_sha256=hashlib.sha256(inspected.raw_metadata).hexdigest() if is_wheel else "",
        **facts_of(credential),
    )


def _store_and_publish(
    request: UploadRequest,
    new_file: NewFile,
    inspected: Inspected,
    credential: Credential,
    by: Actor,
    checked: Project | None,
) -> File:
    """Store the bytes, then publish them, unless they were removed in between."""
    try:
        mark = contents.find_last_removal(new_file.blake2b_256)
        _store(request, inspected)
        return _publish(
            request,
            new_file,
            inspected,
            credential=credential,
            by=by,
            checked=checked,
            since=mark,
        )
    except ContentRemoved as error:
        raise UploadRefused(
            "A former copy of this content is being removed at this moment. Try again in a minute.",
            code="content_removed",
            status=503,
            retry_after=RETRY_AFTER,
        ) from error


def _store(request: UploadRequest, inspected: Inspected) -> None:
    """Put the bytes where they will stay: without the row, nobody finds them."""
    give_back()
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
    checked: Project | None,
    since: int,
) -> File:
    """One short transaction: project, release, file, events.

    Args:
        checked: the project, as it was when the file was found to fit into it; None if there was
            none.
        since: what `contents.require_kept` needs to know.
    """
    with transaction.atomic():
        credential = credential.reopened()
        project = checked or _find_project(request)
        if policy.require(by.user, project, _kind_of(credential)).warns:
            new_file = replace(new_file, is_warned=True)
            warn_uploader(by.user, by=by)
        credential.require_allowed(
            "create" if project is None else "upload",
            name=request.normalized_name,
            project=project,
        )
        if project is None:
            project = publishing.create_project(inspected.core.name, by=by)
            if project.files.exists():  # somebody was quicker
                credential.require_allowed("upload", name=request.normalized_name, project=project)
        serial = checked.serial if checked else None
        file = publishing.publish_file(project, new_file, by=by, checked_at=serial)
        contents.require_kept(new_file.blake2b_256, since=since)
        if by.user is not None and _kind_of(credential) == "password":
            preview.note_password_upload(by.user, project)
        if isinstance(credential, TokenCredential) and credential.token.awaits_project:
            bind_token(credential.token, project, by=by)
        return file
