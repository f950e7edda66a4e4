"""Many clients that send slowly do not keep the others waiting."""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from typing import Any

import pytest

from projects.models import File
from tests.support.artifacts import make_wheel
from tests.support.people import make_person
from tests.support.server import Site, StartSite
from tests.support.uploading import basic, token_of
from tests.uploads.test_crashes import multipart, send

pytestmark = [pytest.mark.long, pytest.mark.once]
SLOW_CLIENTS = 30
RATE = 20 * 1024  # bytes a second
LASTS = 20  # seconds
SLOWEST = 2.0  # seconds


def send_slowly(site: Site, token: str, project: str, answers: list[bytes]) -> None:
    """Upload a wheel of so many bytes that it takes LASTS seconds."""
    artifact = make_wheel(project, "1.0", files={"big/data.bin": os.urandom(RATE * LASTS)})
    content_type, body = multipart(project, artifact)
    head = (
        f"POST /legacy/ HTTP/1.1\r\nHost: localhost:{site.port}\r\n"
        f"Authorization: {basic(token)}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.sendall(head)
        for at in range(0, len(body), RATE // 2):
            connection.sendall(body[at : at + RATE // 2])
            time.sleep(0.5)
        answers.append(connection.recv(4096))


def test_slow_clients_do_not_keep_others_waiting(
    start_site: StartSite, django_db_blocker: Any
) -> None:
    with (
        start_site(environment={"WEB_WORKERS": "2", "WEB_THREADS": "40"}) as site,
        django_db_blocker.unblock(),
        site.database.as_default(),
    ):
        token = token_of(make_person("alice"))
        answers: list[bytes] = []
        threads = [
            threading.Thread(target=send_slowly, args=(site, token, f"slow-{n:02}z", answers))
            for n in range(SLOW_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        times, number = [], 0
        while any(thread.is_alive() for thread in threads) and len(answers) < 1:
            began = time.monotonic()
            assert send(site, token, "quick", make_wheel("quick", f"1.{number}")) == 200
            times.append(time.monotonic() - began)
            number += 1
            time.sleep(0.02)
        for thread in threads:
            thread.join()
        assert len(times) > 30
        assert statistics.quantiles(times, n=100)[98] < SLOWEST, sorted(times)[-5:]
        assert len(answers) == SLOW_CLIENTS
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
        assert File.objects.count() == SLOW_CLIENTS + number
