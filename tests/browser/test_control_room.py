"""Switches, enforcement, blocked addresses and beta features as staff use them: on a desktop with
JavaScript, and on a phone without.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import BlockedRange, SwitchState, User
from accounts.operations.address_ranges import block_range
from audit.actors import command
from tests.browser.test_other_pages import DJANGOS_OWN, open_session, visit
from tests.support.chromium import OpenPage, require_sound, usually
from tests.support.people import make_person
from tests.support.server import Site
from tests.tokens.keys import project_of
from uploads.models import Enforcement, Stage

pytestmark = [pytest.mark.browser, pytest.mark.once]
REASON = "We look into an incident."
LOOKS = usually((390, False), names="width,javascript", others=[(1280, True)])


def act(page: Page, title: str) -> None:
    """Give the reason, and press the button of an act."""
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name=title).click()


@LOOKS
def test_staff_close_and_open_again(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    site, page = fresh_site, open_page(width=width, javascript=javascript)
    open_session(page, site, make_person("sam", is_administrator=True))
    switch = SwitchState.objects.get(name="uploads")
    visit(page, site, f"/admin/accounts/switchstate/{switch.pk}/turn/")
    page.get_by_label("No uploads are taken at present").check()
    act(page, "Turn this switch")
    expect(page.locator(".messagelist")).to_contain_text("Uploads: No uploads are taken")
    visit(page, site, "/")
    expect(page.locator("main")).to_contain_text(f"Reason: {REASON}")

    row = Enforcement.objects.get()
    visit(page, site, f"/admin/uploads/enforcement/{row.pk}/go-back/")
    act(page, "Go back one stage")
    expect(page.locator(".messagelist")).to_contain_text("It stands at: warn")
    assert Enforcement.objects.get().stage == Stage.WARN


@LOOKS
def test_staff_block_addresses_and_mark_features(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    site, page = fresh_site, open_page(width=width, javascript=javascript)
    open_session(page, site, make_person("sam", is_administrator=True))
    visit(page, site, "/admin/accounts/blockedrange/")
    page.get_by_role("link", name="Block network addresses").click()
    visit(page, site, "/admin/accounts/blockedrange/act/block-range/?network=198.51.100.7")
    field = page.get_by_label("Range of network addresses")
    expect(field).to_have_value("198.51.100.7")
    field.fill("127.0.0.1")
    act(page, "Block network addresses")
    expect(page.get_by_role("alert")).to_contain_text("Nobody locks themselves out.")
    field.fill("198.0.0.0/8")
    act(page, "Block network addresses")
    expect(page.get_by_role("alert")).to_contain_text("198.0.0.0/8 is so wide")
    page.get_by_label("The same again").fill("198.0.0.0/8")
    act(page, "Block network addresses")
    expect(page.locator(".messagelist")).to_contain_text("Nothing is taken from 198.0.0.0/8")
    row = BlockedRange.objects.get()
    visit(page, site, f"/admin/accounts/blockedrange/{row.pk}/lift-range/")
    act(page, "Lift this block")
    assert not BlockedRange.objects.exists()

    visit(page, site, "/admin/accounts/betafeature/act/mark-beta/")
    page.get_by_label("Feature").select_option("search")
    act(page, "Mark a feature beta")
    visit(page, site, "/search/")
    expect(page.locator(".beta")).to_contain_text("Search: This is new here and may change.")


@LOOKS
def test_a_stranger_reports_and_is_told_that_the_address_is_blocked(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    site, page = fresh_site, open_page(width=width, javascript=javascript)
    project_of(make_person("alice"), "seagull")
    visit(page, site, "/project/seagull/report/")
    page.get_by_label("malware").check()
    page.get_by_label("What did you see?").fill("It sends the environment to a server.")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator("main")).to_contain_text("Thank you. The staff will look at it.")
    visit(page, site, "/project/seagull/report/")
    block_range("127.0.0.0/24", reason=REASON, by=command("a test"))
    page.get_by_label("malware").check()
    page.get_by_label("What did you see?").fill("It sends the environment to a server.")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator("h1")).to_have_text("Not from this address")


@LOOKS
def test_the_second_of_two_staff_looks_again(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    site, alice, pages = fresh_site, make_person("alice").user, []
    for name in ("sam", "tess"):
        page = open_page(width=width, javascript=javascript)
        open_session(page, site, make_person(name, is_administrator=True))
        visit(page, site, f"/admin/accounts/user/{alice.pk}/staff-rights/")
        pages.append(page)
    first, second = pages
    first.get_by_label("Auditor").check()
    act(first, "Change staff rights")
    expect(first.locator(".messagelist")).to_contain_text("The staff rights of alice were changed")

    second.get_by_label("Support").check()
    act(second, "Change staff rights")
    expect(second.get_by_role("alert")).to_contain_text("Somebody else changed this")
    expect(second.get_by_role("alert")).to_contain_text("what you had chosen was not kept")
    expect(second.get_by_label("Auditor")).to_be_checked()  # as it stands now
    expect(second.get_by_label("Support")).not_to_be_checked()
    expect(second.get_by_label("Reason")).to_have_value(REASON)
    require_sound(second, without=DJANGOS_OWN)
    assert groups_of(alice) == ["Auditor"]
    second.get_by_label("Support").check()
    second.get_by_role("button", name="Change staff rights").click()
    expect(second.locator(".messagelist")).to_contain_text("The staff rights of alice were changed")
    assert groups_of(alice) == ["Auditor", "Support"]


def groups_of(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))
