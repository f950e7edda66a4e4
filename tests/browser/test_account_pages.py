"""What people do with their accounts, on a desktop with JavaScript and on a phone without."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.links import sign_address
from accounts.models import EmailAddress, User
from tests.browser.test_journey import send
from tests.browser.test_other_pages import open_session, visit
from tests.support.chromium import OpenPage
from tests.support.people import make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
NEW_PASSWORD = "seven quiet herons by the weir"
PLACES = pytest.mark.parametrize(
    ("width", "javascript"), [(1280, True), (390, False)], ids=["desktop", "phone"]
)


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
