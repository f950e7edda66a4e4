"""The pages that the journey does not come by: held to the same rules, wide and narrow."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.links import sign_address
from accounts.login import SUDO_AT
from accounts.models import EmailAddress
from accounts.sessions import SessionStore
from indexsite.gauges import measure
from indexsite.jobs import count_events
from indexsite.publishing import turn_public_numbers
from tests.browser.test_journey import PASSWORD, send
from tests.support.chromium import OpenPage, in_turns, require_sound, usually
from tests.support.people import Person, code_for, make_person, sign_in
from tests.support.server import Site, StartSite
from tests.tokens.keys import project_of

# In Django's admin the label of the search field is a picture, and some columns have no heading.
DJANGOS_OWN = ("label-title-only", "empty-table-header")
pytestmark = [pytest.mark.browser, pytest.mark.once]


def open_session(page: Page, site: Site, person: Person, *, sudo: bool = True) -> None:
    """Give the browser a session of that person, with sudo mode or after its end."""
    client = Client()
    sign_in(client, person)
    key = client.cookies["session"].value
    if not sudo:
        session = SessionStore(key)
        session[SUDO_AT] = int(time.time()) - 3600
        session.save()
    page.context.add_cookies([{"name": "session", "value": key, "url": site.url}])


def visit(page: Page, site: Site, path: str) -> None:
    """Open a page, which must be sound."""
    page.goto(site.url + path)
    require_sound(page, without=DJANGOS_OWN if path.startswith("/admin/") else ())


@in_turns("javascript", "phone")
def test_pages_of_an_account_that_is_new(
    start_site: StartSite, open_page: OpenPage, width: int, javascript: bool
) -> None:
    with start_site(environment={"REGISTRATION": "open"}) as site, site.database.as_default():
        page = open_page(width=width, javascript=javascript)
        visit(page, site, "/account/register/")
        page.get_by_label("User name").fill("a b")
        page.get_by_label("Mail address").fill("nora@example.org")
        page.get_by_label("Password").fill("secret")
        send(page)
        page.get_by_label("User name").fill("nora")
        page.get_by_label("Password").fill(PASSWORD)
        send(page)
        expect(page.locator("main")).to_contain_text("not verified")
        visit(page, site, "/account/apps/add/")
        address = EmailAddress.objects.get(address="nora@example.org")
        link = urlencode({"link": sign_address(address)})
        visit(page, site, f"/account/verify/?{link}")
        send(page)
        visit(page, site, "/account/verify/?link=broken")
        visit(page, site, "/account/tokens/")
        visit(page, site, "/account/register/?link=broken")


@in_turns("javascript", "desktop")
def test_pages_that_ask_again(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    alice = make_person("alice")
    page = open_page(width=width, javascript=javascript)
    open_session(page, fresh_site, alice, sudo=False)
    visit(page, fresh_site, "/account/tokens/make/")
    expect(page.locator("h1")).to_contain_text("Confirm")
    page.get_by_label("Code from").fill("000000")
    send(page)
    page.get_by_label("Code from").fill(code_for(alice))
    send(page)
    assert urlsplit(page.url).path == "/account/tokens/make/"
    visit(page, fresh_site, f"/account/apps/{alice.app.pk}/remove/")
    visit(page, fresh_site, "/account/set-up/?link=broken")


@usually((1280, False), names="width,dark", others=[(390, True), (1280, True), (390, False)])
def test_what_staff_find_and_do(
    fresh_site: Site, open_page: OpenPage, width: int, dark: bool
) -> None:
    """Pages in states that `test_every_staff_page` does not come by."""
    sam, alice = make_person("sam", is_administrator=True), make_person("alice")
    EmailAddress.objects.filter(user=alice.user).update(verified_at=None)
    project_of(alice, "seagull")
    address = EmailAddress.objects.get(user=alice.user)
    measure()
    count_events()
    turn_public_numbers(True, reason="Our users asked for them.", by=sam.actor)
    page = open_page(width=width, dark=dark)
    open_session(page, fresh_site, sam)
    for path in (
        "/admin/",
        "/admin/numbers/",
        "/stats/",
        "/admin/audit/event/?q=sam,session&network=192.0.2.0/24",
        "/admin/audit/event/?network=nowhere",
        "/admin/accounts/user/?q=alice",
        f"/admin/accounts/user/{alice.user.pk}/change/",
        "/admin/events/freeze-all/?project=seagull",
        "/admin/events/freeze-all/?actor=nobody",
    ):
        visit(page, fresh_site, path)
    page.goto(f"{fresh_site.url}/admin/accounts/emailaddress/{address.pk}/change/")
    page.get_by_role("link", name="Declare a mail address verified").click()
    require_sound(page)
    page.get_by_label("Reason").fill("she showed her passport")
    page.get_by_role("button", name="Declare a mail address verified").click()
    expect(page.locator("body")).to_contain_text("is verified")
    assert EmailAddress.objects.get(user=alice.user).verified_at
