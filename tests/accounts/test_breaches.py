"""The list of breached passwords, asked over HTTP as it is in real life."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from accounts import breaches
from accounts.breaches import is_breached
from tests.accounts.doors import text_of_page
from tests.support.mailbox import free_port
from tests.support.people import Person

Browser = Callable[..., Client]
PASSWORD = "ferry lantern gravel teapot"
DIGEST = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()


class BreachList:
    """A server of breached passwords.

    Attributes:
        answer: what it sends; or a function that sends it, given the handler.
        asked: paths and headers of all requests.
    """

    def __init__(self) -> None:
        self.answer: Any = f"{DIGEST[5:]}:7\r\n"
        self.status = 200
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                if callable(outer.answer):
                    outer.answer(self)
                    return
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.answer.encode())

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/range/"


@pytest.fixture
def breach_list(settings: Any) -> Iterator[BreachList]:
    """A list that has one password, and is asked by this site."""
    made = BreachList()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings.BREACHED_PASSWORDS_URL = made.url
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.once
def test_a_password_on_the_list_is_found(breach_list: BreachList) -> None:
    assert is_breached(PASSWORD)
    assert not is_breached(f"{PASSWORD} of mine")


@pytest.mark.once
def test_only_five_digits_of_the_digest_are_sent(breach_list: BreachList) -> None:
    is_breached(PASSWORD)
    ((path, headers),) = breach_list.asked
    assert path == f"/range/{DIGEST[:5]}"
    assert headers["Add-Padding"] == "true"
    assert DIGEST[5:] not in str(headers)
    assert PASSWORD not in str(headers)


@pytest.mark.once
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (f"{'0' * 35}:1\r\n{DIGEST[5:]}:1\r\n", True),
        (f"{DIGEST[5:].lower()}:3\n", True),
        (f"{DIGEST[5:]}:0\r\n", False),  # padding
        (f"{DIGEST[5:]} : 0 \r\n", False),
        (f"{DIGEST[6:]}:9\r\n", False),
        ("", False),
        ("<html>not a list</html>", False),
        ("\u00e9:1", False),
    ],
)
def test_what_an_answer_says(breach_list: BreachList, answer: str, expected: bool) -> None:
    breach_list.answer = answer
    assert is_breached(PASSWORD) is expected


@pytest.mark.once
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_list_that_refuses_keeps_nobody_out(breach_list: BreachList, status: int) -> None:
    breach_list.status = status
    assert not is_breached(PASSWORD)


def _drip(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _number in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def _hang(handler: Any) -> None:
    time.sleep(5)


def _flood(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _number in range(100):
        handler.wfile.write(b"x" * 100_000)


def _cut_off(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x")


def _talk_nonsense(handler: Any) -> None:
    handler.wfile.write(b"nonsense\r\n\r\n")


@pytest.mark.once
@pytest.mark.parametrize("answer", [_drip, _hang, _flood, _cut_off, _talk_nonsense])
def test_a_list_that_does_not_answer_as_it_should_is_given_up_soon(
    breach_list: BreachList, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(breaches, "TIMEOUT", 0.3)
    breach_list.answer = answer
    started = time.monotonic()
    assert not is_breached(PASSWORD)
    assert time.monotonic() - started < 1.5


@pytest.mark.once
def test_a_list_that_is_not_there_keeps_nobody_out(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BREACHED_PASSWORDS_URL = f"http://127.0.0.1:{free_port()}/"
    with caplog.at_level(logging.INFO):
        assert not is_breached(PASSWORD)
    assert "did not answer" in caplog.text
    assert DIGEST[:5] not in caplog.text


@pytest.mark.once
def test_without_a_list_nothing_is_asked(settings: Any) -> None:
    assert settings.BREACHED_PASSWORDS_URL == ""
    assert not is_breached(PASSWORD)


def test_a_breached_password_cannot_be_set(
    breach_list: BreachList, browser: Browser, alice: Person
) -> None:
    page = browser(alice).post("/account/password/", {"password": PASSWORD})
    assert "stolen from other sites" in text_of_page(page)
    assert alice.fresh_user.check_password(alice.password)


def test_a_weak_password_is_not_even_asked_for(
    breach_list: BreachList, browser: Browser, alice: Person
) -> None:
    browser(alice).post("/account/password/", {"password": "password"})
    assert breach_list.asked == []


def test_a_breached_password_makes_no_account(
    breach_list: BreachList, browser: Browser, settings: Any, sam: Person
) -> None:
    settings.REGISTRATION = "open"
    form = {"username": "zoe", "email": "z@example.org", "password": PASSWORD}
    page = browser().post("/account/register/", form)
    assert "stolen from other sites" in text_of_page(page)
