"""Looks for API tokens of this index inside of archives, so that nobody publishes one by mistake.

It comes after `uploads.artifacts` has found the archive sound, and is as frugal with memory.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, BinaryIO, Final, cast

from audit.actors import Actor
from projects.names import shown
from tokens.operations.leaks import UPLOAD, find_token, report_leak
from uploads.artifacts import MAX_INFLATED, MAX_RATIO, MIN_INFLATED
from uploads.errors import UploadRefused
from uploads.requests import UploadRequest
from uploads.tarballs import Inflated

MAX_MEMBER: Final = 10 * 1024 * 1024
"""So much of each member is looked at, from its beginning."""
MIN_BUDGET: Final = 256 * 1024 * 1024
"""A wheel may always inflate to this much; beyond it, to MAX_RATIO times its size."""
MAX_CANDIDATES: Final = 500

_TOKEN: Final = re.compile(rb"pypi-[A-Za-z0-9_-]{80,4000}")
_OVERLAP: Final = 4096
_CHUNK: Final = 256 * 1024
_BLOCK: Final = tarfile.BLOCKSIZE
_PAX_PATH: Final = re.compile(rb"\d+ path=([^\n]+)\n")


def refuse_own_tokens(request: UploadRequest, *, by: Actor) -> None:
    """Refuse an archive that holds a token of this index, and revoke the token.

    The token need not be that of the uploader.

    Raises:
        UploadRefused: with the path of the file that holds it.
    """
    holders = []
    with request.file.path.open("rb") as file:
        members = _wheel_members if request.parsed.kind == "bdist_wheel" else _sdist_members
        for path, text in dict.fromkeys(_candidates(members(file))):
            if find_token(text) is not None:
                place = f"{request.parsed.filename}: {path}"
                report_leak(text, source=UPLOAD, place=place, by=by)
                holders.append(path)
    if holders:
        raise UploadRefused(
            f"The file {shown(holders[0], 120)} in {request.parsed.filename} holds an API token of "
            "this index. The token is revoked now. Take it out, build again, and make another "
            "token.",
            code="holds_token",
        )


def _candidates(members: Iterator[tuple[str, Iterator[bytes]]]) -> Iterator[tuple[str, str]]:
    """What looks like a token, with the path of the member that it is in."""
    count = 0
    for path, chunks in members:
        tail = b""
        for chunk in chunks:
            content = tail + chunk
            for found in _TOKEN.finditer(content):
                yield path, found.group().decode()
                count += 1
                if count >= MAX_CANDIDATES:
                    return
            tail = content[-_OVERLAP:]


def _wheel_members(file: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
    size = file.seek(0, 2)
    budget = min(MAX_INFLATED, max(MIN_BUDGET, size * MAX_RATIO))
    with zipfile.ZipFile(cast("IO[bytes]", file)) as archive:
        for info in archive.infolist():
            budget -= min(info.file_size, MAX_MEMBER)
            if budget < 0:
                raise UploadRefused("The wheel inflates to far more than its size.", code="archive")
            yield info.filename, _wheel_chunks(archive, info)


def _wheel_chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    # A member that cannot be read cannot be read by installers either
    with suppress(Exception), archive.open(info) as member:
        left = MAX_MEMBER
        while left > 0 and (chunk := member.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _sdist_members(file: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
    size = file.seek(0, 2)
    file.seek(0)
    content = Inflated(file, min(MAX_INFLATED, max(MIN_INFLATED, size * MAX_RATIO)))
    longer_name = ""
    while any(block := content.read_exactly(_BLOCK)):
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        left = -(-header.size // _BLOCK) * _BLOCK
        if header.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
            longer_name = _longer_name(header, content.read_exactly(left)) or longer_name
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
