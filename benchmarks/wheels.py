"""Wheels to measure with, and the requests that upload them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.support.artifacts import make_wheel

BOUNDARY = "b0undary-of-benchmarks"
_WORDS = "A package for measuring, with as many words about itself as most packages have. "
_EXTRA = (
    "Summary: A package to measure with\n"
    "Author-email: Ada <ada@example.org>\n"
    "License: MIT\n"
    "Requires-Python: >=3.9\n"
    "Classifier: Development Status :: 5 - Production/Stable\n"
    "Classifier: Programming Language :: Python :: 3\n"
    "Requires-Dist: requests (>=2.20)\n"
    "Requires-Dist: packaging\n"
    "Project-URL: Source, https://example.org/source\n"
    "Description-Content-Type: text/markdown\n"
    "\n# A package\n\n"
)


def wheel(name: str, version: str, *, size: int = 0) -> tuple[str, bytes]:
    """A wheel with real metadata; `size` bytes that cannot be compressed make it larger."""
    filler = hashlib.shake_256(f"{name}{version}".encode()).digest(size)
    files: dict[str, str | bytes] = {f"{name.replace('-', '_')}/__init__.py": b""}
    if filler:
        files[f"{name.replace('-', '_')}/data.bin"] = filler
    return make_wheel(name, version, files=files, metadata_extra=_EXTRA + _WORDS * 20)


def upload_body(name: str, version: str, filename: str, content: bytes) -> bytes:
    """The multipart body that uploads a wheel, as twine sends it."""
    fields = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "summary": "A package to measure with",
        "requires_python": ">=3.9",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    )
    head += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def write_wheels(folder: Path, name: str, versions: list[str], *, size: int = 0) -> list[Path]:
    """Write wheels of these versions; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for version in versions:
        filename, content = wheel(name, version, size=size)
        path = folder / filename
        path.write_bytes(content)
        paths.append(path)
    return paths


def write_bodies(folder: Path, name: str, versions: list[str], *, size: int = 0) -> list[Path]:
    """Write the request bodies that upload these versions; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for version in versions:
        filename, content = wheel(name, version, size=size)
        path = folder / f"{filename}.body"
        path.write_bytes(upload_body(name, version, filename, content))
        paths.append(path)
    return paths
