"""Two people with one browser: what one has begun there tells the other what is so."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from accounts.links import sign_reset
from accounts.models import AccountLink, PasswordReset
from accounts.operations import registration
from audit.actors import command
from tests.accounts.doors import text_of_page
from tests.support.people import Person

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
