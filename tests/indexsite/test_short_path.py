"""The short path says what Django would have said, and leaves to it what is out of the ordinary."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from indexsite import short_path
from indexsite.short_path import ShortPath, find_answer
from projects import reading
from projects.models import Project
from projects.operations.publishing import create_project
from tests.support.people import Person

ORDINARY = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/simple/",
    "QUERY_STRING": "",
    "SCRIPT_NAME": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "8000",
    "HTTP_HOST": "localhost:8000",
    "REMOTE_ADDR": "192.0.2.1",
    "wsgi.url_scheme": "http",
    "wsgi.errors": io.StringIO(),
}


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Any, settings: Any) -> None:
    settings.INDEX_ROOT = tmp_path / "index"
    reading.root_index.forget()
    reading.pages.clear()


def environ(**changes: Any) -> dict[str, Any]:
    return {**ORDINARY, "wsgi.input": io.BytesIO(), **changes}


def ask(application: Any, **changes: Any) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body of one request to a WSGI application."""
    said: list[Any] = []
    parts: Iterable[bytes] = application(environ(**changes), lambda *args: said.extend(args))
    body = b"".join(parts)
    return said[0], dict(said[1]), body


@pytest.fixture
def whole_way(alice: Person) -> Iterator[Any]:
    """Django's own handler, on a site with one project; it leaves the test its transaction."""
    create_project("foo", by=alice.actor)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield WSGIHandler()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/", "/simple/bar/", "/simple/Foo/"])
@pytest.mark.parametrize("is_secure", [False, True])
def test_both_ways_say_the_same(
    path: str, method: str, is_secure: bool, whole_way: Any, settings: Any
) -> None:
    settings.SITE_IS_SECURE = is_secure
    settings.SECURE_HSTS_SECONDS = 1000 if is_secure else 0
    short_path._headers_for.cache_clear()
    request = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "wsgi.url_scheme": "https" if is_secure else "http",
    }
    short = ask(ShortPath(lambda *args: pytest.fail("It went the whole way.")), **request)
    whole = ask(ShortPath(WSGIHandler()), **request | {"QUERY_STRING": "x"})
    assert short == whole  # its middleware reads the settings when made
    assert bool(short[2]) == (method == "GET" and path != "/simple/Foo/")
    short_path._headers_for.cache_clear()


class Body(list[bytes]):
    """An answer that notes its end."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_head_is_given_no_content(method: str) -> None:
    """The web server would drop it, and write that into the log each time."""
    body = Body([b"page"])

    def answer(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [("Content-Length", "4")])
        return body

    told = ask(ShortPath(answer), PATH_INFO="/", REQUEST_METHOD=method)
    assert told == ("200 OK", {"Content-Length": "4"}, b"page" if method == "GET" else b"")
    assert body.is_closed == (method == "HEAD")  # of others, the web server does that


@pytest.mark.parametrize(
    "changes",
    [
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "OPTIONS"},
        {"QUERY_STRING": "a=%00"},
        {"SCRIPT_NAME": "/mounted"},
        {"HTTP_HOST": "evil.example.org"},
        {"HTTP_HOST": ""},
        {"HTTP_HOST": "local host"},
        {"PATH_INFO": "/"},
        {"PATH_INFO": "/simple"},
        {"PATH_INFO": "/simple/foo"},
        {"PATH_INFO": "/simple/f\xc3\xb6\xc3\xb6/"},
        {"PATH_INFO": "/simple/fo\x00/"},
        {"PATH_INFO": "/simple/foo/bar/"},
        {"PATH_INFO": "/files/aa/aa/../x"},
        {"PATH_INFO": "/files/"},
    ],
    ids=str,
)
def test_what_is_out_of_the_ordinary_goes_the_whole_way(changes: Any, db: None) -> None:
    assert find_answer(environ(**changes)) is None


def test_a_request_that_fails_on_the_short_path_goes_the_whole_way(
    whole_way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "answer", fail)
    status, _headers, body = ask(ShortPath(whole_way), PATH_INFO="/simple/foo/")
    assert status == "200 OK"
    assert b"Links for foo" in body


def test_a_change_shows_on_the_next_request(whole_way: Any) -> None:
    first = ask(ShortPath(whole_way), PATH_INFO="/simple/foo/")
    Project.objects.update(serial=4711, status="archived")
    second = ask(ShortPath(whole_way), PATH_INFO="/simple/foo/")
    assert first[1]["ETag"] != second[1]["ETag"]
    assert b'content="archived"' in second[2]
