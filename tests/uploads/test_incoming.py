"""Receiving a body, with clients that are slow, stop, or lie."""

from __future__ import annotations

import io
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import RequestFactory

from tests.support.clone import Database
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import basic, token_of
from uploads import incoming
from uploads.errors import UploadRefused
from uploads.jobs import sweep_incoming

BODY = (
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nfoo\r\n'
    b'--b\r\nContent-Disposition: form-data; name="content"; filename="foo.whl"\r\n\r\n'
    + b"x" * 300_000
    + b"\r\n--b--\r\n"
)


class Stream(io.BytesIO):
    """A body that calls a function before each piece."""

    def __init__(self, body: bytes, before: Callable[[], None]) -> None:
        super().__init__(body)
        self._before = before

    def read(self, size: int | None = -1) -> bytes:
        """Call, then read."""
        self._before()
        return super().read(size)


def request_for(stream: io.BytesIO, length: int = len(BODY)) -> WSGIRequest:
    """A POST whose body is the stream."""
    environment: dict[str, Any] = RequestFactory()._base_environ(
        REQUEST_METHOD="POST",
        CONTENT_TYPE="multipart/form-data; boundary=b",
        CONTENT_LENGTH=str(length),
    )
    environment["wsgi.input"] = stream
    return WSGIRequest(environment)


def leftovers() -> list[Path]:
    """What is left of bodies."""
    return list(Path(settings.INCOMING_ROOT).glob("*"))


def holds_the_database() -> bool:
    """Whether others may have to wait: for a connection of the pool, or for SQLite's lock."""
    if connection.vendor == "sqlite":
        return connection.connection is not None and connection.connection.in_transaction
    return connection.connection is not None


def test_the_database_is_not_held_while_a_body_is_read(committed_db: Database) -> None:
    held: list[bool] = []
    connection.ensure_connection()
    stream = Stream(BODY, lambda: held.append(holds_the_database()))
    with incoming.receive(request_for(stream)) as (form, file):
        assert (form["name"], file and file.size) == ("foo", 300_000)
    assert held
    assert not any(held)


def test_a_body_is_on_the_disk_only_while_it_is_looked_at(db: None) -> None:
    with incoming.receive(request_for(io.BytesIO(BODY))) as (_form, file):
        assert file
        assert file.path.stat().st_size == 300_000
    assert not leftovers()


def test_an_error_of_ours_leaves_nothing_on_the_disk(db: None) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        incoming.receive(request_for(io.BytesIO(BODY))),
    ):
        raise ZeroDivisionError
    assert not leftovers()


def test_a_disk_that_is_full_to_the_end_leaves_nothing(db: None) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with (
            pytest.raises(UploadRefused) as caught,
            incoming.receive(request_for(io.BytesIO(BODY))),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)
    assert caught.value.code == "not_stored"
    assert not leftovers()


@pytest.mark.parametrize("missing", [1, 20, 1000, 299_000, len(BODY) - 10])
def test_a_body_that_ends_early_is_refused(db: None, missing: int) -> None:
    stream = io.BytesIO(BODY[:-missing])
    with pytest.raises(UploadRefused) as caught, incoming.receive(request_for(stream)):
        pass
    assert caught.value.code in {"broke_off", "malformed_body"}
    assert not leftovers()


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (BlockingIOError, "stalled", 408),
        (TimeoutError, "stalled", 408),
        (ConnectionResetError, "broke_off", 400),
    ],
)
def test_a_body_that_stands_still_or_is_cut_off_is_refused(
    db: None, error: type[OSError], code: str, status: int
) -> None:
    def fail() -> None:
        raise error

    with (
        pytest.raises(UploadRefused) as caught,
        incoming.receive(request_for(Stream(BODY, fail))),
    ):
        pass
    assert (caught.value.code, caught.value.status) == (code, status)
    assert not leftovers()


@pytest.mark.parametrize("length", ["", "-1", "x", "1" * 5000])
def test_a_strange_length_is_refused(db: None, length: str) -> None:
    request = request_for(io.BytesIO(BODY))
    request.META["CONTENT_LENGTH"] = length
    with pytest.raises(UploadRefused), incoming.receive(request):
        pass


def test_a_length_beyond_the_limit_is_refused_before_anything_is_read(db: None) -> None:
    def refuse() -> None:
        raise AssertionError("it was read")

    request = request_for(Stream(BODY, refuse), settings.UPLOAD_SIZE_LIMIT * 2)
    with pytest.raises(UploadRefused) as caught, incoming.receive(request):
        pass
    assert caught.value.status == 413


def test_what_a_killed_process_left_is_swept_after_a_day(db: None) -> None:
    root = Path(settings.INCOMING_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    old, new = root / "upload-old", root / "upload-new"
    for path, age in ((old, 25 * 3600), (new, 3600)):
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    assert sweep_incoming() == 1
    assert (old.exists(), new.exists()) == (False, True)
    new.unlink()


@pytest.mark.once
def test_a_client_that_goes_away_leaves_nothing(site: Site, alice: Person) -> None:
    head = (
        "POST /legacy/ HTTP/1.1\r\n"
        f"Host: localhost:{site.port}\r\n"
        f"Authorization: {basic(token_of(alice, name='goes away'))}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
        f"Content-Length: {len(BODY) * 10}\r\n\r\n"
    )
    incoming_root = site.data / "incoming"
    with socket.create_connection(("127.0.0.1", site.port)) as client:
        client.sendall(head.encode() + BODY[:250_000] + b"x" * 1_000_000)
        end = time.monotonic() + 20
        while not list(incoming_root.glob("*")) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(incoming_root.glob("*"))  # it has begun
    end = time.monotonic() + 20
    while list(incoming_root.glob("*")) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(incoming_root.glob("*"))
    assert site.is_healthy()
    assert "Traceback" not in site.errors("server")
