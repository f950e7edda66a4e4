"""The structure of a zip archive (PKWARE APPNOTE 6.3), read from its first byte to its last. Pure.

Tools find the members in two ways: from the directory at the end, or from the first member on. What
the two disagree about, some tool shows and another hides; so nothing is accepted but an archive in
which both find the same, and in which no byte belongs to neither. `zipfile` alone asks for less.
"""

from __future__ import annotations

import stat
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from projects.names import shown
from uploads.problems import SHOWN, ArtifactError, Budget

MAX_MEMBERS: Final = 100_000
MAX_DIRECTORY: Final = 16 * 1024 * 1024

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _ENTRY_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END64_MARK, _LOCATOR_MARK = b"PK\x06\x06", b"PK\x06\x07"

_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_DESCRIPTOR: Final = 0x8
_UTF8: Final = 0x800
_ZIP64: Final = 0x0001
_UNICODE_PATH: Final = 0x7075
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8
_UNIX: Final = (3, 19)  # Unix and macOS: Go, for one, makes links of what either says is one
_USUAL_TYPES: Final = (0, stat.S_IFREG, stat.S_IFDIR)
_DOS_FOLDER: Final = 0x10
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One member, in whose description both places of the archive agree.

    Attributes:
        name: its path, with a slash at the end if it is a folder.
        method: 0 (stored) or 8 (deflated).
        crc: CRC-32 of its content.
        packed: how many bytes it takes in the archive.
        size: how many bytes its content has.
        start: where its bytes begin in the archive.
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.name.endswith("/")


def read_members(file: BinaryIO) -> list[Member]:
    """Return all members of an archive, in order.

    Args:
        file: seekable; left anywhere.

    Raises:
        ArtifactError: unless the archive is well-formed and means one thing.
    """
    source = _Source(file)
    source.require_zip()
    members: dict[int, Member] = {}
    mark = source.mark()
    while mark == _LOCAL_MARK:
        offset = source.at
        members[offset] = _read_local(source)
        if len(members) > MAX_MEMBERS:
            raise ArtifactError(f"the zip archive has more than {MAX_MEMBERS} members", "bomb")
        source.skip(members[offset].packed)
        mark = source.mark()
    start, listed = source.at, set()
    while mark == _ENTRY_MARK:
        offset = _read_entry(source, members)
        if offset in listed:
            raise _damaged("lists a member twice")
        listed.add(offset)
        if source.at - start > MAX_DIRECTORY:
            raise ArtifactError(
                f"the zip directory is larger than {MAX_DIRECTORY >> 20} MiB", "bomb"
            )
        mark = source.mark()
    if len(listed) != len(members):
        raise _damaged("has a member that its directory does not list")
    _read_end(source, mark, len(listed), source.at - start, start)
    return list(members.values())


def inflate(file: BinaryIO, member: Member, budget: Budget) -> Iterator[bytes]:
    """Return the content of a member, piece by piece.

    Raises:
        ArtifactError: if it is not of the size and checksum that the archive says, or the budget
            is used up.
    """
    file.seek(member.start)
    left, size, crc = member.packed, 0, 0
    inflater = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
    pending = b""
    while True:
        if not pending and left:
            pending = file.read(min(_CHUNK, left))
            left -= len(pending)
            if not pending:
                raise ArtifactError("the zip archive is truncated")
        if inflater is None:
            piece, pending = pending, b""
        else:  # which may hold back content after all bytes are read
            piece, pending = _inflate_some(inflater, pending, member)
        if not (piece or pending or left):
            break
        budget.spend(len(piece))
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > member.size:
            raise _wrong(member)
        if piece:
            yield piece
    is_whole = inflater is None or inflater.eof
    if size != member.size or crc != member.crc or not is_whole:
        raise _wrong(member)


def _inflate_some(inflater: zlib._Decompress, data: bytes, member: Member) -> tuple[bytes, bytes]:
    try:
        piece = inflater.decompress(data, _CHUNK)
    except zlib.error as error:
        raise _wrong(member) from error
    if inflater.unused_data:
        raise _wrong(member)
    return piece, inflater.unconsumed_tail


class _Source:
    """A file that is read from front to back, and never beyond its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self.at = file.seek(0)

    def require_zip(self) -> None:
        head = self._file.read(tarfile.BLOCKSIZE)
        if not head.startswith((_LOCAL_MARK, _END_MARK)):
            raise ArtifactError("the file is not a zip archive")
        try:
            tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            self._file.seek(0)
            return
        raise ArtifactError("the file is both a zip and a tar archive", "polyglot")

    def mark(self) -> bytes:
        """The next four bytes, which are not yet taken."""
        mark = self._file.read(4)
        self._file.seek(self.at)
        return mark

    def take(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise ArtifactError("the zip archive is truncated")
        self.at += size
        return data

    def skip(self, size: int) -> None:
        if self.at + size > self.size:
            raise ArtifactError("the zip archive is truncated")
        self.at = self._file.seek(self.at + size)


def _damaged(how: str) -> ArtifactError:
    return ArtifactError(f"the zip archive {how}", "zip_structure")


def _wrong(member: Member) -> ArtifactError:
    return ArtifactError(f"{shown(member.name, SHOWN)} in the zip archive is damaged", "damaged")


def _read_local(source: _Source) -> Member:
    _mark, _version, flags, method, _time, _date, crc, packed, size, names, extras = _LOCAL.unpack(
        source.take(_LOCAL.size)
    )
    raw = source.take(names)
    name = _name(raw, flags)
    extra = _extra_fields(source.take(extras), name, raw)
    _require_plain(flags, method, name)
    if _ZIP64 in extra:
        # In this place both sizes are there, wherever one is too large for its field. Python
        # before 3.11.4 also says here what the fields say, and so it has to be the same.
        if len(extra[_ZIP64]) != 16:
            raise _damaged(f"has wrong zip64 sizes for {shown(name, SHOWN)}")
        fields, (size, packed) = (size, packed), struct.unpack("<2Q", extra[_ZIP64])
        if fields not in {(_FULL32, _FULL32), (size, packed)}:
            raise _damaged(f"has wrong zip64 sizes for {shown(name, SHOWN)}")
    if method == _STORED and size != packed:
        raise _damaged(f"says two sizes of {shown(name, SHOWN)}")
    if name.endswith("/") and size:
        raise _damaged(f"has a folder {shown(name, SHOWN)} with content")
    return Member(name, method, crc, packed, size, source.at)


def _read_entry(source: _Source, members: dict[int, Member]) -> int:
    """Read an entry of the directory, which must say of a member what the member says of itself.

    Returns:
        Where the member begins.
    """
    fields = _ENTRY.unpack(source.take(_ENTRY.size))
    _mark, made, _version, flags, method, _time, _date, crc, packed, size = fields[:10]
    names, extras, comments, disk, _internal, external, offset = fields[10:]
    raw = source.take(names)
    name = _name(raw, flags)
    extra = _extra_fields(source.take(extras), name, raw)
    _require_usual_type(made >> 8, external, name)
    if comments or disk:
        raise _damaged("has comments on its members, or is one part of several")
    wide = [value == _FULL32 for value in (size, packed, offset)]
    if _ZIP64 in extra:
        if len(extra[_ZIP64]) != 8 * sum(wide) or not any(wide):
            raise _damaged(f"has wrong zip64 sizes for {shown(name, SHOWN)}")
        values = iter(struct.unpack(f"<{sum(wide)}Q", extra[_ZIP64]))
        size, packed, offset = (
            next(values) if is_wide else value
            for value, is_wide in zip((size, packed, offset), wide, strict=True)
        )
    member = members.get(offset)
    if member is None:
        raise _damaged("lists a member that is not there")
    _require_plain(flags, method, name)
    said = (name, method, crc, packed, size)
    if said != (member.name, member.method, member.crc, member.packed, member.size):
        raise _damaged(f"describes {shown(member.name, SHOWN)} in two ways")
    return int(offset)


def _require_usual_type(system: int, attributes: int, name: str) -> None:
    """Refuse what some tools unpack as something else: the name alone says what is a folder."""
    kind = stat.S_IFMT(attributes >> 16) if system in _UNIX else 0
    if kind not in _USUAL_TYPES:
        raise ArtifactError(
            f"{shown(name, SHOWN)} in the zip archive is a link or a device", "link"
        )
    is_folder = kind == stat.S_IFDIR or (system not in _UNIX and attributes & _DOS_FOLDER)
    if is_folder and not name.endswith("/"):  # installers write it, others find no content in it
        raise _damaged(f"has a file {shown(name, SHOWN)} that it also calls a folder")


def _read_end(source: _Source, mark: bytes, count: int, length: int, start: int) -> None:
    """Read what follows the directory; all of it must say of the directory what is so."""
    here = (count, length, start)
    has_zip64 = mark == _END64_MARK
    if has_zip64:
        at = source.at
        _mark, rest, _made, _version, disk, first, *counts = _END64.unpack(source.take(_END64.size))
        if (rest, disk, first) != (_END64.size - 12, 0, 0) or counts != [count, *here]:
            raise _damaged("says something wrong of its directory")
        found, disk, offset, disks = _LOCATOR.unpack(source.take(_LOCATOR.size))
        if (found, disk, offset) != (_LOCATOR_MARK, 0, at) or disks > 1:
            raise _damaged("says something wrong of its directory")
        mark = source.mark()
    if mark != _END_MARK:
        raise _damaged("holds something that is neither a member nor its directory")
    _mark, disk, first, here_count, all_count, *sizes, comment = _END.unpack(source.take(_END.size))
    allowed = zip((all_count, *sizes), here, (_FULL16, _FULL32, _FULL32), strict=True)
    is_right = all(said == real or (has_zip64 and said == full) for said, real, full in allowed)
    if (disk, first, here_count) != (0, 0, all_count) or not is_right:
        raise _damaged("says something wrong of its directory")
    if _END_MARK in source.take(comment):
        raise _damaged("hides another end in its comment")
    if source.at != source.size:
        raise _damaged("has bytes after its end")


def _name(raw: bytes, flags: int) -> str:
    """A member's path; outside of ASCII, tools agree on it only where the archive says UTF-8."""
    if not flags & _UTF8 and not raw.isascii():
        raise ArtifactError(
            f"the zip archive does not say in which encoding the path {ascii(raw)[1:SHOWN]} is",
            "path",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError("the zip archive has a path that is not UTF-8", "path") from error


def _require_plain(flags: int, method: int, name: str) -> None:
    what = shown(name, SHOWN)
    if flags & _ENCRYPTED:
        raise ArtifactError(f"{what} in the zip archive is encrypted", "encrypted")
    if flags & _DESCRIPTOR:
        raise _damaged(f"says the size of {what} only after its content (data descriptor)")
    if method not in (_STORED, _DEFLATED):
        raise ArtifactError(
            f"{what} in the zip archive is compressed in an unusual way; use deflate", "compression"
        )


def _extra_fields(data: bytes, name: str, raw: bytes) -> dict[int, bytes]:
    """The extra fields of a member, by number."""
    fields: dict[int, bytes] = {}
    while len(data) >= 4:
        number, length = struct.unpack("<2H", data[:4])
        if len(data) < 4 + length or (number in fields and number in (_ZIP64, _UNICODE_PATH)):
            raise _damaged(f"has damaged extra fields at {shown(name, SHOWN)}")
        fields[number], data = data[4 : 4 + length], data[4 + length :]
    if _UNICODE_PATH in fields and fields[_UNICODE_PATH][5:] != raw:
        raise _damaged(f"gives {shown(name, SHOWN)} a second path")
    return fields
