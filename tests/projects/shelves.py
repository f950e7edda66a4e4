"""What the tests of this floor put on shelves, stored as an upload stores it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings as site

from projects import storage
from projects.names import parse_filename
from projects.operations.publishing import NewFile


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
