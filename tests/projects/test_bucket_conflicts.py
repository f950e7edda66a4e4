"""What a bucket does when its service says that something else was being done to an object.

Real servers do so too seldom to wait for it, so a small one says it here as often as it is told.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once
CONFLICT = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>ConditionalRequestConflict</Code>'
    b"<Message>A conflicting conditional operation is under way.</Message></Error>"
)


class Service(ThreadingHTTPServer):
    """Keeps objects, and answers the next PUTs with a conflict.

    Attributes:
        objects: by path.
        conflicts: how many PUTs are still refused.
        puts: how many came.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.objects: dict[str, bytes] = {}
        self.conflicts = self.puts = 0


class Answers(BaseHTTPRequestHandler):
    """PUT and HEAD, as far as a bucket asks for them."""

    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, *words: Any) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        """Store, or say that there is a conflict."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.puts += 1
        if self.server.conflicts:
            self.server.conflicts -= 1
            return self._answer(409, CONFLICT)
        self.server.objects[self.path] = content
        return self._answer(200)

    def do_HEAD(self) -> None:
        """The size and the ETag of an object."""
        content = self.server.objects.get(self.path)
        self._answer(404 if content is None else 200, of=content)

    def _answer(self, status: int, body: bytes = b"", *, of: bytes | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body if of is None else of)))
        if of is not None:
            self.send_header("ETag", f'"{hashlib.md5(of).hexdigest()}"')  # noqa: S324
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service() -> Iterator[Service]:
    """A running service."""
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def bucket(service: Service) -> Any:
    """A store that is kept there."""
    from storages.backends.s3 import S3Storage

    from projects.buckets import Bucket

    return Bucket(
        S3Storage(
            bucket_name="files",
            endpoint_url=f"http://127.0.0.1:{service.server_port}",
            region_name="us-east-1",
            access_key="a",
            secret_key="b",
            addressing_style="path",
            signature_version="s3v4",
        )
    )


def write(folder: Path, content: bytes = b"a wheel") -> tuple[Path, str, str]:
    """A file, its digest, and where it will be."""
    digest = hashlib.blake2b(content, digest_size=32).hexdigest()
    source = folder / "a-file"
    source.write_bytes(content)
    return source, digest, f"/files/{digest[:2]}/{digest[2:4]}/{digest[4:]}"


def test_after_a_conflict_a_content_is_stored_all_the_same(
    service: Service, bucket: Any, tmp_path: Path
) -> None:
    source, digest, path = write(tmp_path)
    service.conflicts = 2
    bucket.store(source, digest)
    assert (service.objects, service.puts) == ({path: b"a wheel"}, 3)
    assert not source.exists()


@pytest.mark.parametrize("there", [None, b"a w", b"a whale"], ids=["nothing", "a part", "another"])
def test_when_conflicts_do_not_end_the_upload_is_to_be_tried_again(
    service: Service, bucket: Any, tmp_path: Path, there: bytes | None
) -> None:
    from projects.storage import StorageFailed

    source, digest, path = write(tmp_path)
    service.conflicts = 100
    if there is not None:
        service.objects[path] = there
    with pytest.raises(StorageFailed) as failure:
        bucket.store(source, digest)
    assert failure.value.is_passing
    assert source.exists()
    assert 2 < service.puts < 10


def test_what_somebody_else_has_stored_during_the_conflict_is_kept(
    service: Service, bucket: Any, tmp_path: Path
) -> None:
    source, digest, path = write(tmp_path)
    service.conflicts, service.objects[path] = 100, b"a wheel"
    bucket.store(source, digest)
    assert not source.exists()
