"""Files and pages as the real web server sends them: whole, in parts, and to who hangs up."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from projects.models import File
from projects.operations.publishing import create_project, publish_file
from tests.projects.shelves import new_file
from tests.support.artifacts import make_wheel
from tests.support.mailbox import free_port
from tests.support.people import Person, make_person
from tests.support.server import Site, StartSite

SIZE = 3_000_000  # more than is read at once


@pytest.fixture
def file(site: Site, alice: Person, settings: Any) -> File:
    """A large wheel on the shelf of a running site; made once for the file."""
    settings.FILES_ROOT = site.data / "files"
    settings.INCOMING_ROOT = site.data / "incoming"
    settings.INCOMING_ROOT.mkdir(exist_ok=True)
    settings.SITE_URL = site.url
    if File.objects.exists():
        return File.objects.get()
    project = create_project("served", by=alice.actor)
    noise = Random(1).randbytes(SIZE)  # noqa: S311  # that does not get smaller in a wheel
    filename, content = make_wheel("served", "1.0", files={"served.py": noise})
    assert len(content) > SIZE
    return publish_file(project, new_file(filename, content), by=alice.actor)


@pytest.fixture
def server(site: Site) -> Iterator[http.client.HTTPConnection]:
    """One connection, kept alive over several requests."""
    connection = http.client.HTTPConnection("localhost", site.port, timeout=30)
    yield connection
    connection.close()


def ask(
    server: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    server.request(method, path, headers=sent)
    response = server.getresponse()
    return response.status, response.headers, response.read()


def test_a_large_file_arrives_whole_and_in_parts_over_one_connection(
    file: File, server: http.client.HTTPConnection, site: Site
) -> None:
    path = f"/files/{file.path}/{file.filename}"
    stored = (site.data / "files" / file.path).read_bytes()
    for _turn in range(2):
        status, headers, body = ask(server, path)
        assert (status, body) == (200, stored)
        assert headers["Content-Length"] == str(len(stored))
        for first, last in ((0, 0), (100_000, 2_500_000), (len(stored) - 5, len(stored) - 1)):
            status, headers, body = ask(server, path, Range=f"bytes={first}-{last}")
            assert (status, body) == (206, stored[first : last + 1])
            assert headers["Content-Range"] == f"bytes {first}-{last}/{len(stored)}"
        status, headers, body = ask(server, path, "HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", str(len(stored)))
        status, headers, body = ask(server, path, Range=f"bytes={len(stored)}-")
        assert (status, body) == (416, b"")
        status, headers, body = ask(server, path, If_None_Match=headers.get("ETag", "*"))
        assert (status, body) == (304, b"")


def test_pages_arrive_compressed_and_are_not_sent_twice(
    file: File, server: http.client.HTTPConnection
) -> None:
    accepted = {"Accept": "application/vnd.pypi.simple.v1+json", "Accept_Encoding": "gzip"}
    for path in ("/simple/served/", "/simple/"):
        status, headers, body = ask(server, path, **accepted)
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert json.loads(gzip.decompress(body))["meta"]["api-version"] == "1.4"
        status, headers, body = ask(server, path, If_None_Match=headers["ETag"], **accepted)
        assert (status, body) == (304, b"")
        status, headers, body = ask(server, path, "HEAD", **accepted)
        assert (status, body) == (200, b"")
        assert int(headers["Content-Length"]) > 0


def test_who_hangs_up_in_the_middle_harms_nobody(file: File, site: Site) -> None:
    path = f"/files/{file.path}/{file.filename}"
    for _turn in range(20):
        rude = http.client.HTTPConnection("localhost", site.port, timeout=30)
        rude.request("GET", path)
        rude.getresponse().read(10)
        rude.close()
    kind = http.client.HTTPConnection("localhost", site.port, timeout=30)
    status, _headers, body = ask(kind, path)
    kind.close()
    assert (status, len(body)) == (200, file.size)
    assert "Traceback" not in site.errors()


@pytest.mark.parametrize(
    ("accept", "status"), [("\xff\xfe", 200), ("*/*;q=x", 200), (",,,;;;", 200), ("a" * 4000, 200)]
)
def test_odd_headers_are_answered(
    accept: str, status: int, file: File, server: http.client.HTTPConnection
) -> None:
    for path in ("/simple/served/", "/simple/"):
        found = ask(server, path, Accept=accept, Accept_Encoding=accept, If_None_Match=accept)
        assert found[0] == status


# Where files are in a bucket that does not answer


def ask_for_a_file_in_a_bucket(
    start_site: StartSite, django_db_blocker: Any, port: int, *methods: str
) -> tuple[list[tuple[int, http.client.HTTPMessage, bytes]], str]:
    """What a site answers to requests for a file, with its bucket at a port; and its log."""
    environment = {
        "S3_BUCKET": "files",
        "S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "S3_ACCESS_KEY": "somebody",
        "S3_SECRET_KEY": "a-secret-for-tests",
    }
    with (
        start_site(environment=environment) as site,
        django_db_blocker.unblock(),
        site.database.as_default(),
    ):
        by = make_person("alice").actor
        upload = new_file(*make_wheel("served", "1.0"))
        file = publish_file(create_project("served", by=by), upload, by=by)
        connection = http.client.HTTPConnection("localhost", site.port, timeout=300)
        answers = [
            ask(connection, f"/files/{file.path}/{file.filename}", method) for method in methods
        ]
        connection.close()
        return answers, site.errors()


def test_a_bucket_that_is_gone_is_said_in_a_line_with_a_time(
    start_site: StartSite, django_db_blocker: Any
) -> None:
    answers, log = ask_for_a_file_in_a_bucket(
        start_site, django_db_blocker, free_port(), "GET", "HEAD"
    )
    line = b"The storage of this site does not answer at the moment. Try again in some minutes.\n"
    for (status, headers, body), expected in zip(answers, (line, b""), strict=True):
        assert (status, body, headers["Retry-After"]) == (503, expected, "10")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert log.count("served-1.0-py3-none-any.whl could not be read") == 2


@pytest.mark.long
def test_a_silent_bucket_is_asked_once(start_site: StartSite, django_db_blocker: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        port = silent.getsockname()[1]
        answers, _log = ask_for_a_file_in_a_bucket(start_site, django_db_blocker, port, "GET")
        silent.setblocking(False)
        connections = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                connections += 1
    assert answers[0][0] == 503
    assert 1 <= connections <= 3  # the attempts of one request to the bucket, of 30 s each
