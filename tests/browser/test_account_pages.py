"""What people do with their accounts, on a desktop with JavaScript and on a phone without."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.links import sign_address
from accounts.models import EmailAddress, KnownDevice, User
from tests.browser.test_journey import send
from tests.browser.test_other_pages import open_session, visit
from tests.browser.test_token_pages import press_twice
from tests.support.chromium import OpenPage, usually
from tests.support.people import code_for, make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
NEW_PASSWORD = "seven quiet herons by the weir"
PLACES = usually((390, False), names="width,javascript", others=[(1280, True)])


def at(page: Page, path: str) -> bool:
    """Whether this is the page that is shown."""
    return urlsplit(page.url).path == path


@PLACES
def test_a_password_is_changed(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"changer{width}")
    page, other = open_page(width=width, javascript=javascript), open_page()
    open_session(page, site, person)
    open_session(other, site, person)
    visit(page, site, "/account/password/")
    page.get_by_label("New password").fill("short")
    send(page)
    assert at(page, "/account/password/")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    send(page)
    assert at(page, "/account/security/")
    assert User.objects.get(pk=person.user.pk).check_password(NEW_PASSWORD)
    other.goto(f"{site.url}/account/security/")
    assert at(other, "/account/sign-in/")


def test_a_second_press_does_not_lose_the_sign_in(site: Site, open_page: OpenPage) -> None:
    person = make_person("hasty")
    page = open_page()
    visit(page, site, "/account/sign-in/")
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password", exact=True).fill(person.password)
    send(page)
    page.get_by_label("Code").fill(code_for(person))
    press_twice(page, "main form button[type=submit]:not([name])", "**/account/sign-in/")
    page.goto(f"{site.url}/account/security/")
    assert at(page, "/account/security/")


@PLACES
def test_an_address_is_added_made_primary_and_removed(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"mover{width}")
    page = open_page(width=width, javascript=javascript)
    open_session(page, site, person)
    visit(page, site, "/account/addresses/add/")
    page.get_by_label("Mail address").fill(f"second{width}@example.org")
    send(page)
    expect(page.locator("main")).to_contain_text("not verified")
    added = EmailAddress.objects.get(address=f"second{width}@example.org")
    link = urlencode({"link": sign_address(added)})
    visit(page, site, f"/account/verify/?{link}")
    send(page)
    visit(page, site, f"/account/addresses/{added.pk}/primary/")
    send(page)
    former = EmailAddress.objects.get(user=person.user, is_primary=False)
    visit(page, site, f"/account/addresses/{former.pk}/remove/")
    send(page)
    assert [row.address for row in person.fresh_user.email_addresses.all()] == [added.address]


@PLACES
def test_a_history_is_filtered(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"reader{width}")
    page = open_page(width=width, javascript=javascript)
    open_session(page, site, person)
    visit(page, site, "/account/history/")
    page.get_by_label("From").fill("2001-01-01")
    page.get_by_label("Until").fill("2001-01-02")
    send(page, "form.filter button")
    expect(page.locator("main")).to_contain_text("Nothing of this kind happened in that time")
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator("ol.history li").first).to_be_visible()


@PLACES
def test_sessions_are_ended_and_a_device_is_forgotten(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"tidier{width}")
    page = open_page(width=width, javascript=javascript)
    others = [open_page() for _number in range(3)]
    for one in (*others, page):
        open_session(one, site, person)
    visit(page, site, "/account/sessions/")
    sessions, devices = page.locator("table").first, page.locator("table").last
    expect(sessions.locator("tbody tr")).to_have_count(4)
    expect(sessions.locator("tbody tr").first).to_contain_text("this one")
    send(page, "form[action$='/end/'] button")
    expect(sessions.locator("tbody tr")).to_have_count(3)
    send(page, "form[action$='/end-others/'] button")
    expect(sessions.locator("tbody tr")).to_have_count(1)
    for other in others:
        other.goto(f"{site.url}/account/security/")
        assert at(other, "/account/sign-in/")
    expect(devices.locator("tbody tr")).to_have_count(4)
    for row in KnownDevice.objects.filter(user=person.user, sessions=None):
        send(page, f"form[action$='/{row.pk}/forget/'] button")
    expect(devices.locator("tbody tr")).to_have_count(1)
    send(page, "form[action$='/forget/'] button")  # the one that is sat at
    assert at(page, "/account/sign-in/")


@PLACES
def test_all_that_the_site_knows_of_somebody_is_taken_along(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"packer{width}")
    page = open_page(width=width, javascript=javascript)
    open_session(page, site, person)
    files = {}
    history, security = "/account/history/", "/account/security/"
    for path, name in ((history, "CSV"), (history, "JSON"), (security, "Download your data")):
        visit(page, site, path)
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        files[name] = download.value.path().read_text()
    assert "signed in" in files["CSV"]
    assert "signed in" in str(json.loads(files["JSON"]))
    assert json.loads(files["Download your data"])["account"]["username"] == person.username


@PLACES
def test_an_account_is_deleted(
    site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    person = make_person(f"leaver{width}")
    page = open_page(width=width, javascript=javascript)
    open_session(page, site, person)
    visit(page, site, "/account/delete/")
    page.get_by_label("Type your user name").fill("somebody else")
    send(page, "form .button.danger")
    assert User.objects.filter(pk=person.user.pk).exists()
    page.get_by_label("Type your user name").fill(person.user.username)
    send(page, "form .button.danger")
    assert not User.objects.filter(pk=person.user.pk).exists()
