"""Security keys as second factor: at sign-in, and for sudo mode."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import security_keys
from accounts.events import (
    SIGN_IN_FAILED,
    SIGN_IN_SUCCEEDED,
)
from accounts.login import SUDO_AT
from accounts.models import SecurityKey, SpentChallenge, UserSession
from audit.models import Event
from tests.accounts.doors import (
    SIGN_IN,
    count_events,
    give_code,
    give_password,
    hidden_fields,
    is_signed_in,
    post_step,
    text_of_page,
)
from tests.accounts.keys import (
    MAKE_TOKEN,
    Browser,
    give_answer,
    give_key,
    only_keys,
    row_of,
    sign_in_answer,
)
from tests.accounts.test_sudo import FORM
from tests.support.clone import Database, race, race_all
from tests.support.people import Person, code_for, make_person

# Signing in


def test_a_key_is_enough_after_the_password(browser: Browser, db: None) -> None:
    person, key = only_keys()
    client = browser()
    page = give_password(client, person)
    assert "Use a passkey or security key" in text_of_page(page)
    assert give_answer(client, key).status_code == 302
    assert is_signed_in(client)
    event = Event.objects.filter(kind=SIGN_IN_SUCCEEDED.name).latest("number")
    assert event.fields == {"method": "a security key", "factor": "blue"}
    assert row_of(person).sign_count == 2


def test_any_of_several_keys_will_do(browser: Browser, db: None) -> None:
    person, first = only_keys()
    second = give_key(person, label="green")
    for key in (first, second):
        client = browser()
        give_password(client, person)
        asked = client.get("/account/sign-in/options/").json()
        assert len(asked["allowCredentials"]) == 2
        give_answer(client, key)
        assert is_signed_in(client)


def test_the_factor_that_was_used_last_is_asked_for_first(browser: Browser, alice: Person) -> None:
    key = give_key(alice)
    client = browser()
    page = text_of_page(give_password(client, alice))
    assert "data-key-ask" in page
    assert "Use the app phone" in page
    page = text_of_page(client.post(SIGN_IN, {"challenge_device": alice.app.persistent_id}))
    assert 'autocomplete="one-time-code"' in page
    give_code(client, code_for(alice))
    assert is_signed_in(client)
    client = browser()
    page = text_of_page(give_password(client, alice))
    assert 'autocomplete="one-time-code"' in page
    assert "Use a security key or passkey" in page
    client.post(SIGN_IN, {"challenge_device": row_of(alice).persistent_id})
    give_answer(client, key)
    assert is_signed_in(client)


def test_a_recovery_code_stands_in_for_a_key(browser: Browser, db: None) -> None:
    person, _key = only_keys()
    client = browser()
    give_password(client, person)
    client.post(SIGN_IN, {"wizard_goto_step": "backup"})
    post_step(client, "backup", otp_token=person.recovery_codes[0])
    assert is_signed_in(client)


def test_whoever_signs_in_with_one_of_the_last_codes_is_told(browser: Browser, db: None) -> None:
    person = make_person("alice")
    for number, code in enumerate(person.recovery_codes):
        client = browser()
        give_password(client, person)
        client.post(SIGN_IN, {"wizard_goto_step": "backup"})
        response = post_step(client, "backup", otp_token=code)
        page = text_of_page(client.get(response["Location"]))
        assert ("Make new ones" in page) is (number >= 5)


def refused_at_sign_in(browser: Browser, person: Person, answer: str) -> None:
    client = browser()
    give_password(client, person)
    response = post_step(client, "token", otp_token=answer)
    assert "was not accepted" in text_of_page(response)
    assert not is_signed_in(client)


def test_an_answer_signs_in_once(browser: Browser, db: None) -> None:
    person, key = only_keys()
    client = browser()
    give_password(client, person)
    answer = sign_in_answer(client, key)
    post_step(client, "token", otp_token=answer)
    assert post_step(client, "token", otp_token=answer).status_code in {200, 302}
    refused_at_sign_in(browser, person, answer)
    assert count_events(SIGN_IN_SUCCEEDED) == 1


def test_an_answer_from_another_session_signs_nobody_in(browser: Browser, db: None) -> None:
    person, key = only_keys()
    other = browser()
    give_password(other, person)
    refused_at_sign_in(browser, person, sign_in_answer(other, key))


def test_a_page_on_another_origin_gets_no_answer_that_counts(browser: Browser, db: None) -> None:
    person, key = only_keys()
    key.origin = "https://evil.example"
    client = browser()
    give_password(client, person)
    assert "was not accepted" in text_of_page(give_answer(client, key))


def test_the_key_of_another_account_signs_nobody_in(
    browser: Browser, db: None, mallory: Person
) -> None:
    person, _key = only_keys()
    thief = give_key(mallory)
    client = browser()
    give_password(client, person)
    asked = client.get("/account/sign-in/options/").json()
    answer = json.dumps(thief.sign(thief.credentials[0], asked))
    response = post_step(client, "token", otp_token=answer)
    assert "was not accepted" in text_of_page(response)
    event = Event.objects.filter(kind=SIGN_IN_FAILED.name).latest("number")
    assert event.fields["reason"] == "wrong security key"


def test_a_key_that_was_made_for_another_account_is_refused(browser: Browser, db: None) -> None:
    person, key = only_keys()
    key.credentials[0].user_handle = b"somebody else's"
    client = browser()
    give_password(client, person)
    assert "was not accepted" in text_of_page(give_answer(client, key))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_count_that_went_back_is_refused_and_recorded(
    browser: Browser, db: None, count: int
) -> None:
    person, key = only_keys()
    SecurityKey.objects.update(sign_count=6)
    key.count = count - 1 if count else 0
    key.counts = bool(count)
    client = browser()
    give_password(client, person)
    assert "was not accepted" in text_of_page(give_answer(client, key))
    event = Event.objects.filter(kind=SIGN_IN_FAILED.name).latest("number")
    assert "count went back" in event.fields["reason"]
    assert row_of(person).sign_count == 6


def test_a_key_that_never_counts_may_go_on_so(browser: Browser, db: None) -> None:
    person, key = only_keys()
    SecurityKey.objects.update(sign_count=0)
    key.count, key.counts = 0, False
    for _turn in range(2):
        client = browser()
        give_password(client, person)
        give_answer(client, key)
        assert is_signed_in(client)


def test_of_eight_browsers_with_one_count_one_is_let_in(committed_db: Database) -> None:
    person, key = only_keys()
    user, by = person.fresh_user, person.actor
    key.counts = False
    key.count = 7
    answers = [
        json.dumps(key.use(security_keys.ask_for_key(user, security_keys.SIGN_IN, session=None)))
        for _number in range(8)
    ]

    def check(answer: str) -> Callable[[], bool]:
        return lambda: bool(
            security_keys.check_key(user, answer, security_keys.SIGN_IN, session=None, by=by)
        )

    outcomes = race_all([check(answer) for answer in answers])
    assert outcomes.count(True) == 1
    assert row_of(person).sign_count == 7


def test_of_eight_requests_with_one_answer_one_is_let_in(committed_db: Database) -> None:
    person, key = only_keys()
    user, by = person.fresh_user, person.actor
    key.count, key.counts = 0, False
    SecurityKey.objects.update(sign_count=0)
    asked = security_keys.ask_for_key(user, security_keys.SIGN_IN, session=None)
    answer = json.dumps(key.use(asked))
    outcomes = race(
        8,
        lambda: bool(
            security_keys.check_key(user, answer, security_keys.SIGN_IN, session=None, by=by)
        ),
    )
    assert outcomes.count(True) == 1
    assert SpentChallenge.objects.count() == 2  # one of them was for adding the key


def test_a_key_that_is_held_or_removed_signs_nobody_in(browser: Browser, alice: Person) -> None:
    key = give_key(alice)
    client = browser()
    give_password(client, alice)
    answer = sign_in_answer(client, key)
    SecurityKey.objects.update(held_at=timezone.now())
    client.post(SIGN_IN, {"challenge_device": row_of(alice).persistent_id})
    post_step(client, "token", otp_token=answer)
    assert not is_signed_in(client)


def test_the_second_step_gives_options_to_nobody_before_the_password(
    browser: Browser, alice: Person
) -> None:
    give_key(alice)
    client = browser()
    assert client.get("/account/sign-in/options/").status_code == 403
    assert not client.cookies
    client.get(SIGN_IN)
    assert client.get("/account/sign-in/options/").status_code == 403
    assert not UserSession.objects.filter(user=None, session_data="").exists()


def test_options_of_the_second_step_end_with_it(browser: Browser, alice: Person) -> None:
    give_key(alice)
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser()
        give_password(client, alice)
        clock.shift(601)
        assert client.get("/account/sign-in/options/").status_code == 403


def test_keys_are_limited_as_codes_are(browser: Browser, db: None) -> None:
    person, key = only_keys()
    with time_machine.travel(time.time(), tick=False):
        client = browser()
        give_password(client, person)
        for _number in range(5):
            post_step(client, "token", otp_token="{}")
        response = give_answer(client, key)
    assert "Try again in" in text_of_page(response)
    assert not is_signed_in(client)


# Sudo mode


def late(client: Client) -> Client:
    session = client.session
    session[SUDO_AT] = int(time.time()) - 3600
    session.save()
    return client


def test_a_key_opens_sudo_mode(browser: Browser, alice: Person) -> None:
    key = give_key(alice)
    client = late(browser(alice))
    carried = hidden_fields(client.post(MAKE_TOKEN, FORM))
    answer = json.dumps(key.use(client.get("/account/confirm/options/").json()))
    response = client.post(MAKE_TOKEN, carried | {"sudo-answer": answer})
    assert "release job" in text_of_page(response)
    assert alice.fresh_user.api_tokens.count() == 1
    again = late(client).post(MAKE_TOKEN, carried | {"sudo-answer": answer})
    assert again.status_code == 403


def test_an_answer_for_the_sign_in_opens_no_sudo_mode(browser: Browser, alice: Person) -> None:
    key = give_key(alice)
    client = late(browser(alice))
    session = client.session.session_key
    for purpose in (security_keys.SIGN_IN, security_keys.ADD):
        asked = security_keys.ask_for_key(alice.fresh_user, purpose, session=session)
        client.post(MAKE_TOKEN, {"sudo-answer": json.dumps(key.use(asked))})
    asked = security_keys.ask_for_passkey() | {"allowCredentials": [], "rpId": "localhost"}
    answer = json.dumps(key.sign(key.credentials[0], asked))
    client.post(MAKE_TOKEN, {"sudo-answer": answer})
    assert "Confirm it is you" in text_of_page(client.get(MAKE_TOKEN))


def test_whoever_has_no_key_is_given_no_options(browser: Browser, alice: Person) -> None:
    assert browser(alice).get("/account/confirm/options/").status_code == 403
