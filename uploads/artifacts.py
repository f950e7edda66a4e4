"""Wheels and sdists as uploaded: finds the one metadata file inside and believes nothing. Pure.

An archive is read as a stream, with little in memory whatever its size. What archive tools
disagree about, such as a member that is there twice, is refused rather than guessed.
"""

from __future__ import annotations

import zipfile
from typing import IO, BinaryIO, Final, cast

from projects.names import ParsedFilename, shown
from uploads.tarballs import MAX_METADATA, ArtifactError, Inflated, find_member, is_alias

__all__ = ["ArtifactError", "read_sdist_metadata", "read_wheel_metadata"]

MAX_DIRECTORY: Final = 8 * 1024 * 1024
MAX_RATIO: Final = 200
MAX_INFLATED: Final = 2 * 1024**3
MIN_INFLATED: Final = 1024**2
"""An sdist may always inflate to this much: the padding of a small tar compresses very well."""

_CHUNK: Final = 64 * 1024
_ENCRYPTED: Final = 0x1
_END_RECORD: Final = 22
_ZIP64_LOCATOR: Final = 20
_ZIP64_EXTRA: Final = 1


def read_wheel_metadata(file: BinaryIO, parsed: ParsedFilename) -> bytes:
    """Return METADATA from a wheel.

    Args:
        file: the wheel, seekable; read from its start and left anywhere.
        parsed: its file name, which says where METADATA must lie (PEP 427).

    Raises:
        ArtifactError: whatever is wrong with the file.
    """
    folder = f"{parsed.stem}.dist-info"
    try:
        _require_start(file, b"PK\x03\x04", "a zip archive")
        with zipfile.ZipFile(cast("IO[bytes]", _BoundedDirectory(file))) as archive:
            _require_plain_end(file, archive)
            content = _read_zip_member(archive, f"{folder}/METADATA")
            _require_one_dist_info(archive, folder)
            return content
    except ArtifactError:
        raise
    except Exception as error:  # zipfile answers broken archives with ten kinds of exception
        raise ArtifactError("the wheel is a damaged zip archive") from error


def read_sdist_metadata(file: BinaryIO, parsed: ParsedFilename) -> bytes:
    """Return PKG-INFO from an sdist.

    All of the archive is inflated, so that a truncated one, a wrong checksum or a second PKG-INFO
    does not pass.

    Args:
        file: the sdist, seekable; read from its start and left anywhere.
        parsed: its file name, which says where PKG-INFO must lie (PEP 625).

    Raises:
        ArtifactError: whatever is wrong with the file.
    """
    path = f"{parsed.stem}/PKG-INFO"
    try:
        _require_start(file, b"\x1f\x8b", "a gzip file")
        size = file.seek(0, 2)
        file.seek(0)
        limit = min(MAX_INFLATED, max(MIN_INFLATED, size * MAX_RATIO))
        return find_member(Inflated(file, limit), path)
    except ArtifactError:
        raise
    except Exception as error:
        raise ArtifactError("the sdist is a damaged .tar.gz archive") from error


class _BoundedDirectory:
    """The file as zipfile sees it, in which no single read is longer than MAX_DIRECTORY.

    zipfile reads the whole directory at once, of the size that the archive claims, and makes an
    object of each entry.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise ArtifactError(f"the zip directory is larger than {MAX_DIRECTORY >> 20} MiB")
        return self._file.read(size if size >= 0 else MAX_DIRECTORY)

    def seekable(self) -> bool:
        return True


def _require_start(file: BinaryIO, magic: bytes, what: str) -> None:
    file.seek(0)
    if file.read(len(magic)) != magic:
        raise ArtifactError(f"the file is not {what}")


def _require_plain_end(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Refuse zip64, bytes after the end, and an end that counts other members than were found."""
    end_bytes = _END_RECORD + len(archive.comment)
    size = file.seek(0, 2)
    file.seek(max(0, size - end_bytes - _ZIP64_LOCATOR))
    tail = file.read()
    before, end = tail[:-end_bytes], tail[-end_bytes:]
    if not end.startswith(b"PK\x05\x06"):
        raise ArtifactError("the zip archive has bytes after its end")
    if before.startswith(b"PK\x06\x07"):
        raise ArtifactError("the wheel is a zip64 archive")
    if int.from_bytes(end[10:12], "little") != len(archive.infolist()):
        raise ArtifactError("the zip archive counts its members wrongly")


def _require_one_dist_info(archive: zipfile.ZipFile, folder: str) -> None:
    """One file is one distribution (PEP 427); with two, a second file name would fit it as well."""
    folders = {
        info.orig_filename.replace("\\", "/").partition("/")[0] for info in archive.infolist()
    }
    others = {name for name in folders if name.lower().endswith(".dist-info")} - {folder}
    if others:
        raise ArtifactError(
            f"the wheel has the folder {shown(min(others), 120)} beside {shown(folder, 120)}"
        )


def _read_zip_member(archive: zipfile.ZipFile, path: str) -> bytes:
    what = shown(path, 120)
    found = [info for info in archive.infolist() if is_alias(info.orig_filename, path)]
    if not found:
        raise ArtifactError(f"the wheel has no {what}")
    info = found[0]
    if len(found) > 1 or info.orig_filename != path:
        raise ArtifactError(f"the wheel has {what} twice or in another spelling")
    if info.flag_bits & _ENCRYPTED:
        raise ArtifactError(f"{what} in the wheel is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(f"{what} in the wheel is compressed in an unusual way")
    if _has_zip64_extra(info.extra):
        raise ArtifactError(f"{what} in the wheel is a zip64 member")
    if info.file_size > MAX_METADATA:
        raise ArtifactError(f"{what} is larger than {MAX_METADATA >> 20} MiB")
    content = bytearray()
    with archive.open(info) as member:  # reads no more than the size just checked
        while chunk := member.read(_CHUNK):
            content += chunk
    if len(content) != info.file_size:
        raise ArtifactError(f"{what} in the wheel is truncated")
    return bytes(content)


def _has_zip64_extra(extra: bytes) -> bool:
    while len(extra) >= 4:
        if int.from_bytes(extra[:2], "little") == _ZIP64_EXTRA:
            return True
        extra = extra[4 + int.from_bytes(extra[2:4], "little") :]
    return False
