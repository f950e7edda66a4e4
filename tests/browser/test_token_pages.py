"""The pages of API tokens, wide and narrow, with and without JavaScript."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

from projects.models import Role
from tests.browser.test_journey import send
from tests.browser.test_other_pages import DJANGOS_OWN, open_session, visit
from tests.support.chromium import WIDTHS, OpenPage, in_turns, require_sound, usually
from tests.support.people import make_person
from tests.support.server import Site
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens.models import APIToken, TokenDenial
from tokens.operations.denials import deny_token
from tokens.uses import count_refusal, note_use

pytestmark = [pytest.mark.browser, pytest.mark.once]


def press_twice(page: Page, button: str, address: str) -> None:
    """Press a button that sends to an address, and again while its answer is on a slow line."""

    def be_slow(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        time.sleep(0.5)
        route.fulfill(response=answer)

    page.route(address, be_slow)
    with page.expect_navigation():
        page.locator(button).evaluate(
            "(one) => { one.click(); setTimeout(() => one.click(), 200); }"
        )
    page.unroute(address)


@in_turns("javascript", "desktop")
def test_a_token_is_made_step_by_step(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    alice = make_person("alice")
    for name in ("foo", "a-project-with-a-name-that-is-rather-long-for-a-phone"):
        project_of(alice, name)
    page = open_page(width=width, javascript=javascript)
    open_session(page, fresh_site, alice)
    visit(page, fresh_site, "/account/tokens/make/")
    expect(page.get_by_label("Last day")).to_be_hidden()
    expect(page.get_by_label("Name of the new project")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("release job")
    page.get_by_label("Only the projects chosen below").check()
    expect(page.locator(".when-projects .optional")).to_be_hidden()
    page.get_by_label("foo", exact=True).check()
    page.get_by_label("On a certain day").check()
    page.get_by_label("Upload new releases").check()
    require_sound(page)
    send(page)
    expect(page.locator(".error-summary")).to_contain_text("Last day: Choose a day.")
    page.get_by_label("Last day").fill("2099-03-02")
    page.get_by_label("Network addresses").fill("10.0.0.0/8")
    send(page)
    sentence = "Upload new releases of foo until 3 March 2099, 00:00 UTC, from 10.0.0.0/8"
    expect(page.locator(".meaning")).to_have_text(f"{sentence}.")
    send(page, "button[name=change]")
    expect(page.get_by_label("foo", exact=True)).to_be_checked()
    send(page)
    if javascript:
        press_twice(page, "button[name=confirm]", "**/make/")
    else:
        send(page, "button[name=confirm]")
    expect(page.locator("main")).to_contain_text(sentence)
    text = page.locator(".copy.token").first.inner_text()
    assert re.match(r"pypi-[\w-]{80,}", text)
    for summary in page.locator(".fold > summary").all()[1:]:
        summary.click()
    require_sound(page)
    assert text.split()[0][-40:] not in page.goto(page.url).text()  # type: ignore[union-attr]
    assert APIToken.objects.get().made_with == "authenticator app phone"


@usually(WIDTHS["phone"], names="width", others=[WIDTHS["desktop"]])
def test_the_other_pages_of_tokens(fresh_site: Site, open_page: OpenPage, width: int) -> None:
    alice, bob = make_person("alice"), make_person("bob")
    foo = project_of(alice, "foo")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    token, text = make(alice, "a token with a name of some length", grant=grant_for(foo))
    note_use(token, by=alice.actor, project="foo", file="foo-1.0-py3-none-any.whl")
    count_refusal(token, "its restrictions do not allow this")
    narrow, _text = make(bob, "bob's job", projects=[foo])
    make(bob, "bob's laptop")
    page = open_page(width=width)
    open_session(page, fresh_site, alice)
    for path in (
        "/account/tokens/",
        f"/account/tokens/{token.pk}/",
        f"/account/tokens/{token.pk}/rename/",
        f"/account/tokens/{token.pk}/revoke/",
        f"/account/tokens/make/?like={token.pk}",
        "/manage/projects/",
        "/manage/project/foo/uploaders/",
        f"/manage/project/foo/uploaders/{narrow.pk}/",
        "/found-token/",
    ):
        visit(page, fresh_site, path)
    page.goto(f"{fresh_site.url}/manage/project/foo/uploaders/{narrow.pk}/")
    send(page)
    expect(page.locator("main")).to_contain_text("cut off")
    page.goto(f"{fresh_site.url}/found-token/")
    page.get_by_label("The API token").fill(text)
    send(page)
    expect(page.locator("h1")).to_have_text("Thank you")
    token.refresh_from_db()
    assert token.revoked_cause == APIToken.Cause.LEAK
    visit(page, fresh_site, f"/account/tokens/{token.pk}/")


@in_turns("javascript", "desktop")
def test_owners_cut_tokens_off_and_let_them_in(
    fresh_site: Site, open_page: OpenPage, width: int, javascript: bool
) -> None:
    alice, bob = make_person("alice"), make_person("bob-with-a-long-name")
    foo = project_of(alice, "a-project-with-a-name-of-some-length")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.OWNER)
    make(bob, "release job of the project with a name of some length", projects=[foo])
    make(bob, "bob's private laptop")
    make(alice, "yanking", grant=grant_for(is_wide=True, actions=("yank",)))
    own, _text = make(alice, "my release job", projects=[foo])
    deny_token(own, foo, by=bob.actor)
    page = open_page(width=width, javascript=javascript)
    open_session(page, fresh_site, alice)
    visit(page, fresh_site, f"/manage/project/{foo.normalized_name}/uploaders/")
    main = page.locator("main")
    expect(main.get_by_role("link", name=re.compile("^Cut off"))).to_have_count(3)
    expect(main).to_contain_text("Another owner can let it in again.")
    expect(main).to_contain_text("yanks only")
    expect(main).not_to_contain_text("private laptop")
    expect(main).to_contain_text("2 API tokens for all projects reach this one, too.")
    wide = main.locator("tr", has_text="for all projects")
    for question, then in (("Cut off", "by alice"), ("Let it in again", "not here")):
        wide.get_by_role("link", name=question).click()
        require_sound(page)
        send(page)
        require_sound(page)
        expect(wide).to_contain_text(then)
    assert not TokenDenial.objects.exclude(token=own).exists()


def test_staff_find_a_token_by_its_text(fresh_site: Site, open_page: OpenPage) -> None:
    sam, alice = make_person("sam", is_administrator=True), make_person("alice")
    token, text = make(alice)
    page = open_page()
    open_session(page, fresh_site, sam)
    visit(page, fresh_site, "/admin/tokens/apitoken/find/")
    page.get_by_label("API token").fill(text)
    with page.expect_navigation():
        page.locator("#content input[type=submit]").click()
    expect(page.locator("body")).to_contain_text("its signature is right")
    expect(page).to_have_url(f"{fresh_site.url}/admin/tokens/apitoken/{token.pk}/change/")
    require_sound(page, without=DJANGOS_OWN)
