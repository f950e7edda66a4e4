"""What the read path answers, as plain values: Django's views and the short path send the same.

Reading is public. Whoever makes it ask for a token does it here, in `answer`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.utils.http import content_disposition_header, parse_etags

from projects import json_api, names, ranges, root_index, simple, storage
from projects.cache import metadata, pages
from projects.models import Project, content_path

logger = logging.getLogger(__name__)
CHUNK: Final = 256 * 1024  # bytes
SMALL: Final = 64 * 1024  # bytes; up to this, one read costs less than handing the file on
RETRY_AFTER: Final = 10  # seconds
# Kept, and asked for again each time: a change holds from the next request on, and 304 is cheap.
CACHE_CONTROL: Final = "public, no-cache"
Headers = list[tuple[str, str]]

_PAGE: Final = re.compile(r"/simple/(?:([A-Za-z0-9._-]+)/)?\Z", re.ASCII)
_FILE: Final = re.compile(
    r"/files/([0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60})/([A-Za-z0-9._+!-]+?)(\.metadata)?\Z", re.ASCII
)
_LISTED_FILE: Final = """
    SELECT file.metadata_sha256 FROM projects_file AS file
    JOIN projects_project AS project ON project.id = file.project_id
    WHERE file.filename = %s AND file.blake2b_256 = %s AND project.status <> %s
"""
_OPEN_TO_ALL: Final = ("Access-Control-Allow-Origin", "*")
_rendering: Final = Lock()


@dataclass(frozen=True, slots=True)
class Question:
    """All that an answer depends on beside its address. A header that was not sent is ""."""

    is_head: bool
    accept: str
    accept_encoding: str
    known: str
    """If-None-Match."""
    range: str
    if_range: str

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Question:
        """Read from the variables of a WSGI request."""
        return cls(
            is_head=environ["REQUEST_METHOD"] == "HEAD",
            accept=environ.get("HTTP_ACCEPT", "*/*"),
            accept_encoding=environ.get("HTTP_ACCEPT_ENCODING", ""),
            known=environ.get("HTTP_IF_NONE_MATCH", ""),
            range=environ.get("HTTP_RANGE", ""),
            if_range=environ.get("HTTP_IF_RANGE", ""),
        )


class Part:
    """Reads a file from a position on; closes it when it is done with or dropped."""

    def __init__(self, source: BinaryIO, first: int, length: int) -> None:
        self.source = source
        self._left = length
        source.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self.source.read(min(CHUNK, self._left))
        if not chunk:
            raise StopIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Give the file back."""
        self.source.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent. The body is bytes, or a part of a file that is too large to be read at once."""

    status: HTTPStatus
    headers: Headers
    body: bytes | Part = b""
    said: str = ""
    """The reason phrase, where it says more than that of the status."""

    @property
    def reason(self) -> str:
        """The reason phrase: pip prints it."""
        return self.said or self.status.phrase


def answer(path: str, question: Question) -> Answer | None:
    """The answer to an address in its usual spelling; None for all others."""
    if page := _PAGE.match(path):
        return show_project(page[1], question) if page[1] else show_index(question)
    if file := _FILE.match(path):
        send = send_metadata if file[3] else send_file
        return send(file[1].replace("/", ""), file[2], question)
    return None


# The Simple API


def show_project(name: str, question: Question) -> Answer:
    """One project: a query and remembered bytes."""
    if not names.is_normalized(name):
        return redirect(name)
    serial = simple.find_serial(name)
    if serial is None:
        return not_found()
    form = simple.Form.wanted(question.accept, question.accept_encoding)
    if _is_known(question, form.etag(serial)):
        return _unchanged(_page_headers(serial, form))
    return _send_page(question, form, lambda: _project_body(name, serial, form))


def show_index(question: Question) -> Answer:
    """The names of all projects, at most a minute old."""
    try:
        return _send_index(question)
    except OSError as error:
        return failed(error, "The root index", question)


def _send_index(question: Question) -> Answer:
    form = simple.Form.wanted(question.accept, question.accept_encoding)
    serial = root_index.current_serial()
    if _is_known(question, form.etag(serial)):
        return _unchanged(_page_headers(serial, form))
    serial, source = root_index.open_edition(form)
    length = source.seek(0, 2)
    return Answer(
        HTTPStatus.OK,
        [*_page_headers(serial, form), *_content_headers(form, length)],
        _read(source, 0, length, question),
    )


def redirect(name: str) -> Answer:
    """To the one address of a project, whether it exists or not."""
    try:
        names.check_name(name)
    except ValueError:
        return not_found()
    return moved(f"/simple/{names.normalize(name)}/")


def moved(path: str) -> Answer:
    """For ever."""
    headers = [
        ("Location", path),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", "0"),
        _OPEN_TO_ALL,
    ]
    return Answer(HTTPStatus.MOVED_PERMANENTLY, headers)


def not_found() -> Answer:
    """A line for people who try an address by hand; nothing that a cache may keep."""
    body = b"404 Not Found\n"
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-cache"),
        _OPEN_TO_ALL,
    ]
    return Answer(HTTPStatus.NOT_FOUND, headers, body)


def failed(error: OSError, what: str, question: Question) -> Answer:
    """What is said, to machines too, where something is on the shelf and cannot be read.

    Args:
        what: for the log.
    """
    is_passing = isinstance(error, storage.StorageFailed) and error.is_passing
    if is_passing:
        logger.error("%s could not be read: %s", what, error)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        line = "The storage of this site does not answer at the moment. Try again in some minutes."
    else:
        logger.error("%s could not be read: %s", what, error, exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        line = "This site cannot read what it should send here. Its staff have to look into it."
    body = f"{line}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        _OPEN_TO_ALL,
    ]
    if is_passing:
        headers.append(("Retry-After", str(RETRY_AFTER)))
    return Answer(status, headers, b"" if question.is_head else body, line)


Body = tuple[int, bytes]


def _send_page(
    question: Question, form: simple.Form, find_body: Callable[[], Body | None]
) -> Answer:
    """The page, with the serial that it really has."""
    body = find_body()
    if body is None:
        return not_found()
    serial, content = body
    headers = [*_page_headers(serial, form), *_content_headers(form, len(content))]
    return Answer(HTTPStatus.OK, headers, b"" if question.is_head else content)


def _project_body(name: str, serial: int, form: simple.Form) -> Body | None:
    content = pages.get((name, serial, form.key))
    if content is not None:
        return serial, content
    with _rendering:  # after a change, all that wait for the page take what the first one made
        content = pages.get((name, serial, form.key))
        if content is not None:
            return serial, content
        page = simple.load_project(name)
        if page is None:
            return None
        render = json_api.render_project if form.is_json else simple.render_project
        content = form.encode(render(page))
        pages.put((name, page.serial, form.key), content)
        return page.serial, content


def _page_headers(serial: int, form: simple.Form) -> Headers:
    return [
        ("ETag", form.etag(serial)),
        ("Vary", "Accept, Accept-Encoding"),
        ("Cache-Control", CACHE_CONTROL),
        ("X-PyPI-Last-Serial", str(serial)),
        ("Access-Control-Expose-Headers", "ETag, X-PyPI-Last-Serial"),
        _OPEN_TO_ALL,
    ]


def _content_headers(form: simple.Form, length: int) -> Headers:
    kind = f"{form.type}; charset=utf-8" if form.type == simple.HTML else form.type
    headers = [("Content-Type", kind), ("Content-Length", str(length))]
    return [*headers, ("Content-Encoding", "gzip")] if form.is_gzipped else headers


def _is_known(question: Question, etag: str) -> bool:
    """Whether If-None-Match names what we would answer (RFC 9110, 13.1.2: weakly compared)."""
    if not question.known:
        return False
    given = parse_etags(question.known)
    return "*" in given or any(known.removeprefix("W/") == etag for known in given)


def _unchanged(headers: Headers) -> Answer:
    return Answer(HTTPStatus.NOT_MODIFIED, headers)


# Files: an address holds the digest of its content, so answers never grow old


def send_file(digest: str, filename: str, question: Question) -> Answer:
    """An artifact, or a part of it."""
    if _find_metadata(digest, filename) is None:
        return not_found()
    return _send_content(question, digest, "", f'"{digest}"', filename)


def send_metadata(digest: str, filename: str, question: Question) -> Answer:
    """The core metadata of a wheel (PEP 658)."""
    metadata_sha256 = _find_metadata(digest, filename)
    if not metadata_sha256:
        return not_found()
    etag = f'"{metadata_sha256}"'
    return _send_content(question, digest, storage.METADATA, etag, f"{filename}.metadata")


def _find_metadata(digest: str, filename: str) -> str | None:
    """Digest of the metadata, "" without any; None if no such file is on the shelf now."""

    def ask() -> str | None:
        with connection.cursor() as cursor:  # as SQL: see simple.find_serial
            cursor.execute(_LISTED_FILE, [filename, digest, Project.Status.QUARANTINED.value])
            row = cursor.fetchone()
        return None if row is None else str(row[0])

    return metadata.ask((filename, digest), ask)


def _send_content(question: Question, digest: str, suffix: str, etag: str, filename: str) -> Answer:
    """The content; where the store fails, that is said at once: asking again would not help."""
    try:
        return _read_content(question, digest, suffix, etag, filename)
    except OSError as error:
        return failed(error, f"The file {filename}", question)


def _read_content(question: Question, digest: str, suffix: str, etag: str, filename: str) -> Answer:
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", str(content_disposition_header(True, filename))),
        *_lasting_headers(etag),
    ]
    if _is_known(question, etag):
        return _unchanged(_lasting_headers(etag))
    if address := storage.address_of(digest, suffix, filename, is_head=question.is_head):
        return Answer(HTTPStatus.FOUND, _elsewhere(address))
    if header := handing_on(digest, suffix):
        return Answer(HTTPStatus.OK, [*headers, header])
    source = storage.open_blob(digest, suffix)
    size = source.seek(0, 2)
    try:
        span = ranges.wanted(_range_header(question, etag), size)
    except ranges.Unsatisfiable:
        source.close()
        refused = [("Content-Range", f"bytes */{size}"), ("Content-Length", "0"), _OPEN_TO_ALL]
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, refused)
    first, last = span or (0, size - 1)
    length = last - first + 1
    status = HTTPStatus.OK
    headers.append(("Content-Length", str(length)))
    if span is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers.append(("Content-Range", f"bytes {first}-{last}/{size}"))
    return Answer(status, headers, _read(source, first, length, question))


def _elsewhere(address: str) -> Headers:
    """To the bucket. The address is signed for a short time, so no cache may keep it."""
    return [
        ("Location", address),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", "0"),
        ("Cache-Control", "no-store"),
        _OPEN_TO_ALL,
    ]


def handing_on(digest: str, suffix: str) -> tuple[str, str] | None:
    """The header by which the proxy in front sends the file itself, if SEND_FILES_BY says so."""
    if settings.S3_BUCKET:
        return None
    if settings.SEND_FILES_BY == "nginx":
        return "X-Accel-Redirect", f"/_files/{content_path(digest)}{suffix}"
    if settings.SEND_FILES_BY == "x-sendfile":
        return "X-Sendfile", quote(str(storage.path_of(digest, suffix)))
    return None


def _read(source: BinaryIO, first: int, length: int, question: Question) -> bytes | Part:
    """The content at once if it is small; nothing for a HEAD."""
    if not question.is_head and length > SMALL:
        return Part(source, first, length)
    with source:
        source.seek(first)
        return b"" if question.is_head else source.read(length)


def _range_header(question: Question, etag: str) -> str:
    """The range, if it is asked for with GET and If-Range, where given, names this content."""
    is_wanted = not question.is_head and question.if_range in {"", etag}
    return question.range if is_wanted else ""


def _lasting_headers(etag: str) -> Headers:
    return [
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", storage.CACHE_CONTROL),
        ("ETag", etag),
        _OPEN_TO_ALL,
    ]
