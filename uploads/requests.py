"""From the fields of a form to one frozen UploadRequest."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import QueryDict

from projects import names
from projects.names import ParsedFilename, shown
from uploads.errors import UploadRefused
from uploads.incoming import ReceivedFile
from uploads.problems import Problem

_DIGESTS = {
    "sha256_digest": ("sha256", re.compile(r"[0-9a-f]{64}\Z")),
    "blake2_256_digest": ("blake2b_256", re.compile(r"[0-9a-f]{64}\Z")),
    "md5_digest": ("md5", re.compile(r"[0-9a-f]{32}\Z")),
}
# The upload command of Python 3.11's distutils sends BLAKE2b-512 in the field of BLAKE2b-256.
_LONG_BLAKE2 = re.compile(r"[0-9a-f]{128}\Z")
_KINDS = {"sdist", "bdist_wheel"}
_REQUIRED = ("name", "version", "filetype")
_FIELDS = ("protocol_version", *_REQUIRED, "pyversion", *_DIGESTS)


@dataclass(frozen=True)
class UploadRequest:
    """What an uploader asks for, as far as the form alone can tell.

    Attributes:
        name: the project's name as the form spells it.
        normalized_name: its PEP 503 form.
        version: the release's version as the form spells it.
        parsed: the file name, read.
        file: the file on the disk; its digests are those that the form gave.
    """

    name: str
    normalized_name: str
    version: str
    parsed: ParsedFilename
    file: ReceivedFile


def single(form: QueryDict, field: str) -> str:
    """The one value of a field; "" if it is absent, empty or UNKNOWN.

    Raises:
        UploadRefused: if it is there several times, or holds a NUL.
    """
    problem = _problem_of(form, field)
    if problem is not None:
        raise UploadRefused.because([problem])
    return _value(form, field)


def read_form(form: QueryDict, file: ReceivedFile | None) -> UploadRequest:
    """Check everything that needs neither the database nor the archive.

    Raises:
        UploadRefused: with all that is wrong, as far as it fits into one line.
    """
    problems = [problem for field in _FIELDS if (problem := _problem_of(form, field))]
    problems = problems or [*_field_problems(form)]
    if file is None:
        is_text = "content" in form
        text = "the field 'content' must be sent as a file" if is_text else _NO_FILE
        problems.append(Problem("no_file", text))
    else:
        problems += _digest_problems(form, file)
    name, version = _value(form, "name"), _value(form, "version")
    parsed = _parse(name, version, file, problems)
    if file is not None and parsed is not None and not problems:
        problems += _mismatches(form, parsed)
    if problems or file is None or parsed is None:
        raise UploadRefused.because(problems)
    return UploadRequest(
        name=name,
        normalized_name=names.normalize(name),
        version=version,
        parsed=parsed,
        file=file,
    )


_NO_FILE = "the upload has no file: the field 'content' is missing or empty"


def _value(form: QueryDict, field: str) -> str:
    value = form.get(field) or ""
    return "" if value.strip() == "UNKNOWN" else value


def _problem_of(form: QueryDict, field: str) -> Problem | None:
    values = form.getlist(field)
    if len(values) > 1:
        return Problem(
            "repeated_field", f"the field '{field}' is there {len(values)} times; send it once"
        )
    value = values[0] if values else ""
    if "\x00" in value:
        return Problem("nul", f"the field '{field}' holds a NUL character")
    if "\ufffd" in value and field in {"name", "version"}:
        return Problem("encoding", f"the field '{field}' is not valid UTF-8")
    return None


def _field_problems(form: QueryDict) -> Iterator[Problem]:
    if _value(form, "protocol_version") not in {"", "1"}:
        yield Problem("protocol_version", "the field 'protocol_version' must be 1")
    for field in _REQUIRED:
        if not _value(form, field).strip():
            yield Problem("missing_field", f"the field '{field}' is missing")
    filetype, pyversion = _value(form, "filetype"), _value(form, "pyversion").strip()
    if filetype and filetype not in _KINDS:
        yield Problem(
            "filetype",
            "the field 'filetype' must be 'sdist' or 'bdist_wheel'; nothing else is accepted",
        )
    if filetype == "bdist_wheel" and not pyversion:
        yield Problem("pyversion", "the field 'pyversion' is missing, which a wheel needs")
    if filetype == "sdist" and pyversion not in {"", "source"}:
        yield Problem("pyversion", "the field 'pyversion' of an sdist must be 'source'")


def _parse(
    name: str, version: str, file: ReceivedFile | None, problems: list[Problem]
) -> ParsedFilename | None:
    """Read the name of the file, and check name and version; what is wrong joins `problems`."""
    parsed = None
    try:
        if name:
            names.check_name(name)
        if version:
            names.canonical_version(version)
        if file is not None:
            parsed = names.parse_filename(file.filename)
    except ValueError as error:
        problems.append(Problem("name", str(error)))
    return parsed


def _mismatches(form: QueryDict, parsed: ParsedFilename) -> Iterator[Problem]:
    """Where the form and the name of the file contradict each other."""
    name, filetype = _value(form, "name"), _value(form, "filetype")
    what = f"the file {parsed.filename}"
    if parsed.kind != filetype:
        yield Problem(
            "filetype", f"the field 'filetype' says {filetype}, but {what} is a {parsed.kind}"
        )
    if parsed.name != names.normalize(name):
        yield Problem(
            "filename_project",
            f"{what} is not of the project {name}: rename the project or build the file again",
        )
    version = _value(form, "version")
    if names.canonical_version(str(parsed.version)) != names.canonical_version(version):
        yield Problem(
            "filename_version",
            f"{what} is of version {parsed.version}, and the form says {shown(version)}",
        )


def _digest_problems(form: QueryDict, file: ReceivedFile) -> Iterator[Problem]:
    given = 0
    for field, (attribute, pattern) in _DIGESTS.items():
        text = _value(form, field).strip().lower()
        if not text or (field == "blake2_256_digest" and _LONG_BLAKE2.match(text)):
            continue
        given += 1
        if not pattern.match(text):
            yield Problem("digest", f"the field '{field}' is not a digest in hexadecimal digits")
        elif not hmac.compare_digest(text, getattr(file, attribute)):
            yield Problem(
                "digest",
                f"the file does not match its '{field}': it was changed on the way. Try again",
            )
    if not given:
        yield Problem(
            "digest",
            "send a digest of the file: 'sha256_digest', 'blake2_256_digest' or 'md5_digest'",
        )
