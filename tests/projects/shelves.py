"""What the tests of this floor put on shelves, stored as an upload stores it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings as site
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client
from django.test.client import ClientHandler

from indexsite.short_path import find_answer, site_headers
from projects import storage
from projects.names import parse_filename
from projects.operations.publishing import NewFile
from projects.views.reading import as_response


class ShortPathHandler(ClientHandler):
    """Sends what the short path takes, and has Django answer the rest."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        answer = find_answer(environ)
        if answer is None:
            return super().__call__(environ)
        response = as_response(answer)
        for name, value in site_headers():
            response[name] = value
        response.wsgi_request = WSGIRequest(environ)  # type: ignore[attr-defined]
        return response


class ShortPathClient(Client):
    """Comes in by the short path, as with a real web server."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.handler = ShortPathHandler(enforce_csrf_checks=False)


def new_file(
    filename: str, content: bytes, *, metadata_file: bytes = b"", **facts: object
) -> NewFile:
    """Store a content, and the metadata beside it, and describe it."""
    parsed = parse_filename(filename)
    blake2b = hashlib.blake2b(content, digest_size=32).hexdigest()
    put(content, blake2b)
    if metadata_file:
        put(metadata_file, blake2b, storage.METADATA)
    described = {
        "filename": filename,
        "kind": parsed.kind,
        "version": str(parsed.version),
        "python_tag": parsed.python_tag,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "blake2b_256": blake2b,
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "metadata_sha256": hashlib.sha256(metadata_file).hexdigest() if metadata_file else "",
    }
    return NewFile(**{**described, **facts})


def put(content: bytes, digest: str, suffix: str = "") -> None:
    """Store a content as an upload does."""
    incoming = Path(site.INCOMING_ROOT) / f"{digest[:16]}{suffix}"
    incoming.write_bytes(content)
    storage.store(incoming, digest, suffix)


def ask_to_take(path: str, method: str) -> None:
    """Send something to an address that can only be read, as a tool without cookies does."""
    client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost", SERVER_PORT="8000")
    response = client.generic(method, path, b"something")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert "Upload to http://localhost:8000/legacy/ instead" in response.reason_phrase
    assert response.content.decode() == f"{response.reason_phrase}\n"
