"""Headers of every kind of page, the cookies, and what is said to whoever keeps one back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import UserSession
from tests.accounts.doors import SIGN_IN, give_code, give_password, is_signed_in, text_of_page
from tests.support.people import Person, code_for
from tests.support.server import ROOT

Browser = Callable[..., Client]
PAGES = ["/", SIGN_IN, "/account/security/", "/account/sessions/", "/admin/", "/nowhere/"]
SESSION, CSRF, DEVICE = (
    settings.SESSION_COOKIE_NAME,
    settings.CSRF_COOKIE_NAME,
    settings.DEVICE_COOKIE_NAME,
)


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_no_script_and_no_style_but_those_of_the_site(
    browser: Browser, sam: Person, path: str
) -> None:
    response = browser(sam).get(path)
    policy = response["Content-Security-Policy"]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'self'"
    assert {rules[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert rules["form-action"] == "'self'"
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "script-src" not in rules
    assert "style-src" not in rules


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_neither_framed_nor_guessed_at_nor_named_to_others(
    browser: Browser, sam: Person, path: str
) -> None:
    response = browser(sam).get(path)
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in response["Permissions-Policy"]


def test_without_tls_nothing_is_said_of_it(browser: Browser, db: None) -> None:
    assert "Strict-Transport-Security" not in browser().get("/")


TLS = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
answer = Client().get("/.well-known/change-password", secure=True, SERVER_NAME="index.example.org")
names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME DEVICE_COOKIE_NAME SESSION_COOKIE_SECURE"
names += " CSRF_COOKIE_SECURE SESSION_COOKIE_DOMAIN CSRF_COOKIE_DOMAIN SESSION_COOKIE_PATH"
found = {name: getattr(settings, name) for name in names.split()}
found |= {"hsts": answer["Strict-Transport-Security"], "to": answer["Location"]}
plain = Client().get("/%00/", SERVER_NAME="index.example.org")  # a proxy that tells nothing of TLS
print(json.dumps(found | {"plain": plain["Strict-Transport-Security"]}))
"""


@pytest.mark.once
def test_behind_tls_cookies_belong_to_this_host_alone() -> None:
    environment = dict(
        os.environ,
        SITE_URL="https://index.example.org",
        DJANGO_SETTINGS_MODULE="indexsite.settings",
    )
    command = [sys.executable, "-c", TLS]
    output = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=60
    )
    found = json.loads(output.stdout)
    assert found["SESSION_COOKIE_NAME"] == "__Host-session"
    assert found["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert found["DEVICE_COOKIE_NAME"] == "__Host-device"
    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is True
    # What the prefix demands, or browsers take no cookie at all
    assert found["SESSION_COOKIE_DOMAIN"] is found["CSRF_COOKIE_DOMAIN"] is None
    assert found["SESSION_COOKIE_PATH"] == "/"
    assert found["hsts"] == found["plain"] == "max-age=31536000"
    assert found["to"] == "/account/password/"


# Cookies


def test_there_are_three_cookies_and_no_more(browser: Browser, alice: Person) -> None:
    client = browser()
    client.get("/")
    assert not client.cookies
    client.get(SIGN_IN)
    assert set(client.cookies) == {SESSION, CSRF}
    give_password(client, alice)
    give_code(client, code_for(alice))
    for path in PAGES:
        client.get(path)
    assert set(client.cookies) == {SESSION, CSRF, DEVICE}
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert (cookie["path"], cookie["domain"]) == ("/", "")


def strict() -> Client:
    """A browser that checks what forms of other sites are refused by."""
    return Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)


def sign_in_form(client: Client, person: Person) -> dict[str, Any]:
    page = client.get(SIGN_IN)
    return {
        "csrfmiddlewaretoken": page.context["csrf_token"],
        "sign_in_view-current_step": "auth",
        "auth-username": person.username,
        "auth-password": person.password,
    }


def test_whoever_keeps_the_csrf_cookie_back_is_told_its_name(alice: Person) -> None:
    client = strict()
    fields = sign_in_form(client, alice)
    del client.cookies[CSRF]
    response = client.post(SIGN_IN, fields)
    assert response.status_code == 403
    assert f"<code>{CSRF}</code>" in text_of_page(response)
    assert f"<code>{SESSION}" not in text_of_page(response)


def test_whoever_keeps_the_session_cookie_back_is_told_its_name(alice: Person) -> None:
    client = strict()
    fields = sign_in_form(client, alice)
    del client.cookies[SESSION]
    for path in (SIGN_IN, "/account/sign-in/passkey/"):
        response = client.post(path, fields)
        assert response.status_code == 403
        assert f"<code>{SESSION}</code>" in text_of_page(response)
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_nobody_needs_the_device_cookie(alice: Person) -> None:
    client = strict()
    fields = sign_in_form(client, alice)
    page = client.post(SIGN_IN, fields)
    fields = {
        "csrfmiddlewaretoken": page.context["csrf_token"],
        "sign_in_view-current_step": "token",
        "token-otp_token": code_for(alice),
    }
    assert client.post(SIGN_IN, fields).status_code == 302
    del client.cookies[DEVICE]
    assert is_signed_in(client)


def test_a_form_of_another_site_is_told_nothing_of_cookies(alice: Person) -> None:
    client = strict()
    fields = sign_in_form(client, alice) | {"csrfmiddlewaretoken": "x" * 32}
    response = client.post(SIGN_IN, fields)
    assert response.status_code == 403
    assert "no longer valid" in text_of_page(response)
    assert "<code>" not in text_of_page(response)


# Password managers


def test_password_managers_find_the_page_for_changing_the_password(
    browser: Browser, alice: Person
) -> None:
    response = browser(alice).get("/.well-known/change-password")
    assert (response.status_code, response["Location"]) == (302, "/account/password/")
    assert browser(alice).get(response["Location"]).status_code == 200
