"""A person's whole way through the site in a real browser, without JavaScript, wide and narrow."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from projects.models import File
from tests.clients.test_tools import put, twine
from tests.support.artifacts import make_wheel
from tests.support.chromium import OpenPage, in_turns, require_sound, shown_key
from tests.support.people import totp
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
PASSWORD = "copper meadow lantern tide"


class Authenticator:
    """An authenticator app that never shows one code twice: steps t-1, t, t+1 in rising order."""

    def __init__(self, key: str) -> None:
        self.secret = base64.b32decode(key)
        self._step = int(time.time() // 30) - 2

    def code(self) -> str:
        """The next code."""
        self._step = max(self._step + 1, int(time.time() // 30) - 1)
        return totp(self.secret, self._step)


def send(page: Page, button: str = "main button[type=submit]") -> None:
    """Press a form's button; the page that comes must be sound."""
    with page.expect_navigation():
        page.locator(button).first.click()
    require_sound(page)


def setup_link(site: Site) -> str:
    """What the operator sees on the terminal."""
    result = site.manage("setup_link")
    found = re.search(r"http\S+", result.stdout)
    assert found, result.stderr
    return found.group()


@in_turns("javascript", "phone")
def test_from_the_set_up_link_to_the_audit_log(
    fresh_site: Site, open_page: OpenPage, tmp_path: Path, width: int, javascript: bool
) -> None:
    page = open_page(width=width, javascript=javascript)
    app = _set_up(page, fresh_site)
    _sign_out_and_in(page, fresh_site, app)
    token = _make_token(page, fresh_site)
    result = twine(fresh_site, tmp_path, token, put(tmp_path, make_wheel("journey", "1.0")))
    assert result.is_well, result.line
    assert File.objects.get().uploaded_by == "ada"
    _look_around(page, fresh_site)
    _revoke(page, fresh_site)
    refused = twine(fresh_site, tmp_path, token, put(tmp_path, make_wheel("journey", "1.1")))
    assert "revoked" in refused.line
    _read_history(page, fresh_site)


def _set_up(page: Page, site: Site) -> Authenticator:
    page.goto(setup_link(site))
    require_sound(page)
    app = Authenticator(shown_key(page))
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Mail address").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("input[autocomplete=one-time-code]").fill("000000")
    send(page)
    assert Authenticator(shown_key(page)).secret == app.secret
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("input[autocomplete=one-time-code]").fill(app.code())
    send(page)
    expect(page).to_have_url(re.compile("/account/recovery-codes/"))
    page.goto(f"{site.url}/account/tokens/")
    expect(page).to_have_url(re.compile("/account/recovery-codes/"))  # nothing before that
    send(page, "form[action$='/make/'] button")
    codes = page.locator(".codes code").all_inner_texts()
    assert len(set(codes)) == 8
    page.get_by_label("One of the codes").fill(codes[0].upper())
    send(page, "form:has(input[name=code]) button")
    expect(page).to_have_url(re.compile("/account/security/"))
    return app


def _sign_out_and_in(page: Page, site: Site, app: Authenticator) -> None:
    send(page, "form[action$='/sign-out/'] button")
    page.goto(f"{site.url}/account/tokens/")
    require_sound(page)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    send(page)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    send(page)
    page.locator("input[autocomplete=one-time-code]").fill(app.code())
    send(page)
    expect(page).to_have_url(f"{site.url}/account/tokens/")


def _make_token(page: Page, site: Site) -> str:
    page.goto(f"{site.url}/account/tokens/make/")
    require_sound(page)
    assert page.locator("input:checked").count() == 1  # when it ends, and nothing that it may do
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_label("All my projects").check()
    page.get_by_label("Upload new releases").check()
    page.get_by_label("Create projects").check()
    send(page)
    expect(page.locator(".meaning")).to_contain_text("all your projects, also future ones until")
    send(page)
    token = page.locator(".copy.token").first.inner_text()
    found = re.search(r"pypi-[\w-]{80,}", token)
    assert found, token
    page.goto(f"{site.url}/account/tokens/")
    assert found.group() not in page.content()
    require_sound(page)
    return found.group()


def _look_around(page: Page, site: Site) -> None:
    for path in (
        "/",
        "/project/journey/",
        "/manage/projects/",
        "/manage/project/journey/history/",
        "/account/security/",
        "/account/apps/add/",
        "/account/recovery-codes/",
        "/legacy/",
        "/account/tokens/make/",
        "/nowhere/",
    ):
        page.goto(site.url + path)
        require_sound(page)
    page.goto(f"{site.url}/project/journey/")
    assert f"--index-url {site.url}/simple/" in page.content()


def _revoke(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/account/tokens/")
    with page.expect_navigation():
        page.get_by_role("link", name="Revoke").first.click()
    require_sound(page)
    send(page)
    expect(page).to_have_url(f"{site.url}/account/tokens/")


def _read_history(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/account/history/")
    require_sound(page)
    history = page.locator("ol.history").inner_text()
    for words in (
        "registered",
        "became an administrator",
        "recovery codes",
        "signed in",
        "API token laptop",
        "journey",
        "revoked",
    ):
        assert words in history, words
    page.goto(f"{site.url}/admin/audit/event/")
    expect(page.locator("table.events")).to_contain_text("made the API token laptop")
    page.goto(f"{site.url}/admin/audit/event/?q=ada,journey")
    expect(page.locator("table.events")).to_contain_text("journey")
    page.goto(f"{site.url}/admin/")
    expect(page.locator("h1").first).to_be_visible()


def test_pages_hold_in_the_dark(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page(width=390, dark=True)
    page.goto(setup_link(fresh_site))
    require_sound(page)
    for path in ("/", "/account/sign-in/", "/account/register/"):
        page.goto(fresh_site.url + path)
        require_sound(page)


def test_oathtool_agrees_about_the_key(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(setup_link(fresh_site))
    key = shown_key(page)
    result: Any = subprocess.run(
        ["oathtool", "--totp", "--base32", key], capture_output=True, text=True, check=True
    )
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Mail address").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("input[autocomplete=one-time-code]").fill(result.stdout.strip())
    send(page)
    expect(page).to_have_url(re.compile("/account/recovery-codes/"))
