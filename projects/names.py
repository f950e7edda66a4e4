"""Names, versions and file names (PEP 503, 508, 440, 625 and 427). Pure.

Every function here refuses with a ValueError whose text is one plain ASCII line for the uploader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Final, Literal

from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    is_normalized_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from stdlib_list import short_versions, stdlib_list

MAX_NAME: Final = 200
MAX_VERSION: Final = 200
MAX_FILENAME: Final = 240
MAX_TAGS: Final = 1000

Kind = Literal["sdist", "bdist_wheel"]

_CONFUSABLE: Final = str.maketrans({"l": "1", "i": "1", "o": "0", "-": None})
_NAME: Final = re.compile(r"[A-Z0-9]([A-Z0-9._-]*[A-Z0-9])?\Z", re.ASCII | re.IGNORECASE)
_FILENAME: Final = re.compile(r"[A-Za-z0-9._+!-]+\Z")


@dataclass(frozen=True)
class ParsedFilename:
    """What the name of an uploaded file says about it."""

    filename: str
    kind: Kind
    name: str
    """Normalized name of the project."""
    version: Version
    python_tag: str
    """As in the file name, such as "py3" or "py2.py3"; "source" for an sdist."""

    @property
    def stem(self) -> str:
        """The leading `name-version` exactly as the file name spells it: the archive's top-level
        directory in an sdist, the start of the `.dist-info` directory in a wheel."""
        if self.kind == "sdist":
            return self.filename.removesuffix(".tar.gz")
        return "-".join(self.filename.split("-")[:2])


def shown(value: str, limit: int = 60) -> str:
    """Return a value from outside as it may stand in a sentence.

    Args:
        value: any text.
        limit: greatest length of the answer, in characters.

    Returns:
        One line of printable ASCII in quotes, with everything else escaped.
    """
    text = ascii(value[:limit])
    if len(text) <= limit and len(value) <= limit:
        return text
    return f"{text[: limit - 4]}...{text[0]}"


def check_name(name: str) -> None:
    """Check the name of a project as its owner writes it (PEP 508, "Names").

    Raises:
        ValueError: the name is empty, longer than MAX_NAME characters or holds others than these.
    """
    if len(name) > MAX_NAME:
        raise ValueError(
            f"project name {shown(name)} is longer than {MAX_NAME} characters ({len(name)})"
        )
    if not _NAME.match(name):
        raise ValueError(
            f"project name {shown(name)} is not valid: it must start and end with an ASCII letter "
            "or digit and hold only letters, digits, '.', '_' and '-'"
        )


def normalize(name: str) -> str:
    """Return the one spelling of a name under which a project is found (PEP 503).

    Any text is answered; only a name that `check_name` accepts gives a normalized name.
    """
    return canonicalize_name(name)


def ultranormalize(name: str) -> str:
    """Return what a name looks like at a glance: names with the same one are confusable.

    Punctuation is gone, and letters that look like digits are digits, as on PyPI: "Foo-lib" and
    "f00_1ib" give "f0011b". The database computes the same of stored names.
    """
    return normalize(name).translate(_CONFUSABLE)


def is_standard_library(normalized_name: str) -> bool:
    """Tell whether some version of Python has a module of that name, such as "xml-etree"."""
    return normalized_name in _standard_library()


@lru_cache(maxsize=1)
def _standard_library() -> frozenset[str]:
    modules = {module for version in short_versions for module in stdlib_list(version)}
    packages = {".".join(parts) for module in modules for parts in _beginnings(module.split("."))}
    return frozenset(normalize(name).strip("-") for name in packages)  # "__main__" is "main"


def _beginnings(parts: list[str]) -> list[list[str]]:
    return [parts[:length] for length in range(1, len(parts) + 1)]


def is_normalized(name: str) -> bool:
    """Tell whether this is the normalized spelling of an acceptable name."""
    return len(name) <= MAX_NAME and is_normalized_name(name)


def canonical_version(version: str) -> str:
    """Return the one spelling of a version: two versions are equal if and only if these are.

    Trailing zeros are dropped ("1.0" gives "1"), so it is for comparing and not for showing.

    Raises:
        ValueError: not a version by PEP 440, or longer than MAX_VERSION characters.
    """
    return canonicalize_version(_parse_version(version))


def parse_filename(filename: str) -> ParsedFilename:
    """Read the name of a wheel (PEP 427) or of an sdist (PEP 625).

    Both must spell the project's name as the specifications do: lower case, with underscores.
    An sdist must spell its version in normal form too.

    Raises:
        ValueError: with the reason, in a sentence.
    """
    if len(filename) > MAX_FILENAME:
        raise ValueError(f"file name {shown(filename)} is longer than {MAX_FILENAME} characters")
    if not _FILENAME.match(filename):
        raise ValueError(
            f"file name {shown(filename)} may hold only ASCII letters, digits, '.', '_', '+', '!' "
            "and '-'"
        )
    if filename.endswith(".whl"):
        return _parse_wheel(filename)
    if filename.endswith(".tar.gz"):
        return _parse_sdist(filename)
    if filename.endswith(".zip"):
        raise ValueError(
            f"file {shown(filename)} is a .zip: a source distribution must be a .tar.gz (PEP 625)"
        )
    raise ValueError(f"file name {shown(filename)} must end in .tar.gz or .whl")


def _parse_wheel(filename: str) -> ParsedFilename:
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) in (5, 6):
        _parse_version(parts[1])
        if prod(part.count(".") + 1 for part in parts[-3:]) > MAX_TAGS:
            raise ValueError(f"wheel file name {shown(filename)} stands for too many tags")
    try:
        normalized_name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise ValueError(
            f"wheel file name {shown(filename)} is not of the form "
            "name-version[-build]-python-abi-platform.whl (PEP 427)"
        ) from error
    check_name(normalized_name)
    _require_spelling(filename, parts[0], normalized_name.replace("-", "_"))
    return ParsedFilename(filename, "bdist_wheel", normalized_name, version, parts[-3])


def _parse_sdist(filename: str) -> ParsedFilename:
    name_part, hyphen, version_part = filename.removesuffix(".tar.gz").rpartition("-")
    if not hyphen:
        raise ValueError(
            f"sdist file name {shown(filename)} is not of the form name-version.tar.gz (PEP 625)"
        )
    check_name(name_part)
    version = _parse_version(version_part)
    name = normalize(name_part)
    _require_spelling(filename, name_part, name.replace("-", "_"))
    if version_part != str(version):
        raise ValueError(
            f"sdist file name {shown(filename)} must spell the version as {shown(str(version))}, "
            f"not {shown(version_part)} (PEP 625)"
        )
    return ParsedFilename(filename, "sdist", name, version, "source")


def _require_spelling(filename: str, name_part: str, right: str) -> None:
    if name_part != right:
        raise ValueError(
            f"file name {shown(filename)} must spell the project name as {shown(right)}, "
            f"not {shown(name_part)}"
        )


def _parse_version(version: str) -> Version:
    too_long = f"version {shown(version)} is longer than {MAX_VERSION} characters"
    if len(version) > MAX_VERSION:
        raise ValueError(too_long)
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise ValueError(f"version {shown(version)} is not valid (PEP 440)") from error
    if len(str(parsed)) > MAX_VERSION:  # the normal form can be longer: 1c1 is 1rc1
        raise ValueError(too_long)
    return parsed
