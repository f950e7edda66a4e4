"""From registration to the first upload, with real SMTP, on a site that sends mail."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import pytest

from audit.log import verify
from audit.models import Event
from projects.models import File
from tests.clients.test_tools import put, twine
from tests.demo import PASSWORD, Browser, StepFailed
from tests.support.artifacts import make_wheel
from tests.support.mailbox import Mailbox, text_of
from tests.support.people import totp
from tests.support.server import Site, StartSite

pytestmark = [pytest.mark.clients, pytest.mark.once]


def register(site: Site, browser: Browser, mailbox: Mailbox) -> None:
    """Make an account, and verify its address with the link that comes by mail."""
    browser.get("/account/register/")
    browser.post(username="rosa", email="rosa@example.org", password=PASSWORD)
    (mail,) = mailbox.wait_for(1)
    assert mail["To"] == "rosa@example.org"
    link = re.search(rf"{site.url}/account/verify/\?link=\S+", text_of(mail))
    assert link, text_of(mail)
    browser.get(link.group())
    browser.post()
    browser.require("is verified")


def enrol(browser: Browser) -> bytes:
    """Add an authenticator app and keep recovery codes; the app's secret."""
    browser.get("/account/apps/add/")
    key = re.search(r'class="secret">([A-Z2-7 ]+)<', browser.text)
    assert key
    secret = base64.b32decode(key.group(1).replace(" ", ""))
    browser.post(label="phone", code=totp(secret, int(time.time() // 30)))
    browser.post_to("/account/recovery-codes/make/")
    codes = re.findall(r"<code>([0-9a-f-]{19})</code>", browser.text)
    browser.post_to("/account/recovery-codes/", code=codes[0])
    return secret


def make_token(browser: Browser) -> str:
    """Make an API token for all projects."""
    browser.get("/account/tokens/make/")
    browser.post(
        name="laptop", scope="account", actions=["upload", "create"], expiry="90", confirm="1"
    )
    found = re.search(r"pypi-[\w-]{80,}", browser.text)
    assert found
    return found.group()


def test_a_newcomer_gets_from_registration_to_the_first_upload(
    start_site: StartSite, mailbox: Mailbox, tmp_path: Path
) -> None:
    settings = {"EMAIL_URL": mailbox.url, "REGISTRATION": "open"}
    with start_site(environment=settings, with_worker=True) as site:
        browser = Browser(site.url)
        register(site, browser, mailbox)
        browser.get("/account/tokens/make/")
        browser.require("Add a second factor before you make an API token.")
        enrol(browser)
        token = make_token(browser)
        result = twine(site, tmp_path, token, put(tmp_path, make_wheel("rose", "1.0")))
        assert result.is_well, result.line
        mailbox.wait_for(4)  # the address, the app, the codes, the token
        with site.database.as_default():
            assert File.objects.get().uploaded_by == "rosa"
            assert verify() is None
            families = {event.kind.partition(":")[0] for event in Event.objects.all()}
        assert {"account", "sign-in", "token", "project"} <= families
        assert token not in site.errors("server") + site.errors("worker")


def test_a_stranger_reads_the_index_and_nothing_else(site: Site) -> None:
    browser = Browser(site.url)
    browser.get("/")
    browser.get("/simple/")
    browser.get("/account/security/")
    assert "/account/sign-in/" in browser.url
    with pytest.raises(StepFailed):
        browser.get("/manage/project/unknown/nothing/")
