"""Reads a .tar.gz as a stream, trusting no length in it. Pure.

Not with `tarfile.open`: before Python 3.12.6 it takes quadratic time on crafted extended headers,
and in every version it reads them into memory at whatever size they claim. Its parser of single
header blocks is used.
"""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass
from typing import BinaryIO, Final

from projects.names import shown
from uploads.paths import Paths
from uploads.problems import SHOWN, ArtifactError, Budget

MAX_MEMBERS: Final = 100_000
MAX_EXTENDED_HEADER: Final = 64 * 1024
MAX_GZIP_MEMBERS: Final = 100_000

_BLOCK: Final = tarfile.BLOCKSIZE
_CHUNK: Final = 64 * 1024
_ZEROS: Final = bytes(_BLOCK)
_GZIP: Final = 16 + zlib.MAX_WBITS
_FIRST_OF_MEMBER: Final = b"\x1f"
_LINK_OR_DIRECTORY: Final = (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
_BEFORE_A_MEMBER: Final = (
    tarfile.XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_LENGTH_DIGITS: Final = 7
_MAGIC: Final = slice(257, 265)
_POSIX: Final = b"ustar\x0000"
_PREFIX: Final = slice(345, 500)


class Inflated:
    """The content of a gzip file (RFC 1952), within a budget.

    It may have several members, which are one content, and end with zeros, as gzip and Python have
    it. After zeros the one stops and the other goes on, so nothing may follow them.
    """

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget
        self._inflater = zlib.decompressobj(_GZIP)
        self._members = 1
        self._pending = b""
        self._buffer = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes, fewer only at the end of the content.

        Raises:
            ArtifactError: truncated, damaged, followed by other bytes, or beyond the budget.
        """
        parts = []
        while size > 0 and (part := self._read_some(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_exactly(self, size: int) -> bytes:
        """Return exactly `size` bytes.

        Raises:
            ArtifactError: as `read`, or if the content ends before.
        """
        content = self.read(size)
        if len(content) != size:
            raise ArtifactError("the tar archive is truncated")
        return content

    def skip(self, size: int) -> None:
        """Pass over exactly `size` bytes, a piece at a time.

        Raises:
            ArtifactError: as `read_exactly`.
        """
        while size > 0:
            size -= len(self.read_exactly(min(size, _CHUNK)))

    def _read_some(self, size: int) -> memoryview:
        """Return between 1 and `size` bytes; none at the end of the content."""
        if not self._buffer:
            self._buffer = memoryview(self._inflate())
        part, self._buffer = self._buffer[:size], self._buffer[size:]
        return part

    def _inflate(self) -> bytes:
        while not self._inflater.eof or self._begin_member():
            if not self._pending:
                self._pending = self._file.read(_CHUNK)
                if not self._pending:
                    raise ArtifactError("the gzip file is truncated")
            try:
                part = self._inflater.decompress(self._pending, _CHUNK)
            except zlib.error as error:
                raise ArtifactError("the gzip file is damaged") from error
            self._pending = self._inflater.unconsumed_tail or self._inflater.unused_data
            self._budget.spend(len(part))
            if part:
                return part
        return b""

    def _begin_member(self) -> bool:
        """Go on with the member that follows; False at the end of the file."""
        self._pending = self._pending or self._file.read(_CHUNK)
        if self._pending[:1] != _FIRST_OF_MEMBER:
            self._require_zeros()
            return False
        self._members += 1
        if self._members > MAX_GZIP_MEMBERS:
            raise ArtifactError(f"the gzip file has more than {MAX_GZIP_MEMBERS} members", "bomb")
        self._inflater = zlib.decompressobj(_GZIP)
        return True

    def _require_zeros(self) -> None:
        while self._pending:
            if self._pending.count(0) != len(self._pending):
                raise ArtifactError("the gzip file is followed by other bytes")
            self._pending = self._file.read(_CHUNK)


@dataclass
class _Override:
    """What extended headers say about the member that follows them."""

    path: str | None = None
    link: str | None = None
    size: str | None = None
    has_pax: bool = False
    has_long_name: bool = False
    has_long_link: bool = False


def read_tar(content: Inflated, wanted: str, max_size: int) -> tuple[Paths, bytes]:
    """Read all of a tar archive.

    Args:
        content: the tar archive.
        wanted: the exact path of a regular file in it.
        max_size: how large that may be, in bytes.

    Returns:
        All its members, and the content of the wanted one.

    Raises:
        ArtifactError: if the wanted file is missing or too large, or the archive is damaged, too
            large, or has members that no sdist needs.
    """
    found: bytes | None = None
    paths, override, members = Paths(), _Override(), 0
    while (block := _next_block(content, has_begun=members > 0)) != _ZEROS:
        header = _parse_header(block)
        members += header.type not in _BEFORE_A_MEMBER
        if members > MAX_MEMBERS:
            raise ArtifactError(f"the tar archive has more than {MAX_MEMBERS} members", "bomb")
        if header.type == tarfile.XGLTYPE or header.type in _BEFORE_A_MEMBER:
            _read_extended(content, header, override)
            continue
        name = header.name if override.path is None else override.path
        link = header.linkname if override.link is None else override.link
        if override.size not in {None, str(header.size)}:  # tools disagree which one counts
            raise ArtifactError(f"{shown(name, SHOWN)} in the sdist has two sizes")
        override = _Override()
        _require_usual_type(header, name)
        _meet(paths, header, name, link)
        if name != wanted:
            content.skip(_padded(header.size))
            continue
        if not header.isreg() or header.size > max_size:
            raise ArtifactError(
                f"{shown(wanted, SHOWN)} in the sdist is no regular file of at most "
                f"{max_size >> 20} MiB",
                "metadata_size",
            )
        found = content.read_exactly(_padded(header.size))[: header.size]
    if override != _Override():
        raise ArtifactError("the tar archive ends after an extended header")
    _require_only_zeros(content)
    if found is None:
        raise ArtifactError(f"the sdist has no {shown(wanted, SHOWN)}", "missing_file")
    return paths, found


def _next_block(content: Inflated, *, has_begun: bool) -> bytes:
    """The next header; zeros at the end, which some tools do not write.

    GNU tar and Python take the archive then, and gzip's checksum shows that nothing was cut off.
    """
    block = content.read(_BLOCK)
    if len(block) != _BLOCK and (block or not has_begun):
        raise ArtifactError("the tar archive is truncated")
    return block or _ZEROS


def _meet(paths: Paths, header: tarfile.TarInfo, name: str, link: str) -> None:
    if header.islnk():
        paths.add_hard_link(name, link)
    else:
        paths.add(name, is_folder=header.isdir(), link=link if header.issym() else None)


def _parse_header(block: bytes) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArtifactError("the file is not a tar archive, or a damaged one") from error
    if header.size < 0:
        raise ArtifactError("the tar archive has a member of negative size")
    # Python puts it before every path; others where the header says that it is POSIX's, which
    # GNU's is not: it has times there, if anything.
    if any(block[_PREFIX]) and block[_MAGIC] != _POSIX:
        raise ArtifactError(f"{shown(header.name, SHOWN)} in the sdist has two paths")
    return header


def _require_usual_type(header: tarfile.TarInfo, name: str) -> None:
    if header.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
        return
    if header.type == tarfile.GNUTYPE_SPARSE:
        raise ArtifactError(f"{shown(name, SHOWN)} in the sdist is a sparse file", "sparse")
    if header.type not in _LINK_OR_DIRECTORY:
        raise ArtifactError(
            f"{shown(name, SHOWN)} in the sdist is not a file, a directory or a link", "device"
        )
    if header.size:  # tools disagree whether content follows
        raise ArtifactError(
            f"{shown(name, SHOWN)} in the sdist is a link or directory with content"
        )


def _read_extended(content: Inflated, header: tarfile.TarInfo, override: _Override) -> None:
    if header.size > MAX_EXTENDED_HEADER:
        raise ArtifactError("the tar archive has an extended header that is too large")
    data = content.read_exactly(_padded(header.size))[: header.size]
    repeated = False
    if header.type == tarfile.XGLTYPE:
        records = _parse_pax(data)
        if {"path", "linkpath"} & records.keys():
            raise ArtifactError("the tar archive names all its members alike")
        if "size" in records:
            raise ArtifactError("the tar archive gives all its members one size")
    elif header.type == tarfile.GNUTYPE_LONGNAME:
        repeated, override.has_long_name = override.has_long_name, True
        repeated = repeated or override.path is not None
        override.path = data.split(b"\0")[0].decode("utf-8", "surrogateescape")
    elif header.type == tarfile.GNUTYPE_LONGLINK:
        repeated, override.has_long_link = override.has_long_link, True
        repeated = repeated or override.link is not None
        override.link = data.split(b"\0")[0].decode("utf-8", "surrogateescape")
    else:
        repeated, override.has_pax = override.has_pax, True
        records = _parse_pax(data)
        repeated = repeated or ("path" in records and override.path is not None)
        repeated = repeated or ("linkpath" in records and override.link is not None)
        override.path = records.get("path", override.path)
        override.link = records.get("linkpath", override.link)
        override.size = records.get("size")
    if repeated:
        raise ArtifactError("the tar archive names one member twice")


def _parse_pax(data: bytes) -> dict[str, str]:
    """Return the records of a pax extended header (POSIX.1-2001): "length keyword=value\\n"."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        digits, space, _ = data[at : at + _LENGTH_DIGITS + 1].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = data[at + len(digits) + 1 : at + length]
        keyword, equals, value = record.partition(b"=")
        if not equals or at + length > len(data) or not value.endswith(b"\n"):
            raise ArtifactError("the tar archive has a damaged extended header")
        key = keyword.decode("utf-8", "surrogateescape")
        if key in records:
            raise ArtifactError("the tar archive has an extended header with a repeated record")
        if key.startswith("GNU.sparse."):
            raise ArtifactError("the tar archive has a sparse member", "sparse")
        records[key] = value[:-1].decode("utf-8", "surrogateescape")
        at += length
    return records


def _require_only_zeros(content: Inflated) -> None:
    """After the first zero block some tools stop and some go on: let there be nothing to find."""
    while chunk := content.read(_CHUNK):
        if chunk.count(0) != len(chunk):
            raise ArtifactError("the tar archive has content after its end")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
