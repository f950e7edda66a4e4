"""What a wheel must hold beside its code (binary distribution format, PEP 427). Pure."""

from __future__ import annotations

import base64
import binascii
import configparser
import csv
import hashlib
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import Parser
from typing import Final

from projects.names import shown
from uploads.paths import folders_above, same_everywhere
from uploads.problems import SHOWN, ArtifactError, Problem, named

DIGESTS: Final = (
    *("sha256", "sha384", "sha512"),
    *("sha3_256", "sha3_384", "sha3_512"),
    *("blake2b", "blake2s"),
)
"""What RECORD may use: "sha256 or better"."""
SCHEMES: Final = ("purelib", "platlib", "headers", "scripts", "data")

# What lies in these two folders is installed where the top of the wheel is.
_TO_THE_TOP: Final = re.compile(r"[^/]+\.data/(?:purelib|platlib)/")
_SECOND_INFO: Final = re.compile(
    r"[^/]+\.data/(purelib|platlib)/[^/]+\.dist-info(/|\Z)", re.IGNORECASE
)
_SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")
_SCRIPT_GROUPS: Final = ("console_scripts", "gui_scripts")
_SCRIPT_NAME: Final = re.compile(r"(?!\.\.?\Z)[\w.-]+\Z")


@dataclass(frozen=True)
class Entry:
    """What RECORD says of one file.

    Attributes:
        algorithm: one of DIGESTS; "" where the file has no digest.
        digest: of the content.
        size: in bytes, if RECORD says it.
    """

    algorithm: str
    digest: bytes
    size: int | None

    def new_hash(self) -> hashlib._Hash:
        """Something to digest the content with."""
        return hashlib.new(self.algorithm or "sha256", usedforsecurity=True)


def layout_problems(paths: Collection[str], stem: str) -> Iterator[Problem]:
    """Whether the folders of a wheel say that it is the one distribution that its name says.

    With a second `.dist-info`, a second file name would fit it as well.
    """
    info = f"{stem}.dist-info"
    others = {
        top
        for top in {path.partition("/")[0] for path in paths}
        if top.lower().endswith(".dist-info") and top != info
    }
    if others:
        yield Problem(
            "dist_info",
            f"the wheel has the folder {named(others)} beside {shown(info, SHOWN)}",
        )
    hidden = {path for path in paths if _SECOND_INFO.match(path)}
    if hidden:
        yield Problem(
            "dist_info", f"the wheel would install {named(hidden)} beside {shown(info, SHOWN)}"
        )
    wrong = {path for path in paths if _is_wrong_scheme(path)}
    if wrong:
        yield Problem("data_scheme", f"the wheel would install {named(wrong)} to an unknown place")

    data = {top for top in {path.partition("/")[0] for path in paths} if top.endswith(".data")}
    # Older setuptools leaves the end of the version out, and with a build number, all put that in
    others = {top for top in data if top.partition("-")[0] != stem.partition("-")[0]}
    if len(data) > 1:
        others |= data - {f"{stem}.data"}
    if others and not wrong:  # pip installs from it what uv leaves there
        yield Problem(
            "data_scheme", f"the wheel has the folder {named(others)} beside {shown(info, SHOWN)}"
        )


def _is_wrong_scheme(path: str) -> bool:
    top, _slash, rest = path.partition("/")
    scheme, _slash, inside = rest.partition("/")
    return top.endswith(".data") and not (scheme in SCHEMES and inside)


def place_problems(paths: Collection[str]) -> Iterator[Problem]:
    """Whether two files would be installed to one place, or one below the other.

    pip and uv write the second over the first, poetry and pdm stop at it.
    """
    if not any(_TO_THE_TOP.match(path) for path in paths):  # each is at its own place, then
        return
    places: dict[str, str] = {}
    for path in paths:
        other = places.setdefault(same_everywhere(_TO_THE_TOP.sub("", path)), path)
        if other != path:
            yield _one_place(other, path)
            return
    for place, path in places.items():
        above = next((places[one] for one in folders_above(place) if one in places), None)
        if above is not None:
            yield _one_place(above, path)
            return


def _one_place(first: str, second: str) -> Problem:
    return Problem(
        "collision",
        f"the wheel would install {shown(first, SHOWN)} and {shown(second, SHOWN)} to one place",
    )


def wheel_file_problems(raw: bytes) -> Iterator[Problem]:
    """Whether WHEEL has what installers look for.

    That is not its tags: installers go by the file name, and there are well-known wheels that were
    renamed for a platform after they had been built for any.
    """
    try:
        fields = Parser().parsestr(raw.decode("utf-8"))
    except UnicodeDecodeError:
        yield Problem("wheel_file", "WHEEL in the wheel is not UTF-8")
        return
    version = (fields.get("Wheel-Version") or "").strip()
    if not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version):
        yield Problem("wheel_file", "WHEEL in the wheel does not say its Wheel-Version")
    elif version.split(".")[0] != "1":
        yield Problem("wheel_file", f"the wheel has Wheel-Version {version}; installers take 1.x")
    if (fields.get("Root-Is-Purelib") or "").strip().lower() not in {"true", "false"}:
        yield Problem("wheel_file", "WHEEL in the wheel does not say whether Root-Is-Purelib")


def entry_point_problems(raw: bytes) -> Iterator[Problem]:
    """Whether entry_points.txt can be read, and its scripts have names that stay in one folder."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(raw.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error):
        yield Problem("entry_points", "entry_points.txt in the wheel is damaged")
        return
    names = {
        name
        for group in _SCRIPT_GROUPS
        if parser.has_section(group)
        for name in parser.options(group)
        if not _SCRIPT_NAME.match(name)
    }
    if names:
        yield Problem(
            "entry_points",
            f"entry_points.txt in the wheel has a script with the name {named(names)}",
        )


def read_record(raw: bytes) -> dict[str, Entry]:
    """Return what RECORD says, by path.

    Raises:
        ArtifactError: if it is not a RECORD.
    """
    entries: dict[str, Entry] = {}
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArtifactError("RECORD in the wheel is damaged", "record") from error
    for row in rows:
        if not row:
            continue
        if len(row) != 3:
            raise ArtifactError("RECORD in the wheel has a line without three parts", "record")
        path = row[0].replace("\\", "/")  # as old tools on Windows wrote it
        if path in entries:
            raise ArtifactError(f"RECORD lists {shown(path, SHOWN)} twice", "record")
        entries[path] = _entry(path, row[1], row[2])
    return entries


def _entry(path: str, digest: str, size: str) -> Entry:
    what = shown(path, SHOWN)
    if size and not (size.isascii() and size.isdigit() and len(size) < 16):
        raise ArtifactError(f"RECORD says no number for the size of {what}", "record")
    if not digest:
        return Entry("", b"", int(size) if size else None)
    algorithm, equals, text = digest.partition("=")
    if not equals or algorithm not in DIGESTS:
        raise ArtifactError(
            f"RECORD has a digest of {what} that is not sha256 or better", "record_digest"
        )
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArtifactError(f"RECORD has a damaged digest of {what}", "record_digest") from error
    return Entry(algorithm, value, int(size) if size else None)


def record_problems(
    entries: Mapping[str, Entry], paths: Collection[str], info: str
) -> Iterator[Problem]:
    """Whether RECORD lists just the files of the wheel, each with a digest.

    Args:
        entries: what RECORD says.
        paths: all files of the wheel, without folders.
        info: the name of the `.dist-info` folder.
    """
    record = f"{info}/RECORD"
    without = {record, *(f"{info}/{name}" for name in _SIGNATURES)}
    missing = set(paths) - set(entries) - without
    if missing:
        yield Problem("record_missing", f"RECORD in the wheel does not list {named(missing)}")
    absent = set(entries) - set(paths) - without
    if absent:
        yield Problem("record_absent", f"RECORD lists {named(absent)}, which the wheel has not")
    bare = {path for path in set(entries) - without if not entries[path].algorithm}
    if bare:
        yield Problem("record_digest", f"RECORD has no digest of {named(bare)}")


def content_problems(
    entries: Mapping[str, Entry],
    paths: Iterable[str],
    pieces_of: Callable[[str], Iterator[bytes]],
) -> list[Problem]:
    """Read all files, and see whether each is what RECORD says.

    Raises:
        ArtifactError: as reading them does.
    """
    wrong = set()
    for path in paths:
        entry = entries.get(path, Entry("", b"", None))
        size, digest = 0, entry.new_hash()
        for piece in pieces_of(path):
            size += len(piece)
            digest.update(piece)
        if (entry.algorithm and digest.digest() != entry.digest) or (
            entry.size is not None and entry.size != size
        ):
            wrong.add(path)
    text = f"{named(wrong)} in the wheel is not what RECORD says" if wrong else ""
    return [Problem("record_content", text)] if wrong else []
