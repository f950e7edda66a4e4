"""Looks for API tokens of this index inside of archives, so that nobody publishes one by mistake.

It comes after `uploads.artifacts` has found the archive sound, and is as frugal with memory.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from audit.actors import Actor
from projects.names import shown
from tokens import macaroons
from tokens.operations.leaks import UPLOAD, find_token, report_leak
from uploads import zips
from uploads.artifacts import MAX_INFLATED, MAX_METADATA, MAX_SECONDS
from uploads.errors import UploadRefused, site_is_full
from uploads.problems import ArtifactError, Budget, Problem
from uploads.requests import UploadRequest
from uploads.tarballs import Inflated

MAX_MEMBER: Final = 10 * 1024 * 1024
"""So much of each member is looked at, from its beginning."""

_OVERLAP: Final = 2 * macaroons.MAX_LENGTH + 1024
"""The longest token, in two bytes for each character."""
BESIDE: Final = "(beside its files)"
"""Where a token is that stands in no member: in a comment, a name or another field."""
_CHUNK: Final = 256 * 1024
_GZIP_HEADER: Final = 64 * 1024
"""Where gzip has a file name and a comment."""
_REMEMBERED: Final = 500
"""So many texts are not looked at twice; an archive may be made of millions of them."""
_BLOCK: Final = tarfile.BLOCKSIZE
_PAX_PATH: Final = re.compile(rb"\d+ path=([^\n]+)\n")


def refuse_own_tokens(request: UploadRequest, *, by: Actor) -> None:
    """Refuse an archive that holds a token of this index, and revoke the token.

    The token need not be that of the uploader.

    Raises:
        UploadRefused: with the path of the file that holds it.
    """
    holders = []
    seen: set[str] = set()
    budget = Budget(MAX_INFLATED + 4 * MAX_METADATA, MAX_SECONDS)
    members = _wheel_members if request.parsed.kind == "bdist_wheel" else _sdist_members
    with _readable(), request.file.path.open("rb") as file:
        for path, text in _candidates(members(file, budget)):
            budget.spend(0)
            if text in seen:
                continue
            if len(seen) == _REMEMBERED:
                seen.clear()
            seen.add(text)
            if find_token(text) is not None:
                place = f"{request.parsed.filename}: {path}"
                report_leak(text, source=UPLOAD, place=place, by=by)
                holders.append(path)
    if holders:
        raise UploadRefused(
            f"{_named(holders[0], request)} an API token of this index. The token is revoked now. "
            "Take it out, build again, and make another token.",
            code="holds_token",
        )


def _named(path: str, request: UploadRequest) -> str:
    """What holds a token, for a sentence."""
    if path == BESIDE:
        return f"Beside its files (in a comment or a name), {request.parsed.filename} holds"
    return f"The file {shown(path, 120)} in {request.parsed.filename} holds"


@contextmanager
def _readable() -> Iterator[None]:
    """Refuse what cannot be read to its end: nothing is published unread."""
    try:
        yield
    except ArtifactError as error:
        raise UploadRefused.because([Problem(error.code, str(error))]) from error
    except OSError as error:
        raise site_is_full(error) from error


def _candidates(members: Iterator[tuple[str, Iterator[bytes]]]) -> Iterator[tuple[str, str]]:
    """What may be a token, with the path of the member that it is in."""
    for path, chunks in members:
        tail = b""
        for chunk in chunks:
            content = tail + chunk
            for text in macaroons.find_texts(content):
                yield path, text
            tail = content[-_OVERLAP:]


def _wheel_members(file: BinaryIO, budget: Budget) -> Iterator[tuple[str, Iterator[bytes]]]:
    members = zips.read_members(file)
    for member in members:
        if not member.is_folder:
            yield member.name, _beginning(zips.inflate(file, member, budget))
    yield BESIDE, _between(file, members)


def _between(file: BinaryIO, members: list[zips.Member]) -> Iterator[bytes]:
    """What stands before, between and after the contents: names, extra fields, the comment."""
    file.seek(0)
    content = bytearray()
    for member in members:
        content += file.read(member.start - file.tell())
        file.seek(member.start + member.packed)
        if len(content) >= _CHUNK:
            yield bytes(content)
            content.clear()
    yield bytes(content)
    while chunk := file.read(_CHUNK):
        yield chunk


def _beginning(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = MAX_MEMBER
    for piece in pieces:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def _sdist_members(file: BinaryIO, budget: Budget) -> Iterator[tuple[str, Iterator[bytes]]]:
    file.seek(0)
    yield BESIDE, iter([file.read(_GZIP_HEADER)])
    file.seek(0)
    content = Inflated(file, budget)
    longer_name = ""
    while any(block := content.read(_BLOCK)):  # zeros, or nothing, at the end
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        left = -(-header.size // _BLOCK) * _BLOCK
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            data = content.read_exactly(left)
            yield BESIDE, iter([data])
            longer_name = _longer_name(header, data) or longer_name
            continue
        path, longer_name = longer_name or header.name, ""
        looked_at = min(left, MAX_MEMBER)
        yield path, _sdist_chunks(content, looked_at)
        content.skip(left - looked_at)


def _sdist_chunks(content: Inflated, left: int) -> Iterator[bytes]:
    while left > 0:
        chunk = content.read_exactly(min(_CHUNK, left))
        left -= len(chunk)
        yield chunk


def _longer_name(header: tarfile.TarInfo, data: bytes) -> str:
    """The name that an extended header gives the member after it, if it gives one."""
    if header.type == tarfile.GNUTYPE_LONGNAME:
        name = data.split(b"\0")[0]
    else:
        found = _PAX_PATH.search(data[: header.size])
        name = found.group(1) if found else b""
    return name.decode("utf-8", "replace")
