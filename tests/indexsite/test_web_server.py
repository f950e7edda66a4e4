"""The web server's configuration, under a small application."""

from __future__ import annotations

import http.client
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.mailbox import free_port
from tests.support.server import ROOT

pytestmark = pytest.mark.once

APPLICATION = """
import os
def application(environ, start_response):
    is_early = environ["PATH_INFO"] == "/early"
    body = b"" if is_early else environ["wsgi.input"].read()
    body += environ["wsgi.url_scheme"].encode()
    handed_on = ("X-Handed-On", os.environ["HANDED_ON"])
    process = ("X-Process", str(os.getpid()))
    start_response("200 Body read", [("Content-Length", str(len(body))), handed_on, process])
    return [body]
"""
COUNTING = """
class CountingWorker(Worker):
    def enqueue_req(self, conn):
        os.environ["HANDED_ON"] = str(int(os.environ.get("HANDED_ON", 0)) + 1)
        super().enqueue_req(conn)
worker_class = CountingWorker
"""


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    return free_port()


@contextmanager
def serving(tmp_path: Path, port: int, processes: int, more: str = "") -> Iterator[int]:
    """The port of a gunicorn that waits 2 s for silent clients instead of 60.

    Args:
        more: further lines of its configuration.
    """
    text = (ROOT / "indexsite" / "gunicorn.py").read_text()
    assert "SILENCE_LIMIT = 60" in text
    (tmp_path / "configuration.py").write_text(
        text.replace("SILENCE_LIMIT = 60", "SILENCE_LIMIT = 2") + COUNTING + more
    )
    (tmp_path / "small.py").write_text(APPLICATION)
    environment = {**os.environ, "PORT": str(port), "WEB_WORKERS": str(processes)}
    environment |= {"HOST": "127.0.0.1", "ACCESS_LOG": "1"}
    command = [sys.executable, "-m", "gunicorn", "small:application", "--config"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "configuration.py"], env=environment, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[int]:
    """The port of one process."""
    with serving(tmp_path, port, 1) as found:
        yield found


def process_of(connection: http.client.HTTPConnection) -> int:
    """The process that answers on a connection, which stays open."""
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    return int(answer.headers["X-Process"])


def client_of(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def test_a_client_goes_to_the_process_that_has_fewer(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port, 2, "TURN = 0.2\n"):  # on a busy machine, a turn takes longer
        seen: set[int] = set()
        while len(seen) < 2:  # one of them starts before the other
            with closing(client_of(port)) as client:
                seen.add(process_of(client))
        clients = [client_of(port) for _number in range(40)]
        processes = [process_of(client) for client in clients]
        lead = accumulate(1 if one == processes[0] else -1 for one in processes)
        assert max(map(abs, list(lead)[10:])) <= 2  # those that were closed count for a moment
        for client in clients:
            client.close()


def test_nobody_waits_for_a_process_that_has_ended() -> None:
    configuration = runpy.run_path(str(ROOT / "indexsite" / "gunicorn.py"))
    connections, ended = configuration["_connections"], SimpleNamespace(age=300)
    connections[300 % len(connections)] = 0
    configuration["child_exit"](None, ended)
    assert not [count for count in connections if count != configuration["_NONE"]]


def send(port: int, request: bytes) -> socket.socket:
    """A connection on which this much of a request was sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(request)
    return connection


def ask(port: int, path: bytes = b"/") -> bytes:
    """The whole answer to a request that is not kept waiting."""
    with send(
        port,
        b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n"
        b"Connection: close\r\n\r\n",
    ) as connection:
        return connection.makefile("rb").read()


def test_who_is_answered_before_a_large_body_was_read_gets_the_whole_answer(server: int) -> None:
    size = 20_000_000
    head = f"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    with send(server, head + bytes(size)) as connection:  # all of it, before anything is read
        assert connection.makefile("rb").read().endswith(b"\r\n\r\nhttp")


def send_slowly(connection: socket.socket) -> None:
    for _turn in range(60):
        connection.sendall(bytes(1000))
        time.sleep(0.1)


def test_who_goes_on_sending_for_ever_is_left(tmp_path: Path, port: int) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"
    with (
        serving(tmp_path, port, 1, "LONGEST_LEAVE = 1\n"),
        send(port, head + bytes(200_000)) as connection,
        pytest.raises((BrokenPipeError, ConnectionResetError)),
    ):
        send_slowly(connection)


def handed_on(connection: http.client.HTTPConnection) -> int:
    """How many of a hundred requests, each sent once the one before is answered, are handed on."""
    counts = []
    for _request in range(101):
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        counts.append(int(answer.headers["X-Handed-On"]))
    return counts[-1] - counts[0]


def test_a_thread_stays_with_a_client_unless_there_are_many(server: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=20)
    assert handed_on(connection) < 90  # the rest asked within the moment
    others = [http.client.HTTPConnection("127.0.0.1", server, timeout=20) for _ in range(8)]
    for other in others:
        other.request("GET", "/")
        other.getresponse().read()
    assert handed_on(connection) >= 100
    for each in (connection, *others):
        each.close()


def test_thirty_slow_uploads_keep_nobody_waiting(server: int) -> None:
    part = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"
    slow = [send(server, part) for _ in range(30)]
    began = time.monotonic()
    assert ask(server)
    assert time.monotonic() - began < 1
    for connection in slow:
        connection.close()


def test_thirty_clients_that_never_close_keep_nobody_waiting(server: int) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    slow = [send(server, whole) for _ in range(30)]
    time.sleep(0.3)
    began = time.monotonic()
    assert ask(server)
    assert time.monotonic() - began < 1
    for connection in slow:
        connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_client_that_falls_silent_is_shut_out(server: int, tmp_path: Path) -> None:
    began = time.monotonic()
    with send(server, b"GET / HT") as connection:
        assert connection.recv(1) == b""
    assert 1.5 < time.monotonic() - began < 10
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_stranger_cannot_claim_tls_and_query_strings_are_not_logged(
    server: int, tmp_path: Path
) -> None:
    assert ask(server, b"/path?secret=1").endswith(b"\r\n\r\nhttp")
    for _ in range(100):
        if "GET /path" in (tmp_path / "log").read_text():
            break
        time.sleep(0.05)
    log = (tmp_path / "log").read_text()
    assert "GET /path" in log
    assert "secret" not in log
