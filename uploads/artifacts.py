"""Wheels and sdists as uploaded: reads all of one, and believes nothing that it says. Pure.

An archive is read as a stream, with little in memory whatever its size. What archive tools
disagree about, such as a member that is there twice, is refused rather than guessed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast

from projects.names import ParsedFilename, shown
from uploads import wheels, zips
from uploads.paths import Paths
from uploads.problems import SHOWN, ArtifactError, Budget, Problem, named
from uploads.tarballs import Inflated, read_tar

__all__ = ["ArtifactError", "Contents", "license_file_problems", "read_sdist", "read_wheel"]

MAX_RATIO: Final = 50
MAX_TAR_RATIO: Final = 200
MIN_INFLATED: Final = 64 * 1024**2
"""An archive may always inflate to this much: small text and padding compress very well."""
MAX_INFLATED: Final = 8 * 1024**3
MAX_SECONDS: Final = 300.0
MAX_METADATA: Final = 10 * 1024**2


@dataclass(frozen=True)
class Contents:
    """What was read from an archive.

    Attributes:
        metadata: METADATA of a wheel, PKG-INFO of an sdist.
        paths: all its files.
        problems: what is wrong beside that.
    """

    metadata: bytes
    paths: frozenset[str]
    problems: tuple[Problem, ...]


def read_wheel(file: BinaryIO, parsed: ParsedFilename) -> Contents:
    """Read a wheel.

    Args:
        file: the wheel, seekable; left anywhere.
        parsed: its file name, which says where its `.dist-info` must lie (PEP 427).

    Raises:
        ArtifactError: if it cannot be read to its end.
    """
    try:
        return _read_wheel(file, parsed)
    except (ArtifactError, OSError):
        raise
    except Exception as error:  # whatever a parser makes of bytes that nobody foresaw
        raise ArtifactError("the wheel is a damaged zip archive") from error


def _read_wheel(file: BinaryIO, parsed: ParsedFilename) -> Contents:
    members = zips.read_members(file)
    paths = Paths()
    for member in members:
        paths.add(member.name, is_folder=member.is_folder)
    budget = _budget(file, MAX_RATIO)
    if sum(member.size for member in members) > _limit(file, MAX_RATIO):
        raise ArtifactError("the archive inflates to far more than its size", "bomb")
    found = {member.name: member for member in members if not member.is_folder}
    path_problems = paths.problems()
    if path_problems:  # what a path means is open, so nothing is looked for by its path
        raise ArtifactError(path_problems[0].text, path_problems[0].code)

    def pieces_of(path: str) -> Iterator[bytes]:
        return zips.inflate(file, found[path], budget)

    def read(path: str) -> bytes:
        return _read_small(path, found, pieces_of)

    for member in members:
        if member.is_folder and member.packed:  # nothing hides where nothing is installed from
            list(zips.inflate(file, member, budget))
    info = f"{parsed.stem}.dist-info"
    metadata = read(f"{info}/METADATA")
    entries = wheels.read_record(read(f"{info}/RECORD"))
    problems = [
        *wheels.layout_problems(found, parsed.stem),
        *wheels.place_problems(found),
        *wheels.wheel_file_problems(read(f"{info}/WHEEL")),
        *wheels.record_problems(entries, found, info),
    ]
    if f"{info}/entry_points.txt" in found:
        problems += wheels.entry_point_problems(read(f"{info}/entry_points.txt"))
    problems += wheels.content_problems(entries, found, pieces_of)
    return Contents(metadata, frozenset(found), tuple(problems))


def _read_small(
    path: str, found: dict[str, zips.Member], pieces_of: Callable[[str], Iterator[bytes]]
) -> bytes:
    """All of one small file."""
    if path not in found:
        raise ArtifactError(f"the wheel has no {shown(path, SHOWN)}", "missing_file")
    if found[path].size > MAX_METADATA:
        raise ArtifactError(
            f"{shown(path, SHOWN)} is larger than {MAX_METADATA >> 20} MiB", "metadata_size"
        )
    return b"".join(pieces_of(path))


def read_sdist(file: BinaryIO, parsed: ParsedFilename) -> Contents:
    """Read an sdist; all of it is inflated, so that a truncated or damaged one does not pass.

    Args:
        file: the sdist, seekable; left anywhere.
        parsed: its file name, which says what its one folder must be (PEP 625).

    Raises:
        ArtifactError: if it cannot be read to its end.
    """
    try:
        file.seek(0)
        if file.read(2) != b"\x1f\x8b":
            raise ArtifactError("the file is not a gzip file")
        if zipfile.is_zipfile(cast("IO[bytes]", file)):
            raise ArtifactError("the file is both a zip and a tar archive", "polyglot")
        budget = _budget(file, MAX_TAR_RATIO)
        file.seek(0)
        paths, metadata = read_tar(Inflated(file, budget), f"{parsed.stem}/PKG-INFO", MAX_METADATA)
    except (ArtifactError, OSError):
        raise
    except Exception as error:  # whatever a parser makes of bytes that nobody foresaw
        raise ArtifactError("the sdist is a damaged .tar.gz archive") from error
    files = frozenset(paths.files.values())
    problems = paths.problems()
    outside = {
        path
        for path in (*files, *paths.folders.values())
        if path.partition("/")[0] != parsed.stem or (path == parsed.stem and path in files)
    }
    if outside:
        problems.append(
            Problem(
                "top_folder",
                f"the sdist has {named(outside)} beside its one folder {shown(parsed.stem, SHOWN)}",
            )
        )
    return Contents(metadata, files, tuple(problems))


def license_file_problems(
    contents: Contents, parsed: ParsedFilename, license_files: tuple[str, ...]
) -> list[Problem]:
    """Whether the files that License-File names are where it says (PEP 639)."""
    is_wheel = parsed.kind == "bdist_wheel"
    folder = f"{parsed.stem}.dist-info/licenses" if is_wheel else parsed.stem
    missing = {
        f"{folder}/{path}" for path in license_files if f"{folder}/{path}" not in contents.paths
    }
    if not missing:
        return []
    text = f"the metadata names the license file {named(missing)}, which the archive has not"
    return [Problem("license_file", text)]


def _limit(file: BinaryIO, ratio: int) -> int:
    return min(MAX_INFLATED, max(MIN_INFLATED, file.seek(0, 2) * ratio))


def _budget(file: BinaryIO, ratio: int) -> Budget:
    """A wheel's few files that are looked at are inflated twice."""
    return Budget(_limit(file, ratio) + 4 * MAX_METADATA, MAX_SECONDS)
