"""Receiving a body: one pass from the socket to the disk, with three digests on the way."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from audit.connections import give_back
from uploads.errors import UploadRefused, site_is_full

_IGNORED_FILES = {"gpg_signature"}


@dataclass(frozen=True)
class ReceivedFile:
    """A file part on the disk.

    Attributes:
        path: where it is, until the request ends.
        filename: as the client sent it.
        size: in bytes.
        sha256, blake2b_256, md5: hexadecimal digests of its content.
    """

    path: Path
    filename: str
    size: int
    sha256: str
    blake2b_256: str
    md5: str


class ReceivingHandler(FileUploadHandler):
    """Writes the one file that an upload has into INCOMING_ROOT."""

    chunk_size = 256 * 1024

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.received: ReceivedFile | None = None
        self._file: IO[bytes] | None = None
        self._hashes: list[Any] = []
        self._skips = False

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Begin a part.

        Raises:
            UploadRefused: for a second file, or a field that is sent as a file.
        """
        super().new_file(field_name, *args, **kwargs)
        self._skips = field_name in _IGNORED_FILES
        if self._skips:
            return
        if field_name != "content":
            raise UploadRefused(
                "Only the field 'content' may be sent as a file; send the other fields as text.",
                code="field_is_file",
            )
        if (self.content_type or "").lower().startswith("image/"):
            raise UploadRefused(
                "The file is sent as an image; only wheels and sdists are accepted.",
                code="content_type",
            )
        if self._file is not None or self.received is not None:
            raise UploadRefused("Send one file in an upload, not several.", code="several_files")
        os.makedirs(settings.INCOMING_ROOT, mode=0o700, exist_ok=True)
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115  (outlives this call)
            dir=settings.INCOMING_ROOT, prefix="upload-", delete=False
        )
        self._hashes = [
            hashlib.sha256(),
            hashlib.blake2b(digest_size=32),
            hashlib.md5(usedforsecurity=False),
        ]

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write and digest a piece.

        Raises:
            UploadRefused: once the file is larger than the limit.
        """
        if self._skips or self._file is None:
            return
        if start + len(raw_data) > settings.UPLOAD_SIZE_LIMIT:
            raise too_large()
        self._file.write(raw_data)
        for digest in self._hashes:
            digest.update(raw_data)

    def file_complete(self, file_size: int) -> None:
        """End the part; nothing is put among Django's own files."""
        if self._skips or self._file is None:
            return
        self._file.close()  # whoever keeps it sees to it that it is on the disk
        sha256, blake2b, md5 = (digest.hexdigest() for digest in self._hashes)
        self.received = ReceivedFile(
            path=Path(self._file.name),
            filename=self.file_name or "",
            size=file_size,
            sha256=sha256,
            blake2b_256=blake2b,
            md5=md5,
        )

    def remove(self) -> None:
        """Leave nothing on the disk, however the request ended."""
        if self._file is not None:
            with suppress(OSError):  # on a full disk, closing writes what is left, and fails again
                self._file.close()
            with suppress(FileNotFoundError):
                os.unlink(self._file.name)


class _RawNameParser(MultiPartParser):
    """Django's parser, which keeps file names as they were sent so that bad ones are refused."""

    def sanitize_file_name(self, file_name: str) -> str:
        """The name itself; an empty one would make Django skip the part."""
        return file_name or " "


class _CountingStream:
    """Counts what was read, since a body that ends early looks complete to the parser."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data: bytes = self._stream.read(size)
        self.count += len(data)
        return data


def too_large() -> UploadRefused:
    """The refusal of a file beyond the limit."""
    limit = settings.UPLOAD_SIZE_LIMIT // (1024 * 1024)
    return UploadRefused(
        f"The file is too large: the limit of this site is {limit} MiB.",
        code="too_large",
        status=413,
    )


@contextmanager
def receive(request: HttpRequest) -> Iterator[tuple[QueryDict, ReceivedFile | None]]:
    """Read a multipart body (RFC 7578): its text fields, and its file if it has one.

    The file is gone when the context ends. No database connection is held meanwhile.

    Raises:
        UploadRefused: if the body is malformed, too large, or ends early.
    """
    give_back()
    handler = ReceivingHandler(request)
    try:
        yield _parse(request, handler), handler.received
    finally:
        handler.remove()


def _parse(request: HttpRequest, handler: ReceivingHandler) -> QueryDict:
    if request.content_type != "multipart/form-data":
        raise UploadRefused(
            "An upload is a POST of multipart/form-data; use twine, uv or another upload tool.",
            code="not_multipart",
        )
    length = _content_length(request)
    stream = _CountingStream(request)
    try:
        parser = _RawNameParser(request.META, stream, [handler], "utf-8")  # type: ignore[arg-type]
        fields, _files = parser.parse()
    except (MultiPartParserError, UnicodeError, LookupError, AssertionError) as error:
        raise UploadRefused(
            "The body of the request is not well-formed multipart/form-data.", code="malformed_body"
        ) from error
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        raise UploadRefused(
            "The form is too large: its text fields together may have 10 MiB and 10000 values.",
            code="form_too_large",
            status=413,
        ) from error
    except UnreadablePostError as error:  # Django's word for what goes wrong with the socket
        if not isinstance(error.__cause__, (TimeoutError, BlockingIOError)):
            raise UploadRefused("The upload broke off. Try again.", code="broke_off") from error
        raise UploadRefused(
            "The upload stood still for too long. Try again.", code="stalled", status=408
        ) from error
    except OSError as error:  # of our own disk: those of the socket are answered above
        raise site_is_full(error) from error
    except SuspiciousOperation as error:
        raise UploadRefused("The form is not acceptable.", code="malformed_body") from error
    if stream.count < length:
        raise UploadRefused(
            f"The upload broke off after {stream.count} of {length} bytes. Try again.",
            code="broke_off",
        )
    return fields


def _content_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or ""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise UploadRefused(
            "Send a Content-Length header with the upload.", code="no_length", status=411
        )
    length = int(text)
    form_allowance = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 4 * 1024 * 1024
    if length > settings.UPLOAD_SIZE_LIMIT + form_allowance:
        raise too_large()
    return length
