"""Uploading as a tool does it: one multipart POST with an API token."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from projects.models import Project
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tokens.grants import Grant, Scope
from tokens.operations.lifecycle import create_token


def grant_for(*projects: Project, is_wide: bool = False, **changes: Any) -> Grant:
    """Uploading to the given projects; to all, and creating some, if it is wide."""
    choice: dict[str, Any] = {
        "scope": Scope.ALL if is_wide else Scope.PROJECTS,
        "actions": ("upload", "create") if is_wide else ("upload",),
        "projects": projects,
    }
    return Grant(**choice | changes)


def token_of(
    person: Person, *projects: Project, name: str = "a token", everything: bool = False
) -> str:
    """The text of a new token: for the given projects, or for all if none is given."""
    grant = grant_for(*projects, is_wide=everything or not projects)
    _row, text = create_token(person.fresh_user, name=name, grant=grant, by=person.actor)
    return text


def basic(token: str, username: str = "__token__") -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{token}".encode()).decode()


def name_and_version(filename: str) -> tuple[str, str]:
    """As a file name spells them; the name in that of an old sdist may have hyphens."""
    if filename.endswith(".tar.gz"):
        name, _hyphen, version = filename.removesuffix(".tar.gz").rpartition("-")
        return name, version
    name, version, *_tags = filename.split("-")
    return name, version


def form_for(filename: str, content: bytes, name: str, version: str) -> dict[str, Any]:
    """The fields that every tool sends."""
    is_wheel = filename.endswith(".whl")
    return {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel" if is_wheel else "sdist",
        "pyversion": "py3" if is_wheel else "source",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "content": SimpleUploadedFile(filename, content),
    }


def upload(
    token: str,
    project: str = "foo",
    release: str = "1.0",
    *,
    artifact: tuple[str, bytes] | None = None,
    is_sdist: bool = False,
    header: str | None = None,
    without: tuple[str, ...] = (),
    client: Client | None = None,
    **changes: Any,
) -> Any:
    """Send one file; the response.

    Args:
        artifact: file name and content; a small valid wheel or sdist if it is not given.
        header: the Authorization header, where it should be another one than the token's.
        without: fields to leave out.
        client: what sends it; one that raises what a view raises, if it is not given.
        changes: fields to send differently.
    """
    make = make_sdist if is_sdist else make_wheel
    filename, content = artifact or make(project, release)
    form = form_for(filename, content, project, release) | changes
    for field in without:
        form.pop(field, None)
    authorization = basic(token) if header is None else header
    return (client or Client()).post("/legacy/", form, headers={"Authorization": authorization})


def said(response: Any) -> str:
    """The one line of a refusal, which must be the same in both places."""
    body = response.content.decode()
    assert body == f"{response.reason_phrase}\n"
    assert body.isascii()
    assert len(response.reason_phrase) <= 400
    return str(response.reason_phrase)
