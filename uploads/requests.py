"""From the fields of a form to one frozen UploadRequest."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from django.http import QueryDict

from projects import names
from projects.names import ParsedFilename
from uploads.errors import UploadRefused, as_sentence
from uploads.incoming import ReceivedFile

_DIGESTS = {
    "sha256_digest": ("sha256", re.compile(r"[0-9a-f]{64}\Z")),
    "blake2_256_digest": ("blake2b_256", re.compile(r"[0-9a-f]{64}\Z")),
    "md5_digest": ("md5", re.compile(r"[0-9a-f]{32}\Z")),
}
_KINDS = {"sdist", "bdist_wheel"}


@dataclass(frozen=True)
class UploadRequest:
    """What an uploader asks for, as far as the form alone can tell.

    Attributes:
        name: the project's name as the form spells it.
        normalized_name: its PEP 503 form.
        version: the release's version as the form spells it.
        parsed: the file name, read.
        pyversion: the client's own word for the file's Python, unchecked.
        comment: free text.
        file: the file on the disk; its digests are those that the form gave.
    """

    name: str
    normalized_name: str
    version: str
    parsed: ParsedFilename
    pyversion: str
    comment: str
    file: ReceivedFile


def single(form: QueryDict, field: str, *, required: bool = False) -> str:
    """The one value of a field; "" if it is absent, empty or UNKNOWN.

    Raises:
        UploadRefused: if it is there several times, holds a NUL, or is absent where required.
    """
    values = form.getlist(field)
    if len(values) > 1:
        raise UploadRefused(
            f"The field '{field}' is there {len(values)} times; send it once.",
            code="repeated_field",
        )
    value = values[0] if values else ""
    if "\x00" in value:
        raise UploadRefused(f"The field '{field}' holds a NUL character.", code="nul")
    if "\ufffd" in value and field in {"name", "version"}:
        raise UploadRefused(f"The field '{field}' is not valid UTF-8.", code="encoding")
    value = "" if value.strip() == "UNKNOWN" else value
    if required and not value.strip():
        raise UploadRefused(f"The field '{field}' is missing.", code="missing_field")
    return value


def read_form(form: QueryDict, file: ReceivedFile | None) -> UploadRequest:
    """Check everything that needs neither the database nor the archive.

    Raises:
        UploadRefused: at the first thing that is wrong.
    """
    if single(form, "protocol_version") not in {"", "1"}:
        raise UploadRefused("The field 'protocol_version' must be 1.", code="protocol_version")
    name = single(form, "name", required=True)
    version = single(form, "version", required=True)
    filetype = single(form, "filetype", required=True)
    if filetype not in _KINDS:
        raise UploadRefused(
            "The field 'filetype' must be 'sdist' or 'bdist_wheel'; nothing else is accepted.",
            code="filetype",
        )
    if file is None:
        raise UploadRefused(
            "The upload has no file: the field 'content' is missing or empty.", code="no_file"
        )
    try:
        names.check_name(name)
        canonical = names.canonical_version(version)
        parsed = names.parse_filename(file.filename)
    except ValueError as error:
        raise UploadRefused(as_sentence(error), code="name") from error
    _require_same(name, canonical, filetype, parsed)
    _require_digests(form, file)
    return UploadRequest(
        name=name,
        normalized_name=names.normalize(name),
        version=version,
        parsed=parsed,
        pyversion=single(form, "pyversion")[:100],
        comment=single(form, "comment")[:500],
        file=file,
    )


def _require_same(name: str, canonical: str, filetype: str, parsed: ParsedFilename) -> None:
    if parsed.kind != filetype:
        raise UploadRefused(
            f"The field 'filetype' says {filetype}, but the file {parsed.filename} is a "
            f"{parsed.kind}.",
            code="filetype",
        )
    if parsed.name != names.normalize(name):
        raise UploadRefused(
            f"The file {parsed.filename} is not of the project {name}: rename the project or "
            "build the file again.",
            code="filename_project",
        )
    if names.canonical_version(str(parsed.version)) != canonical:
        raise UploadRefused(
            f"The file {parsed.filename} is of version {parsed.version}, and the form says "
            f"another version.",
            code="filename_version",
        )


def _require_digests(form: QueryDict, file: ReceivedFile) -> None:
    given = 0
    for field, (attribute, pattern) in _DIGESTS.items():
        text = single(form, field).strip().lower()
        if not text:
            continue
        given += 1
        if not pattern.match(text):
            raise UploadRefused(
                f"The field '{field}' is not a digest in hexadecimal digits.", code="digest"
            )
        if not hmac.compare_digest(text, getattr(file, attribute)):
            raise UploadRefused(
                f"The file does not match its '{field}': it was changed on the way. Try again.",
                code="digest",
            )
    if not given:
        raise UploadRefused(
            "Send a digest of the file: 'sha256_digest', 'blake2_256_digest' or 'md5_digest'.",
            code="digest",
        )
