"""“This was not me”, the whole way in a real browser: two devices, the mail, and the way back."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import AuthenticatorApp, EmailAddress, RateCount, User
from accounts.operations import second_factors
from tests.browser.test_journey import PASSWORD, send
from tests.support.chromium import WIDTHS, OpenPage, require_sound, usually
from tests.support.people import Person, code_for, make_person
from tests.support.server import Site, StartSite

pytestmark = [pytest.mark.browser, pytest.mark.once]


def visit(page: Page, site: Site, path: str) -> None:
    page.goto(site.url + path)
    require_sound(page)


def enter(page: Page, site: Site, person: Person, password: str, *, remember: bool = False) -> None:
    """Sign in with a password and a code."""
    visit(page, site, "/account/sign-in/")
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(password)
    send(page)
    page.get_by_label("Code", exact=True).fill(code_for(person))
    if remember:
        page.get_by_label("30 days").check()
    send(page)
    expect(page.locator("h1")).to_contain_text("projects")


def link_in_mail(site: Site, sign: str) -> str:
    """The path of the newest link like `sign` in the mails that the worker has sent."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for path in sorted((site.data / "mail").glob("*.log"), reverse=True):
            message = message_from_bytes(path.read_bytes(), policy=default)
            body = message.get_body(("plain",))
            found = body and re.search(rf"{site.url}(/account/{sign}\S*\?\S+)", body.get_content())
            if found:
                return found.group(1)
        time.sleep(0.2)
    raise AssertionError(f"no mail with {sign}\n{site.errors('worker')}")


def long_ago(person: Person) -> None:
    """Make everything of this account older than what is to come."""
    before = timezone.now() - timedelta(days=90)
    User.objects.filter(pk=person.user.pk).update(joined_at=before)
    AuthenticatorApp.objects.filter(user=person.user).update(created_at=before)
    EmailAddress.objects.filter(user=person.user).update(added_at=before)


@usually(("phone", False), names="kind,javascript", others=[("desktop", True)])
def test_an_intruder_is_thrown_out_by_the_mail_and_the_owner_comes_back(
    start_site: StartSite, open_page: OpenPage, kind: str, javascript: bool
) -> None:
    options = {"width": WIDTHS[kind], "javascript": javascript}
    with start_site(with_worker=True) as site, site.database.as_default():
        alice = make_person("alice")
        long_ago(alice)
        owner, intruder = open_page(**options), open_page(**options)
        _get_in(site, alice, owner, intruder)
        visitor = open_page(**options)
        _deny(site, visitor)
        for page in (owner, intruder):
            page.goto(f"{site.url}/account/security/")
            expect(page.locator("h1")).to_contain_text("Sign in")
        _come_back(site, alice, owner)
        assert alice.fresh_user.uploads_suspended_at is None
        assert [row.name for row in alice.fresh_user.second_factors] == ["phone"]


def _get_in(site: Site, alice: Person, owner: Page, intruder: Page) -> None:
    enter(owner, site, alice, alice.password, remember=True)
    enter(intruder, site, alice, alice.password)
    AuthenticatorApp.objects.create(
        user=alice.user,
        name="of the intruder",
        confirmed=True,
        secret=second_factors.wrap_secret(alice.user, b"twenty bytes of tea!"),
    )

    visit(owner, site, "/account/sessions/")
    expect(owner.locator("table").first.locator("tbody tr")).to_have_count(2)
    expect(owner.locator("main")).to_contain_text("not asked for until")


def _deny(site: Site, page: Page) -> None:
    """What whoever reads the mail does, signed in nowhere."""
    visit(page, site, link_in_mail(site, "not-me"))
    expect(page.locator("main")).to_contain_text("Chrome on Linux")
    send(page, "button.danger")
    expect(page.locator("h1")).to_contain_text("closed to others")
    visit(page, site, link_in_mail(site, "not-me"))  # used up
    expect(page.locator("h1")).to_contain_text("does not work")


def _come_back(site: Site, alice: Person, owner: Page) -> None:
    visit(owner, site, "/account/password/reset/")
    owner.get_by_label("User name or mail address").fill("alice")
    send(owner)
    visit(owner, site, link_in_mail(site, "password/reset/new"))
    owner.locator("input[type=password]").first.fill(PASSWORD)
    send(owner)
    enter(owner, site, alice, PASSWORD)  # the device that was remembered is asked again
    visit(owner, site, "/account/security/")
    owner.get_by_role("link", name="Look through it").click()
    require_sound(owner)
    owner.get_by_role("button", name="Delete of the intruder").click()
    expect(owner.locator("main")).to_contain_text("Nothing is left to look through")
    owner.get_by_role("button", name="Resume uploads").click()
    expect(owner.locator("main")).to_contain_text("Your API tokens can upload.")
    require_sound(owner)


def test_the_page_of_limits(fresh_site: Site, open_page: OpenPage) -> None:
    sam = make_person("sam", is_administrator=True)
    make_person("alice")
    page = open_page()
    visit(page, fresh_site, "/account/sign-in/")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("a wrong one")
    send(page)
    enter(page, fresh_site, sam, sam.password)
    page.goto(f"{fresh_site.url}/admin/accounts/ratecount/")
    expect(page.locator("#result_list")).to_contain_text("1 of 10 in 300 seconds")
    row = page.locator("#result_list tr", has_text=re.compile(r"password\s*alice"))
    row.locator("th a").first.click()
    page.get_by_role("link", name="Clear limit").click()
    require_sound(page)
    page.get_by_label("Reason").fill("it was a slip of theirs")
    page.locator("#content button[type=submit]").click()
    expect(page.locator("body")).to_contain_text("The limit is cleared.")
    assert not [row for row in RateCount.objects.filter(limit="password") if row.whose == "alice"]
