from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.events import PASSWORD_CHANGED
from accounts.models import EmailAddress, OutboxMail, UserSession
from tests.accounts.doors import count_events, is_signed_in
from tests.support.people import Person
from tests.support.uploading import token_of, upload

Browser = Callable[..., Client]
CHANGE = "/account/password/"
PASSWORD = "ferry lantern gravel teapot"
DAY = timedelta(days=1)


def has_password(person: Person, password: str) -> bool:
    return person.fresh_user.check_password(password)


def recipients(notice: str) -> list[str]:
    return list(OutboxMail.objects.filter(notice=notice).values_list("recipient", flat=True))


def give_address(person: Person, name: str, *, age: timedelta, **fields: Any) -> EmailAddress:
    verified_at = timezone.now() - age
    return EmailAddress.objects.create(
        user=person.user, address=f"{name}@example.org", verified_at=verified_at, **fields
    )


def test_a_password_is_changed_and_works(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    assert client.post(CHANGE, {"password": PASSWORD})["Location"] == "/account/security/"
    assert has_password(alice, PASSWORD)
    assert count_events(PASSWORD_CHANGED) == 1


def test_a_change_ends_all_other_sessions_and_keeps_this_one(
    browser: Browser, alice: Person
) -> None:
    here, there = browser(alice), browser(alice)
    former_key = here.cookies["session"].value
    here.post(CHANGE, {"password": PASSWORD})
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert UserSession.objects.filter(user=alice.user).count() == 1
    assert here.cookies["session"].value != former_key


def test_a_change_tells_every_verified_address(browser: Browser, alice: Person) -> None:
    give_address(alice, "second", age=DAY)
    give_address(alice, "held", age=DAY, held_at=timezone.now())
    EmailAddress.objects.create(user=alice.user, address="unverified@example.org")
    browser(alice).post(CHANGE, {"password": PASSWORD})
    assert recipients("password_changed") == [alice.email, "second@example.org"]


def test_a_change_needs_sudo_mode(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(31 * 60)
        assert client.post(CHANGE, {"password": PASSWORD}).status_code == 403
    assert has_password(alice, alice.password)


@pytest.mark.parametrize(
    "password", ["", "password", "x" * 4097, "alice@example.org", "second@example.org"]
)
def test_a_bad_password_changes_nothing(browser: Browser, alice: Person, password: str) -> None:
    give_address(alice, "second", age=DAY)
    page = browser(alice).post(CHANGE, {"password": password})
    assert page.status_code == 200
    assert has_password(alice, alice.password)
    assert not OutboxMail.objects.exists()


def test_a_change_leaves_api_tokens_as_they_are(browser: Browser, alice: Person) -> None:
    token = token_of(alice)
    browser(alice).post(CHANGE, {"password": PASSWORD})
    assert upload(token, "foo", "1.0").status_code == 200
