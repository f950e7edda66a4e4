"""The order of the steps of the sign-in: nobody is led past the password, nor past the code."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client
from two_factor.utils import default_device

from accounts.models import AuthenticatorApp
from accounts.operations import second_factors
from tests.accounts.doors import (
    SIGN_IN,
    give_code,
    give_password,
    give_recovery_code,
    is_signed_in,
    newcomer,
    post_step,
    text_of_page,
)
from tests.support.people import STEP, Person, code_for, totp

Browser = Callable[..., Client]


@pytest.mark.parametrize("step", ["token", "backup"])
def test_the_second_step_alone_lets_nobody_in(browser: Browser, alice: Person, step: str) -> None:
    client = browser()
    secret = code_for(alice) if step == "token" else alice.recovery_codes[0]
    post_step(client, step, otp_token=secret)
    assert not is_signed_in(client)
    client.get(SIGN_IN)
    post_step(client, step, otp_token=secret)
    assert not is_signed_in(client)


@pytest.mark.parametrize("step", ["token", "backup", "auth", "done", "", "nonsense"])
def test_going_to_a_step_before_the_password_leads_back_to_it(
    browser: Browser, alice: Person, step: str
) -> None:
    client = browser()
    client.get(SIGN_IN)
    for fields in (
        {"wizard_goto_step": step},
        {"sign_in_view-current_step": step},
        {"wizard_goto_step": step, "sign_in_view-current_step": step},
    ):
        response = client.post(SIGN_IN, fields)
        assert response.status_code in {200, 302, 400}
        assert not is_signed_in(client)


def test_choosing_a_device_before_the_password_leads_back_to_it(
    browser: Browser, alice: Person
) -> None:
    response = browser().post(SIGN_IN, {"challenge_device": alice.app.persistent_id})
    assert response.status_code in {200, 302}
    assert "phone" not in text_of_page(response)


def test_going_back_to_the_password_forgets_who_it_was(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    client.post(SIGN_IN, {"wizard_goto_step": "auth"})
    give_code(client, code_for(alice))
    assert not is_signed_in(client)


@pytest.mark.parametrize("step", ["token", "backup"])
def test_a_step_without_its_code_lets_nobody_in(browser: Browser, alice: Person, step: str) -> None:
    client = browser()
    give_password(client, alice)
    post_step(client, step)
    post_step(client, step, otp_token="")
    assert not is_signed_in(client)


def test_the_password_again_is_no_second_factor(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    give_password(client, alice)
    assert not is_signed_in(client)


def test_changing_the_user_in_the_middle_needs_the_code_of_the_new_one(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser()
    give_password(client, alice)
    give_password(client, mallory)
    give_code(client, code_for(alice))
    assert not is_signed_in(client)
    client = browser()
    give_password(client, mallory)
    give_password(client, alice)
    give_code(client, code_for(mallory))
    assert not is_signed_in(client)


def test_a_code_that_was_right_for_one_user_is_no_step_towards_another(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    # Post both at once: the code is mallory's, the name in the other form is alice's
    client = browser()
    give_password(client, mallory)
    client.post(
        SIGN_IN,
        {
            "sign_in_view-current_step": "token",
            "token-otp_token": code_for(mallory),
            "auth-username": alice.username,
            "auth-password": "unknown",
        },
    )
    user = client.get("/account/security/").wsgi_request.user
    assert user == mallory.user


def test_the_device_of_another_user_is_ignored(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser()
    give_password(client, alice)
    chosen = client.post(SIGN_IN, {"challenge_device": mallory.app.persistent_id})
    assert chosen.status_code == 200
    give_code(client, code_for(mallory))
    assert not is_signed_in(client)
    client.post(
        SIGN_IN,
        {
            "sign_in_view-current_step": "token",
            "challenge_device": mallory.app.persistent_id,
            "token-otp_token": code_for(mallory),
        },
    )
    assert not is_signed_in(client)
    assert mallory.app.last_step == -1  # nobody looked at it


def test_the_recovery_codes_are_not_chosen_as_a_device(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    codes = alice.fresh_user.recovery_codes
    assert codes is not None
    client.post(SIGN_IN, {"challenge_device": codes.persistent_id})
    give_code(client, alice.recovery_codes[0])
    assert not is_signed_in(client)


def test_any_of_several_apps_can_be_chosen(browser: Browser, alice: Person) -> None:
    secret = b"twenty bytes of tea!"
    tablet = AuthenticatorApp.objects.create(
        user=alice.user,
        name="tablet",
        confirmed=True,
        secret=second_factors.wrap_secret(alice.user, secret),
    )
    client = browser()
    give_password(client, alice)
    client.post(SIGN_IN, {"challenge_device": tablet.persistent_id})
    give_code(client, totp(secret, int(time.time() // STEP)))
    assert is_signed_in(client)


@pytest.mark.parametrize("label", ["default", "backup", "", "My phone", "☎", "x" * 64])
def test_a_factor_of_any_label_is_asked_for(browser: Browser, alice: Person, label: str) -> None:
    AuthenticatorApp.objects.filter(user=alice.user).update(name=label)
    client = browser()
    give_password(client, alice)
    assert not is_signed_in(client)


def test_the_library_asks_for_a_factor_of_any_label_too(alice: Person) -> None:
    AuthenticatorApp.objects.filter(user=alice.user).update(name="My phone")
    assert default_device(alice.fresh_user) == alice.fresh_user.second_factors[0]


def test_an_app_that_is_only_being_set_up_is_not_asked_for(browser: Browser, db: None) -> None:
    person = newcomer()
    second_factors.offered_app(person.user, session="")
    client = browser()
    give_password(client, person)
    assert is_signed_in(client)


def test_ten_minutes_after_the_password_it_is_asked_again(browser: Browser, alice: Person) -> None:
    client = browser()
    with time_machine.travel(time.time(), tick=False) as clock:
        give_password(client, alice)
        clock.shift(599)
        assert give_code(client, "12").status_code == 200
        clock.shift(2)
        give_code(client, code_for(alice))
        assert not is_signed_in(client)
        give_password(client, alice)
        give_code(client, code_for(alice))
        assert is_signed_in(client)


def test_an_attacker_cannot_renew_the_ten_minutes(browser: Browser, alice: Person) -> None:
    client = browser()
    with time_machine.travel(time.time(), tick=False) as clock:
        give_password(client, alice)
        clock.shift(400)
        client.post(SIGN_IN, {"wizard_goto_step": "backup"})
        client.post(SIGN_IN, {"challenge_device": alice.app.persistent_id})
        clock.shift(400)
        give_code(client, code_for(alice))
        assert not is_signed_in(client)
        give_recovery_code(client, alice.recovery_codes[0])
        assert not is_signed_in(client)


OVER = "This sign-in is over"
NEXT = f"{SIGN_IN}?next=/account/history/"


def give_code_on_old_page(client: Client, person: Person) -> str:
    """What somebody reads who sends the second step of a sign-in that is over."""
    form = {"sign_in_view-current_step": "token", "token-otp_token": code_for(person)}
    response = client.post(NEXT, form, follow=True)
    assert not is_signed_in(client)
    assert response.request["QUERY_STRING"] == "next=%2Faccount%2Fhistory%2F"
    return text_of_page(response)


def test_whoever_begins_anew_in_another_window_is_told_so_in_the_first(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    give_password(client, alice)
    client.get(SIGN_IN)
    assert OVER in give_code_on_old_page(client, alice)


def test_whoever_takes_too_long_is_told_so(browser: Browser, alice: Person) -> None:
    client = browser()
    with time_machine.travel(time.time(), tick=False) as clock:
        give_password(client, alice)
        clock.shift(601)
        assert OVER in give_code_on_old_page(client, alice)


def test_whoever_starts_again_is_told_nothing_of_that(browser: Browser, alice: Person) -> None:
    client = browser()
    response = client.post(SIGN_IN, {"wizard_goto_step": "auth"})
    assert OVER not in text_of_page(response)
    with time_machine.travel(time.time(), tick=False) as clock:
        give_password(client, alice)
        clock.shift(601)
        assert "Second factor" in text_of_page(give_password(client, alice))  # on an old page


def test_whoever_has_signed_in_in_another_window_is_not_told_to_start_again(
    browser: Browser, alice: Person
) -> None:
    form = {"sign_in_view-current_step": "token", "token-otp_token": code_for(alice)}
    page = text_of_page(browser(alice).post(NEXT, form, follow=True))
    assert OVER not in page
    assert "You are signed in as alice already." in page
    assert "History" in page
