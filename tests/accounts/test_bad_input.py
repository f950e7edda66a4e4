"""Input that other indexes met, where no other file has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import EmailAddress, User, UserSession
from tests.accounts.doors import is_signed_in, post_step, text_of_page
from tests.support.people import Person

Browser = Callable[..., Client]


@pytest.mark.parametrize(
    "name",
    [
        "alice@example.org",
        " alice@example.org ",
        "ALICE@EXAMPLE.ORG",
        "alice\x00",
        "\x00",
        "é" * 99,
    ],
)
def test_what_is_no_user_name_signs_nobody_in(browser: Browser, alice: Person, name: str) -> None:
    client = browser()
    response = post_step(client, "auth", username=name, password=alice.password)
    assert response.status_code == 200
    assert not is_signed_in(client)


def test_whoever_types_a_mail_address_is_told_that_it_is_no_user_name(
    browser: Browser, alice: Person
) -> None:
    page = post_step(browser(), "auth", username=alice.email, password=alice.password)
    assert "a mail address is not a user name" in text_of_page(page)


def test_a_password_with_a_nul_is_wrong_and_no_error(browser: Browser, alice: Person) -> None:
    for hashed in ("bcrypt$$2b$04$" + "a" * 53, alice.user.password):
        User.objects.filter(pk=alice.user.pk).update(password=hashed)
        response = post_step(browser(), "auth", username="alice", password="a\x00b")
        assert response.status_code == 200


def test_the_first_address_of_an_account_is_its_primary_one(
    browser: Browser, settings: Any, sam: Person
) -> None:
    settings.REGISTRATION = "open"
    form = {"username": "zoe", "email": "z@example.org", "password": "ferry lantern gravel teapot"}
    browser().post("/account/register/", form)
    assert EmailAddress.objects.get(user__username="zoe").is_primary


def test_the_session_of_an_account_that_is_gone_is_nobodys(
    browser: Browser, mallory: Person
) -> None:
    client = browser(mallory)
    UserSession.objects.update(user=None, device=None)  # so that it outlives the account
    User.objects.filter(pk=mallory.user.pk).delete()
    assert UserSession.objects.exists()
    for path in ("/", "/account/security/", "/admin/"):
        assert client.get(path).status_code in {200, 302}
    assert not is_signed_in(client)
