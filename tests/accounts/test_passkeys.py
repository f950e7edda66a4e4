"""Passkeys sign in alone."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.events import (
    SIGN_IN_SUCCEEDED,
)
from accounts.models import SecurityKey, SpentChallenge, UserSession
from audit.models import Event
from tests.accounts.doors import (
    SIGN_IN,
    give_password,
    is_signed_in,
    text_of_page,
)
from tests.accounts.keys import (
    MAKE_TOKEN,
    Browser,
    give_answer,
    give_key,
)
from tests.support.authenticator import SoftKey
from tests.support.people import Person


def passkey_answer(client: Client, key: SoftKey) -> str:
    return json.dumps(key.use(client.get("/account/sign-in/passkey/options/").json()))


def sign_in_with_passkey(client: Client, key: SoftKey, **more: str) -> Any:
    form = {"answer": passkey_answer(client, key), **more}
    return client.post("/account/sign-in/passkey/", form)


def test_a_passkey_signs_in_alone(browser: Browser, alice: Person) -> None:
    key = give_key(alice, as_passkey=True)
    client = browser()
    response = sign_in_with_passkey(client, key)
    assert response["Location"] == "/manage/projects/"
    assert is_signed_in(client)
    event = Event.objects.filter(kind=SIGN_IN_SUCCEEDED.name).latest("number")
    assert event.fields == {"method": "a passkey", "factor": "blue"}


def test_a_passkey_opens_sudo_mode_and_the_staff_pages(browser: Browser, sam: Person) -> None:
    client = browser()
    sign_in_with_passkey(client, give_key(sam, as_passkey=True))
    assert client.get("/admin/").status_code == 200
    assert "Confirm it is you" not in text_of_page(client.get(MAKE_TOKEN))


def test_a_passkey_serves_as_second_factor_too(browser: Browser, alice: Person) -> None:
    key = give_key(alice, as_passkey=True)
    client = browser()
    give_password(client, alice)
    give_answer(client, key)
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/account/tokens/", "/account/tokens/"),
        ("//evil.example", "/manage/projects/"),
        ("https://evil.example/", "/manage/projects/"),
        ("javascript:alert(1)", "/manage/projects/"),
        ("\\\\evil.example", "/manage/projects/"),
    ],
)
def test_a_passkey_leads_on_to_pages_of_this_site(
    browser: Browser, alice: Person, target: str, place: str
) -> None:
    key = give_key(alice, as_passkey=True)
    assert sign_in_with_passkey(browser(), key, next=target)["Location"] == place


def refused_passkey(client: Client, answer: str) -> Any:
    response = client.post("/account/sign-in/passkey/", {"answer": answer})
    assert response["Location"] == SIGN_IN
    assert "was not accepted" in text_of_page(client.get(SIGN_IN))
    assert not is_signed_in(client)


def test_a_passkey_signs_in_once_for_each_answer(browser: Browser, alice: Person) -> None:
    client, key = browser(), give_key(alice, as_passkey=True)
    answer = passkey_answer(client, key)
    client.post("/account/sign-in/passkey/", {"answer": answer})
    refused_passkey(browser(), answer)


def test_a_security_key_does_not_sign_in_alone(browser: Browser, alice: Person) -> None:
    client, key = browser(), give_key(alice)
    key.credentials[0].user_handle = alice.user.pk.bytes
    refused_passkey(client, passkey_answer(client, key))


@pytest.mark.parametrize("handle", [None, b"", b"somebody else's"])
def test_a_passkey_must_say_whose_it_is(
    browser: Browser, alice: Person, handle: bytes | None
) -> None:
    client, key = browser(), give_key(alice, as_passkey=True)
    key.credentials[0].user_handle = handle
    asked = client.get("/account/sign-in/passkey/options/").json()
    refused_passkey(client, json.dumps(key.sign(key.credentials[0], asked)))


def test_a_passkey_must_check_its_user(browser: Browser, alice: Person) -> None:
    client, key = browser(), give_key(alice, as_passkey=True)
    key.verifies_user = False
    refused_passkey(client, passkey_answer(client, key))


@pytest.mark.parametrize("change", ["closed", "held", "removed"])
def test_a_passkey_of_a_closed_account_or_that_is_held_or_removed_is_refused(
    browser: Browser, alice: Person, change: str
) -> None:
    client, key = browser(), give_key(alice, as_passkey=True)
    answer = passkey_answer(client, key)
    if change == "closed":
        alice.user.is_active = False
        alice.user.save()
    elif change == "held":
        SecurityKey.objects.update(held_at=timezone.now())
    else:
        SecurityKey.objects.all().delete()
    refused_passkey(client, answer)


def test_without_an_answer_the_sign_in_page_says_what_to_do(browser: Browser, db: None) -> None:
    client = browser()
    response = client.post("/account/sign-in/passkey/", {"next": "/account/tokens/"})
    assert response["Location"] == f"{SIGN_IN}?next=%2Faccount%2Ftokens%2F"
    assert "Press the button" in text_of_page(client.get(SIGN_IN))


def test_a_look_at_the_sign_in_page_leaves_nothing_in_the_database(
    browser: Browser, db: None
) -> None:
    client = browser()
    client.get("/account/sign-in/passkey/options/")
    assert not UserSession.objects.exists()
    assert not SpentChallenge.objects.exists()
    assert not client.cookies


def test_passkeys_are_limited_by_network_address(browser: Browser, alice: Person) -> None:
    key = give_key(alice, as_passkey=True)
    with time_machine.travel(time.time(), tick=False):
        client = browser()
        for _number in range(10):
            client.post("/account/sign-in/passkey/", {"answer": "{}"})
        sign_in_with_passkey(client, key)
    assert "Try again in" in text_of_page(client.get(SIGN_IN))
    assert not is_signed_in(client)


def test_another_site_cannot_sign_a_browser_in(alice: Person) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    key = give_key(alice, as_passkey=True)
    assert sign_in_with_passkey(client, key).status_code == 403
    assert not is_signed_in(client)
