"""Core metadata: what METADATA in a wheel and PKG-INFO in an sdist say. Pure.

`packaging` parses and checks; this room bounds what it is given, turns its many answers into one
sentence and its objects into plain text. Policy on the content of fields is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from packaging.metadata import InvalidMetadata, Metadata, RawMetadata, parse_email

from projects.names import canonical_version, check_name, normalize, shown

VERSIONS: Final = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5")
"""Accepted metadata versions; `packaging` may know newer ones before the rest of the world."""
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_FIELDS: Final = 5000
MAX_SPELLINGS: Final = 100
MAX_CHECKED_VALUE: Final = 10_000
MAX_CHECKED: Final = 512 * 1024
MAX_PROBLEMS: Final = 3
UNKNOWN: Final = "UNKNOWN"

_MAX_PROBLEM_LENGTH: Final = 200
_LICENSE_FILES_SINCE: Final = VERSIONS.index("2.4")
# As the email parser sees it: a field, or (without name) the end of all fields.
_LINE_OF_HEADER: Final = re.compile(r"^(?:(?P<name>[!-9;-~]*):|(?![ \t]))", re.MULTILINE)
# What stands before each further line of a description among the fields, which has no empty line:
# by the specification, and by setuptools before metadata 2.1.
_FOLDS: Final = (" " * 7 + "|", " " * 8)
# Fields that `packaging` parses with grammars whose cost grows faster than their length.
_CHECKED_FIELDS: Final = (
    "name",
    "version",
    "description_content_type",
    "license_expression",
    "license_files",
    "dynamic",
    "provides_extra",
    "provides_dist",
    "obsoletes_dist",
    "requires_dist",
    "requires_python",
    "import_names",
    "import_namespaces",
)


class MetadataError(ValueError):
    """The metadata cannot be accepted; the text says why, in one plain ASCII line."""


@dataclass(frozen=True)
class CoreMetadata:
    """The fields of core metadata that an index shows or serves, as plain text.

    The version, requirements, extras and the license expression are in the normal form of
    `packaging`; all else is as written.
    """

    metadata_version: str
    name: str
    version: str
    summary: str | None
    description: str | None
    description_content_type: str | None
    keywords: tuple[str, ...]
    author: str | None
    author_email: str | None
    maintainer: str | None
    maintainer_email: str | None
    license: str | None
    license_expression: str | None
    license_files: tuple[str, ...]
    classifiers: tuple[str, ...]
    requires_python: str | None
    requires_dist: tuple[str, ...]
    provides_extra: tuple[str, ...]
    provides_dist: tuple[str, ...]
    obsoletes_dist: tuple[str, ...]
    requires_external: tuple[str, ...]
    project_urls: tuple[tuple[str, str], ...]
    home_page: str | None
    download_url: str | None
    platforms: tuple[str, ...]
    dynamic: tuple[str, ...]


def read(raw: bytes, *, where: str) -> CoreMetadata:
    """Parse and check core metadata.

    Fields unknown to the specification are ignored. So is License-File before version 2.4, where
    setuptools wrote it for years without a right to.

    Args:
        raw: the content of METADATA or PKG-INFO.
        where: what to call it in a sentence, such as "METADATA of foo-1.0-py3-none-any.whl".

    Raises:
        MetadataError: naming up to MAX_PROBLEMS problems at once.
    """
    text = _decode(raw, where)
    try:
        fields, unread = parse_email(text)
        metadata = _check(fields, unread, where)
    except MetadataError:
        raise
    except ExceptionGroup as group:
        raise _error(where, sorted(_problems(group))) from group
    except (Exception, RecursionError) as error:  # a parser overwhelmed by nesting or digits
        raise _error(where, ["it cannot be parsed"]) from error
    return metadata


def as_json(metadata: CoreMetadata) -> dict[str, object]:
    """Return the metadata as JSON can hold it: tuples become lists."""
    return {
        key: [list(item) if isinstance(item, tuple) else item for item in value]
        if isinstance(value, tuple)
        else value
        for key, value in asdict(metadata).items()
    }


def require_same_identity(metadata: CoreMetadata, *, name: str, version: str, where: str) -> None:
    """Require that metadata and upload form speak of one project and one version.

    Installers believe the archive and people the form, so a difference would deceive one of them.

    Args:
        metadata: as read from the archive.
        name: the name in the form, in any spelling.
        version: the version in the form, in any spelling.
        where: what to call the archive's metadata in a sentence.

    Raises:
        MetadataError: naming both values.
    """
    try:
        check_name(metadata.name)
    except ValueError as error:
        raise MetadataError(f"{where}: {error}") from error
    if normalize(metadata.name) != normalize(name):
        raise MetadataError(
            f"{where} has the name {shown(metadata.name)}, but the upload form says {shown(name)}"
        )
    try:
        is_same = canonical_version(metadata.version) == canonical_version(version)
    except ValueError as error:
        raise MetadataError(str(error)) from error
    if not is_same:
        raise MetadataError(
            f"{where} has the version {shown(metadata.version)}, "
            f"but the upload form says {shown(version)}"
        )


def _decode(raw: bytes, where: str) -> str:
    if len(raw) > MAX_BYTES:
        raise _error(where, [f"it is larger than {MAX_BYTES // 1024**2} MiB"])
    if b"\0" in raw:
        raise _error(where, ["it holds NUL characters"])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _error(where, ["it is not UTF-8"]) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Looking up one field walks all of them, once for each spelling: bound both.
    spellings = []
    for match in _LINE_OF_HEADER.finditer(text):
        if match["name"] is None:
            break
        spellings.append(match["name"])
        if len(spellings) > MAX_FIELDS:
            raise _error(where, [f"it has more than {MAX_FIELDS} fields"])
    if len(set(spellings)) > MAX_SPELLINGS:
        raise _error(where, [f"it has more than {MAX_SPELLINGS} different fields"])
    return text


def _check(fields: RawMetadata, unread: dict[str, list[str]], where: str) -> CoreMetadata:
    _drop_unsaid(fields)
    version = fields.get("metadata_version")
    if version not in VERSIONS:
        stated = "no metadata version" if version is None else f"metadata version {shown(version)}"
        raise _error(where, [f"it states {stated}; {', '.join(VERSIONS)} are accepted"])
    if VERSIONS.index(version) < _LICENSE_FILES_SINCE:
        fields.pop("license_files", None)
    problems = [f"the field {shown(name)} is repeated or malformed" for name in _known(unread)]
    problems += _length_problems(fields)
    if problems:
        raise _error(where, problems)
    return _plain(Metadata.from_raw(fields))


def _drop_unsaid(fields: RawMetadata) -> None:
    """Drop what tools write of what was not given: UNKNOWN (distutils, and setuptools for years),
    or a field once, with no value, which PyPI takes for absent, too.
    """
    values: dict[str, Any] = cast("dict[str, Any]", fields)
    for name, value in list(values.items()):
        is_empty = value in ([""], {"": ""})
        if is_empty or (isinstance(value, str) and value.strip() in {"", UNKNOWN}):
            del values[name]
        elif isinstance(value, list) and UNKNOWN in value:
            values[name] = [one for one in value if one != UNKNOWN]


def _plain(metadata: Metadata) -> CoreMetadata:
    return CoreMetadata(
        metadata_version=metadata.metadata_version,
        name=metadata.name,
        version=str(metadata.version),
        summary=metadata.summary,
        description=_unfold(metadata.description),
        description_content_type=metadata.description_content_type,
        keywords=tuple(word for word in metadata.keywords or () if word),
        author=metadata.author,
        author_email=metadata.author_email,
        maintainer=metadata.maintainer,
        maintainer_email=metadata.maintainer_email,
        license=metadata.license,
        license_expression=metadata.license_expression,
        license_files=tuple(metadata.license_files or ()),
        classifiers=tuple(metadata.classifiers or ()),
        requires_python=_text_or_none(metadata.requires_python),
        requires_dist=tuple(str(requirement) for requirement in metadata.requires_dist or ()),
        provides_extra=tuple(metadata.provides_extra or ()),
        provides_dist=tuple(metadata.provides_dist or ()),
        obsoletes_dist=tuple(metadata.obsoletes_dist or ()),
        requires_external=tuple(metadata.requires_external or ()),
        project_urls=tuple((metadata.project_urls or {}).items()),
        home_page=metadata.home_page,
        download_url=metadata.download_url,
        platforms=tuple(metadata.platforms or ()),
        dynamic=tuple(metadata.dynamic or ()),
    )


def _unfold(description: str | None) -> str | None:
    """The description as it was before it became a field (Core metadata specifications)."""
    first, *rest = (description or "").rstrip().split("\n")
    for fold in _FOLDS:
        if rest and all(line.startswith(fold) for line in rest):
            return "\n".join([first, *[line.removeprefix(fold) for line in rest]])
    return description


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _known(unread: dict[str, list[str]]) -> list[str]:
    known = {name.replace("_", "-") for name in RawMetadata.__annotations__} | {"project-url"}
    return sorted(known.intersection(unread))


def _length_problems(fields: RawMetadata) -> list[str]:
    values = {name: _values(fields, name) for name in _CHECKED_FIELDS}
    problems = [
        f"the field {shown(name.replace('_', '-'))} is longer than {MAX_CHECKED_VALUE} characters"
        for name, entries in values.items()
        if any(len(entry) > MAX_CHECKED_VALUE for entry in entries)
    ]
    if sum(len(entry) for entries in values.values() for entry in entries) > MAX_CHECKED:
        problems.append(f"requirements and the like are longer than {MAX_CHECKED} characters")
    return problems


def _values(fields: RawMetadata, name: str) -> list[str]:
    value = fields.get(name)
    if isinstance(value, str):
        return [value]
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _problems(group: ExceptionGroup[Exception]) -> Iterator[str]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _problems(error)
        elif isinstance(error, InvalidMetadata):
            yield str(error)
        else:
            yield "it cannot be parsed"


def _error(where: str, problems: list[str]) -> MetadataError:
    some = "; ".join(_plain_line(problem) for problem in problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    rest = f"; and {more} more" if more > 0 else ""
    return MetadataError(f"{where} is not valid metadata: {some}{rest}")


def _plain_line(problem: str) -> str:
    """The problem in printable ASCII, without the quotes that `shown` puts around a value."""
    if problem.isascii() and problem.isprintable() and len(problem) <= _MAX_PROBLEM_LENGTH:
        return problem
    return shown(problem, _MAX_PROBLEM_LENGTH)[1:-1]
