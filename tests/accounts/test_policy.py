"""Who must have a second factor: by level, by what somebody holds, and from which day on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts import policy
from accounts.models import AuthenticatorApp, User
from accounts.operations import second_factors
from projects.models import Role
from projects.operations.publishing import create_project
from tests.accounts.doors import is_signed_in, newcomer, offer_of, text_of_page
from tests.support.people import STEP, Person, totp
from tests.support.uploading import said, token_of, upload
from tokens.models import APIToken
from tokens.operations import lifecycle

Browser = Callable[..., Client]
LEVELS = ("nobody", "staff", "publishers", "everybody")


def today() -> date:
    return timezone.now().date()


def without_factor(person: Person) -> User:
    AuthenticatorApp.objects.filter(user=person.user).delete()
    return person.fresh_user


@pytest.mark.parametrize(
    ("who", "levels"),
    [
        ("somebody", {"everybody"}),
        ("holds a role", {"publishers", "everybody"}),
        ("holds a token", {"publishers", "everybody"}),
        ("held a token", {"everybody"}),
        ("staff", {"staff", "publishers", "everybody"}),
    ],
)
def test_the_level_says_who_must_have_one(
    alice: Person, sam: Person, settings: Any, who: str, levels: set[str]
) -> None:
    person = sam if who == "staff" else alice
    if who == "holds a role":
        create_project("foo", by=alice.actor)
    elif who.endswith("token"):
        token_of(alice)
    if who == "held a token":
        lifecycle.revoke_token(APIToken.objects.get(), reason="", by=alice.actor)
    user = without_factor(person)
    found = set()
    for settings.SECOND_FACTOR_REQUIRED in LEVELS:
        if policy.must_have_second_factor(user):
            found.add(settings.SECOND_FACTOR_REQUIRED)
    assert found == levels


def test_publishers_must_have_one_by_default(settings: Any) -> None:
    assert settings.SECOND_FACTOR_REQUIRED == "publishers"
    assert settings.SECOND_FACTOR_REQUIRED_FROM is None


@pytest.mark.parametrize(("days", "is_required"), [(1, False), (0, True), (-1, True)])
def test_until_the_day_it_is_only_asked_for(
    alice: Person, settings: Any, days: int, is_required: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "everybody"
    settings.SECOND_FACTOR_REQUIRED_FROM = today() + timedelta(days=days)
    user = without_factor(alice)
    assert policy.is_asked_for_second_factor(user)
    assert policy.must_have_second_factor(user) == is_required
    assert policy.lacks_second_factor(user) == is_required
    assert policy.may_publish(user) != is_required


def test_whoever_has_one_lacks_none(alice: Person, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = "everybody"
    assert policy.must_have_second_factor(alice.user)
    assert not policy.lacks_second_factor(alice.user)


# Pages


def test_whoever_lacks_one_is_led_to_the_pages_where_one_is_added(
    browser: Browser, alice: Person
) -> None:
    token_of(alice)
    without_factor(alice)
    client = browser(alice)
    for path in ("/manage/projects/", "/account/tokens/", "/account/tokens/make/"):
        for response in (client.get(path), client.post(path)):
            assert (response.status_code, response["Location"]) == (302, "/account/security/")
    page = text_of_page(client.get("/account/security/"))
    assert "The account alice must have a second factor." in page
    assert client.get("/account/apps/add/").status_code == 200
    assert client.get("/account/sessions/").status_code == 200


def test_after_adding_one_all_pages_are_open(browser: Browser, alice: Person) -> None:
    token_of(alice)
    without_factor(alice)
    client = browser(alice)
    app, secret = offer_of(alice)
    code = totp(secret, int(timezone.now().timestamp() // STEP))
    client.post("/account/apps/add/", {"label": "new", "code": code})
    code_set = alice.fresh_user.recovery_codes
    assert code_set is not None
    second_factors.confirm_recovery_codes(code_set, by=alice.actor)
    assert client.get("/account/tokens/").status_code == 200
    app.refresh_from_db()
    assert app.confirmed


def test_whoever_need_not_have_one_goes_everywhere(browser: Browser, db: None) -> None:
    client = browser(newcomer())
    for path in ("/manage/projects/", "/account/tokens/", "/account/security/"):
        assert client.get(path).status_code == 200
    assert "must have" not in text_of_page(client.get("/account/security/"))


def test_until_the_day_people_are_told_and_led_nowhere(
    browser: Browser, alice: Person, settings: Any
) -> None:
    settings.SECOND_FACTOR_REQUIRED_FROM = today() + timedelta(days=10)
    token_of(alice)
    without_factor(alice)
    client = browser(alice)
    day = settings.SECOND_FACTOR_REQUIRED_FROM.isoformat()
    sentence = f"From {day} on, the account alice must have a second factor."
    for path in ("/manage/projects/", "/account/tokens/", "/account/security/"):
        response = client.get(path)
        assert response.status_code == 200
        assert sentence in text_of_page(response)


def test_whoever_is_not_asked_for_one_is_told_nothing_of_the_day(
    browser: Browser, alice: Person, settings: Any
) -> None:
    settings.SECOND_FACTOR_REQUIRED_FROM = today() + timedelta(days=10)
    token_of(alice)
    for person in (alice, newcomer()):  # has one; publishes nothing
        page = text_of_page(browser(person).get("/account/history/"))
        assert "must have a second factor" not in page


def test_where_everybody_must_have_one_a_new_account_is_led_to_it(
    browser: Browser, settings: Any, db: None
) -> None:
    settings.SECOND_FACTOR_REQUIRED = "everybody"
    client = browser(newcomer())
    assert is_signed_in(client)
    assert client.get("/manage/projects/")["Location"] == "/account/security/"


def test_the_last_factor_stays_while_one_is_required(alice: Person, settings: Any) -> None:
    token_of(alice)
    with pytest.raises(PermissionDenied, match="must have a second factor"):
        second_factors.remove_factor(alice.app, keep_session=None, by=alice.actor)
    settings.SECOND_FACTOR_REQUIRED = "staff"
    second_factors.remove_factor(alice.app, keep_session=None, by=alice.actor)
    assert not AuthenticatorApp.objects.filter(user=alice.user).exists()


# Publishing


@pytest.mark.parametrize("level", LEVELS)
def test_making_a_token_takes_what_holding_one_takes(
    alice: Person, settings: Any, level: str
) -> None:
    settings.SECOND_FACTOR_REQUIRED = level
    user = without_factor(alice)
    if level in {"nobody", "staff"}:
        lifecycle.require_may_create(user)
    else:
        with pytest.raises(PermissionDenied, match="Add a second factor"):
            lifecycle.require_may_create(user)


@pytest.mark.parametrize("level", LEVELS)
def test_making_a_project_takes_what_holding_a_role_takes(
    alice: Person, settings: Any, level: str
) -> None:
    settings.SECOND_FACTOR_REQUIRED = level
    without_factor(alice)
    if level in {"nobody", "staff"}:
        create_project("foo", by=alice.actor)
    else:
        with pytest.raises(PermissionDenied, match="must have a second factor"):
            create_project("foo", by=alice.actor)
    assert Role.objects.exists() == (level in {"nobody", "staff"})


@pytest.mark.parametrize(
    ("level", "status"), [("nobody", 200), ("staff", 200), ("publishers", 403)]
)
def test_an_upload_is_refused_with_the_sentence_that_says_so(
    alice: Person, settings: Any, level: str, status: int
) -> None:
    settings.SECOND_FACTOR_REQUIRED = level
    text = token_of(alice)
    without_factor(alice)
    response = upload(text)
    assert response.status_code == status
    if status == 403:
        assert said(response).startswith("The account alice has no second factor. Add one at http")
    settings.SECOND_FACTOR_REQUIRED_FROM = today() + timedelta(days=1)
    assert upload(text, "foo", "2.0").status_code == 200


@pytest.mark.parametrize(("required", "is_said"), [("nobody", False), ("publishers", True)])
def test_whoever_removes_the_last_one_is_told_what_ends_here(
    browser: Browser, alice: Person, settings: Any, required: str, is_said: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = required
    page = text_of_page(browser(alice).get(f"/account/apps/{alice.app.pk}/remove/"))
    assert "your password alone lets anybody in" in page
    assert ("you cannot make API tokens" in page) == is_said
