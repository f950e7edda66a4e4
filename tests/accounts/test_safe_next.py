"""Where the sign-in page leads afterwards: to this site, whatever `next` says."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.accounts.doors import SIGN_IN
from tests.support.people import Person

pytestmark = pytest.mark.once

Browser = Callable[..., Client]
DEFAULT = "/manage/projects/"

UNSAFE = [
    "",
    "http://example.com",
    "http:///example.com",
    "https://example.com",
    "ftp://example.com",
    "\\\\example.com",
    "\\\\\\example.com",
    "/\\\\/example.com",
    "\\\\//example.com",
    "/\\/example.com",
    "\\/example.com",
    "/\\example.com",
    "http:/\\//example.com",
    "http:\\/example.com",
    "http:/\\example.com",
    'javascript:alert("XSS")',
    "\njavascript:alert(x)",
    "\x08//example.com",
    "\n",
    "view/?param=//example.com",
    "//example.com",
    "///example.com",
    "http://localhost:8000@example.com/",
    "http://localhost:8000.example.com/",
    "//localhost:8000\\@example.com/",
    "http://[::1",
    "/\t/example.com",
    "/\n/example.com",
    " /account/history/",
    "?next=x",
    "x" * 5000,
]
SAFE = [
    "/view/?param=http://example.com",
    "/view?param=ftp://example.com",
    "http://localhost:8000/",
    "HTTP://localhost:8000/",
    "//localhost:8000/",
    "/url%20with%20spaces/",
    "/account/history/?page=2",
]


@pytest.fixture
def client(browser: Browser, alice: Person) -> Client:
    """Somebody who is signed in, and is led past the page at once."""
    return browser(alice)


@pytest.mark.parametrize("target", UNSAFE)
def test_another_site_is_no_place_to_go_on_to(client: Client, target: str) -> None:
    response = client.get(SIGN_IN, {"next": target})
    assert (response.status_code, response["Location"]) == (302, DEFAULT)


@pytest.mark.parametrize("target", SAFE)
def test_a_page_of_this_site_is(client: Client, target: str) -> None:
    response = client.get(SIGN_IN, {"next": target})
    assert (response.status_code, response["Location"]) == (302, target)


def test_of_several_places_the_last_is_looked_at(client: Client) -> None:
    response = client.get(f"{SIGN_IN}?next=/a/&next=//example.com")
    assert response["Location"] == DEFAULT


@pytest.mark.parametrize("target", [*UNSAFE, *SAFE])
def test_a_passkey_leads_to_the_same_places(browser: Browser, db: None, target: str) -> None:
    response = browser().post("/account/sign-in/passkey/", {"answer": "{}", "next": target})
    location = urlsplit(response["Location"])
    assert (location.netloc, location.path) == ("", SIGN_IN)
    kept = parse_qs(location.query).get("next", [""])[0]
    assert kept == (target if target in SAFE else "")


@pytest.mark.parametrize("path", ["/account/history/", "/account/tokens/?x=//example.com"])
def test_whoever_is_sent_to_sign_in_comes_back(browser: Browser, db: None, path: str) -> None:
    response = browser().get(path)
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [path]
