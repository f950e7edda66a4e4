"""Passkeys and security keys in a real browser, with authenticators of both generations."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from accounts.login import SUDO_AT
from accounts.models import SecurityKey
from accounts.sessions import SessionStore
from tests.accounts.doors import newcomer
from tests.browser.test_journey import send
from tests.browser.test_other_pages import open_session, visit
from tests.support.chromium import WIDTHS, OpenPage, VirtualKey, in_turns, require_sound, usually
from tests.support.people import Person, code_for, make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
START = "main [data-key-start]"
SECURITY = re.compile("/account/security/")


def press(page: Page) -> None:
    """Press the button that asks the browser for a key; the page that comes must be sound."""
    with page.expect_navigation():
        page.locator(START).first.click()
    require_sound(page)


def add_key(page: Page, site: Site, label: str, *, kind: str = "keys") -> None:
    visit(page, site, f"/account/{kind}/add/")
    page.get_by_label("Name").fill(label)
    press(page)


def keep_codes(page: Page) -> list[str]:
    """Make recovery codes, and type one of them back."""
    expect(page).to_have_url(re.compile("/account/recovery-codes/"))
    send(page, "form[action$='/make/'] button")
    codes = page.locator(".codes code").all_inner_texts()
    page.get_by_label("One of the codes").fill(codes[0])
    send(page, "form:has(input[name=code]) button")
    expect(page).to_have_url(SECURITY)
    return codes


def sign_out(page: Page) -> None:
    send(page, "form[action$='/sign-out/'] button")


def give_password(page: Page, site: Site, person: Person, path: str = "/account/sign-in/") -> None:
    page.goto(site.url + path)
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    send(page)


def let_sudo_end(page: Page) -> None:
    (key,) = [row["value"] for row in page.context.cookies() if row["name"] == "session"]
    session = SessionStore(key)
    session[SUDO_AT] = int(time.time()) - 3600
    session.save()


@in_turns("is_u2f")
def test_a_key_from_its_first_touch_to_its_removal(
    site: Site, open_page: OpenPage, width: int, is_u2f: bool
) -> None:
    person = newcomer(f"newcomer-{width}-{is_u2f}")
    page = open_page(width=width)
    open_session(page, site, person)
    VirtualKey(page, is_u2f=is_u2f)
    add_key(page, site, "blue key")
    keep_codes(page)
    expect(page.locator("main")).to_contain_text("blue key")
    sign_out(page)
    give_password(page, site, person, "/account/sign-in/?next=/account/history/")
    press(page)
    expect(page).to_have_url(f"{site.url}/account/history/")
    expect(page.locator("ol.history")).to_contain_text("signed in with a security key")
    let_sudo_end(page)
    visit(page, site, "/account/tokens/make/")
    expect(page.locator("h1")).to_contain_text("Confirm")
    press(page)
    expect(page.locator("h1")).to_contain_text("Make an API token")
    page.goto(f"{site.url}/account/security/")
    with page.expect_navigation():
        page.get_by_role("link", name="Remove blue key").click()
    require_sound(page)
    send(page)
    assert not person.fresh_user.security_keys


def test_two_keys_of_one_account(site: Site, open_page: OpenPage) -> None:
    person = make_person("two-keys")
    page = open_page()
    open_session(page, site, person)
    blue = VirtualKey(page)
    add_key(page, site, "blue")
    visit(page, site, "/account/keys/add/")
    page.get_by_label("Name").fill("blue again")
    page.locator(START).click()
    expect(page.get_by_role("alert")).to_contain_text("has a key for your account already")
    page.get_by_label("Name").fill("blue")
    page.locator(START).click()
    expect(page.get_by_role("alert")).to_contain_text("second factor of this name")
    held = blue.unplug()
    green = VirtualKey(page)
    add_key(page, site, "green")
    assert len(person.fresh_user.security_keys) == 2
    sign_out(page)
    give_password(page, site, person)
    press(page)  # with the green key
    expect(page).to_have_url(re.compile("/manage/projects/"))
    sign_out(page)
    green.unplug()
    blue.plug_in(held)
    give_password(page, site, person)
    press(page)  # with the blue one
    expect(page).to_have_url(re.compile("/manage/projects/"))
    visit(page, site, "/account/security/")
    with page.expect_navigation():
        page.get_by_role("link", name="Remove green").click()
    send(page)
    expect(page.locator("table").first).not_to_contain_text("green")
    assert [key.name for key in person.fresh_user.security_keys] == ["blue"]


def test_a_passkey_signs_in_without_name_and_password(site: Site, open_page: OpenPage) -> None:
    person = make_person("passkey")
    page = open_page(width=390, dark=True)
    open_session(page, site, person)
    key = VirtualKey(page, is_platform=True)
    add_key(page, site, "laptop", kind="passkeys")
    (credential,) = key.credentials
    assert credential["isResidentCredential"]
    sign_out(page)
    key.be_touched(False)  # or the offer in the autofill would be taken at once
    visit(page, site, "/account/sign-in/?next=/account/tokens/")
    key.be_touched(True)
    press(page)
    expect(page).to_have_url(f"{site.url}/account/tokens/")
    assert SecurityKey.objects.get(user=person.user).is_passkey


def test_a_passkey_signs_in_through_the_browsers_autofill(site: Site, open_page: OpenPage) -> None:
    person = make_person("autofill")
    page = open_page()
    open_session(page, site, person)
    VirtualKey(page, is_platform=True)
    add_key(page, site, "laptop", kind="passkeys")
    assert page.evaluate("PublicKeyCredential.isConditionalMediationAvailable()")
    sign_out(page)
    page.goto(f"{site.url}/account/sign-in/")  # nothing is pressed
    expect(page).to_have_url(re.compile("/manage/projects/"))


def test_the_sign_in_page_works_in_a_browser_without_passkeys(
    site: Site, open_page: OpenPage
) -> None:
    person = make_person("old-browser")
    page = open_page()
    page.add_init_script("delete window.PublicKeyCredential")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    visit(page, site, "/account/sign-in/")
    expect(page.locator(START)).to_be_hidden()
    give_password(page, site, person)
    expect(page.get_by_label("Code")).to_be_visible()
    open_session(page, site, person)
    visit(page, site, "/account/keys/add/")
    expect(page.get_by_role("alert")).to_contain_text("cannot use passkeys or security keys")
    assert problems == []


def test_a_dialogue_that_is_cancelled_can_be_opened_again(site: Site, open_page: OpenPage) -> None:
    person = make_person("cancels")
    page = open_page()
    open_session(page, site, person)
    visit(page, site, "/account/keys/add/")
    page.get_by_label("Name").fill("blue")
    page.evaluate(
        "() => { navigator.credentials.create = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError')); }"
    )
    page.locator(START).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent")
    require_sound(page)
    expect(page.locator(START)).to_be_enabled()


def test_a_label_survives_when_the_page_was_open_too_long(site: Site, open_page: OpenPage) -> None:
    person = make_person("slow")
    page = open_page()
    open_session(page, site, person)
    VirtualKey(page)
    visit(page, site, "/account/keys/add/")
    page.get_by_label("Name").fill("found in a drawer")
    let_sudo_end(page)
    press(page)
    expect(page.locator("h1")).to_contain_text("Confirm")
    page.get_by_label("Code from").fill(code_for(person))
    send(page)
    expect(page.get_by_label("Name")).to_have_value("found in a drawer")
    press(page)
    expect(page.locator("main")).to_contain_text("found in a drawer")


@usually(WIDTHS["phone"], names="width", others=[WIDTHS["desktop"]])
def test_a_recovery_code_is_the_way_in_without_javascript(
    site: Site, open_page: OpenPage, width: int
) -> None:
    person = newcomer(f"plain-{width}")
    page = open_page(width=width)
    open_session(page, site, person)
    VirtualKey(page)
    add_key(page, site, "blue")
    codes = keep_codes(page)
    plain = open_page(width=width, javascript=False)
    give_password(plain, site, person)
    expect(plain.locator("main")).to_contain_text("only with JavaScript")
    expect(plain.locator(START)).to_be_hidden()
    send(plain, "button[value=backup]")
    plain.get_by_label("Recovery code").fill(codes[1])
    send(plain)
    expect(plain).to_have_url(re.compile("/manage/projects/"))
    for path in ("/account/security/", "/account/keys/add/", "/account/passkeys/add/"):
        visit(plain, site, path)
    key = person.fresh_user.security_keys[0]
    visit(plain, site, f"/account/keys/{key.pk}/rename/")
    plain.get_by_label("Name").fill("green")
    send(plain)
    expect(plain.locator("main")).to_contain_text("green")
    visit(plain, site, f"/account/keys/{key.pk}/remove/")
    send(plain)
    assert not person.fresh_user.security_keys
