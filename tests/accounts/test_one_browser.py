"""Two people, or two presses of a button, in one browser: each is told what is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import login, verification
from accounts.links import sign_reset
from accounts.models import AccountLink, PasswordReset, UserSession
from accounts.operations import registration
from audit.actors import command, digest_session
from tests.accounts.doors import (
    SIGN_IN,
    give_code,
    give_password,
    is_signed_in,
    newcomer,
    text_of_page,
)
from tests.support.people import Person, code_for

Browser = Callable[..., Client]
PASSWORD = "ferry lantern gravel teapot"


def reset_link(person: Person) -> str:
    user = person.fresh_user
    reset = PasswordReset.objects.create(
        user=user,
        address=user.primary_email,
        last_login=user.last_login,
        password_version=user.password_version,
    )
    return f"/account/password/reset/new/?link={sign_reset(str(reset.pk))}"


def test_an_invitation_opened_by_somebody_who_is_signed_in_says_what_to_do(
    browser: Browser, alice: Person, sam: Person
) -> None:
    secret = registration.create_invitation(reason="For a new person.", by=command("invite"))
    client = browser(alice)
    page = text_of_page(client.get(f"/account/register/?link={secret}", follow=True))
    assert "You are signed in as alice, and the invitation was not used." in page
    assert AccountLink.objects.get().spent_at is None
    page = text_of_page(client.get("/account/register/", follow=True))
    assert "You are signed in as alice" not in page


def test_a_reset_in_the_browser_of_somebody_else_says_whose_password_is_new(
    browser: Browser, alice: Person, bob: Person
) -> None:
    page = text_of_page(browser(bob).post(reset_link(alice), {"password": PASSWORD}, follow=True))
    assert alice.fresh_user.check_password(PASSWORD)
    assert "The password of the account alice is changed. This browser is signed in as bob" in page
    assert "Your password" not in page


def test_a_reset_in_ones_own_browser_leads_to_the_sign_in_page(
    browser: Browser, alice: Person
) -> None:
    page = text_of_page(browser(alice).post(reset_link(alice), {"password": PASSWORD}, follow=True))
    assert "Your password is changed. Sign in with the new one." in page
    assert "Forgot your password?" in page


def test_a_code_that_is_sent_twice_signs_in_once_and_says_what_happened(
    browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second press arrives before the first is answered, and loses its session at work."""
    client, second = browser(), browser()
    give_password(client, alice)
    second.cookies = client.cookies.copy()
    code, check_code = code_for(alice), verification.check_code

    def check_late(*args: Any, **kwargs: Any) -> bool:
        monkeypatch.undo()
        give_code(client, code)
        return check_code(*args, **kwargs)

    monkeypatch.setattr(verification, "check_code", check_late)
    response = give_code(second, code)
    assert is_signed_in(client)
    assert response.status_code == 400
    assert "The session has ended" in text_of_page(response)
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies  # it may be the cookie of the session that the first has begun


def test_a_password_that_is_sent_twice_says_what_happened(
    browser: Browser, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = newcomer(), browser()
    client.get(SIGN_IN)
    complete = login.complete

    def complete_late(request: Any, *args: Any, **kwargs: Any) -> None:
        digest = digest_session(request.session.session_key)
        UserSession.objects.filter(pk=digest).update(session_key="under a new one")
        complete(request, *args, **kwargs)

    monkeypatch.setattr(login, "complete", complete_late)
    response = give_password(client, person)
    assert response.status_code == 400
    assert "The session has ended" in text_of_page(response)
