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
from accounts.models import EmailAddress, OutboxMail, UnknownSignIn, User, UserSession
from accounts.operations import denials, passwords
from accounts.operations.sessions import end_sessions
from accounts.sessions import SessionStore
from tests.accounts.doors import count_events, is_signed_in, text_of_page
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


def while_it_is_hashed(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something else happen while the request that changes the password hashes it."""
    hash_password, done = passwords.make_password, list[int]()

    def slow(password: str) -> str:
        if not done:
            done.append(1)
            act()
        return hash_password(password)

    monkeypatch.setattr(passwords, "make_password", slow)


def deny(person: Person) -> None:
    sign_in = UnknownSignIn.objects.create(user=person.user)
    denials.deny_sign_in(sign_in, address=person.email, by=person.actor)


@pytest.mark.parametrize(
    "meanwhile",
    [
        deny,
        lambda person: end_sessions(person.user, keep=None, by=person.actor),
        lambda person: User.objects.filter(pk=person.user.pk).update(is_active=False),
        lambda person: User.objects.filter(pk=person.user.pk).delete(),
    ],
    ids=["denied", "sessions ended", "frozen", "deleted"],
)
def test_a_change_that_is_under_way_undoes_nothing_that_came_first(
    browser: Browser,
    alice: Person,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Person], object],
) -> None:
    client = browser(alice)
    while_it_is_hashed(monkeypatch, lambda: meanwhile(alice))
    response = client.post(CHANGE, {"password": PASSWORD}, follow=True)
    assert "The account was changed meanwhile. Sign in again." in text_of_page(response)
    assert count_events(PASSWORD_CHANGED) == 0
    assert not is_signed_in(client)
    assert not any(user.check_password(PASSWORD) for user in User.objects.all())


def test_of_two_changes_at_once_the_first_stays(
    browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief, owner = browser(alice), browser(alice)
    while_it_is_hashed(monkeypatch, lambda: owner.post(CHANGE, {"password": PASSWORD}))
    thief.post(CHANGE, {"password": f"{PASSWORD} of another"})
    assert has_password(alice, PASSWORD)
    assert is_signed_in(owner)
    assert not is_signed_in(thief)


def test_a_session_that_is_ended_right_after_the_change_is_over(
    browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, cycle_key = browser(alice), SessionStore.cycle_key

    def late(store: SessionStore) -> None:
        end_sessions(alice.user, keep=None, by=alice.actor)
        cycle_key(store)

    monkeypatch.setattr(SessionStore, "cycle_key", late)
    response = client.post(CHANGE, {"password": PASSWORD}, follow=True)
    assert "Sign in again." in text_of_page(response)
    assert not is_signed_in(client)


def test_an_account_that_is_deleted_while_its_password_is_set_gets_an_answer(
    browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, cycle_key = browser(alice), SessionStore.cycle_key

    def late(store: SessionStore) -> None:
        cycle_key(store)
        User.objects.filter(pk=alice.user.pk).delete()

    monkeypatch.setattr(SessionStore, "cycle_key", late)
    response = client.post(CHANGE, {"password": PASSWORD}, follow=True)
    assert response.status_code == 200
    assert "The account was changed meanwhile. Sign in again." in text_of_page(response)
