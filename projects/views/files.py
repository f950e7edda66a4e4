"""The files themselves. An address holds the digest of its content, so answers never grow old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from projects import ranges, storage
from projects.models import File

CHUNK: Final = 256 * 1024  # bytes


@dataclass(frozen=True)
class Content:
    """What is asked for: an artifact or the metadata beside it."""

    digest: str
    suffix: str
    etag: str
    filename: str


@require_safe
def send_file(request: HttpRequest, digest: str, filename: str) -> HttpResponseBase:
    """An artifact, or a part of it."""
    file = _find(digest, filename)
    if file is None:
        return _not_found()
    return _send(request, Content(digest, "", f'"{digest}"', filename))


@require_safe
def send_metadata(request: HttpRequest, digest: str, filename: str) -> HttpResponseBase:
    """The core metadata of a wheel (PEP 658)."""
    file = _find(digest, filename)
    if file is None or not file.metadata_sha256:
        return _not_found()
    etag = f'"{file.metadata_sha256}"'
    return _send(request, Content(digest, storage.METADATA, etag, f"{filename}.metadata"))


def _find(digest: str, filename: str) -> File | None:
    """The file, if it is on the shelf at this moment."""
    if "\x00" in filename:  # which PostgreSQL does not even look for
        return None
    found = File.objects.listed().filter(filename=filename, blake2b_256=digest).order_by()
    return found.only("metadata_sha256").first()


class Part:
    """Reads from a position on; closes the file when it is done or dropped."""

    def __init__(self, source: BinaryIO, first: int, length: int) -> None:
        self._source = source
        self._left = length
        source.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._source.read(min(CHUNK, self._left))
        if not chunk:
            raise StopIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Give the file back."""
        self._source.close()


def _send(request: HttpRequest, content: Content) -> HttpResponseBase:
    if _is_known(request, content.etag):
        return _describe(HttpResponse(status=304), content)
    source = storage.open_blob(content.digest, content.suffix)
    size = source.seek(0, 2)
    try:
        span = ranges.wanted(_range_header(request, content), size)
    except ranges.Unsatisfiable:
        source.close()
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return _open_to_all(response)
    return _describe(_stream(request, source, size, span), content)


def _stream(
    request: HttpRequest, source: BinaryIO, size: int, span: tuple[int, int] | None
) -> HttpResponseBase:
    first, last = span or (0, size - 1)
    response: HttpResponseBase
    if request.method == "HEAD":
        source.close()
        response = HttpResponse()
    else:
        _give_connection_back()
        response = StreamingHttpResponse(Part(source, first, last - first + 1))
    response["Content-Length"] = str(last - first + 1)
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _give_connection_back() -> None:
    """A slow client must not hold a database connection."""
    if not connection.in_atomic_block:
        connection.close()


def _range_header(request: HttpRequest, content: Content) -> str:
    """The range, if it is asked for with GET and If-Range, where given, names this content."""
    condition = request.headers.get("If-Range", content.etag)
    is_wanted = request.method == "GET" and condition == content.etag
    return request.headers.get("Range", "") if is_wanted else ""


def _is_known(request: HttpRequest, etag: str) -> bool:
    given = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in given or any(known.removeprefix("W/") == etag for known in given)


def _describe(response: HttpResponseBase, content: Content) -> HttpResponseBase:
    if response.status_code != 304:
        response["Content-Type"] = "application/octet-stream"
        response["Content-Disposition"] = str(content_disposition_header(True, content.filename))
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["ETag"] = content.etag
    return _open_to_all(response)


def _open_to_all(response: HttpResponseBase) -> HttpResponseBase:
    response["X-Content-Type-Options"] = "nosniff"
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _not_found() -> HttpResponseBase:
    response = HttpResponse("404 Not Found\n", status=404, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return _open_to_all(response)
