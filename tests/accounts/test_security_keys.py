"""Challenges, and what the settings say of the site."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from accounts import security_keys, webauthn
from accounts.models import RateCount, SecurityKey, SpentChallenge
from tests.accounts.doors import SIGN_IN, give_password, is_signed_in, post_step, text_of_page
from tests.accounts.keys import ADD, Browser, enrol, give_key, options, sign_in_answer
from tests.accounts.test_webauthn import mutate
from tests.support.authenticator import SoftKey
from tests.support.people import Person


@pytest.mark.parametrize(
    ("host", "is_secure", "possible"),
    [
        ("localhost", False, True),
        ("index.example.org", True, True),
        ("index.example.org", False, False),
        ("127.0.0.1", False, False),
        ("192.0.2.1", True, False),
        ("2001:db8::1", True, False),
    ],
)
def test_keys_are_offered_where_browsers_use_them(
    browser: Browser, alice: Person, settings: Any, host: str, is_secure: bool, possible: bool
) -> None:
    client = browser(alice)
    settings.SITE_HOST, settings.SITE_IS_SECURE = host, is_secure
    page = text_of_page(client.get("/account/security/"))
    assert ("Add a passkey" in page) is possible
    assert ("only on sites with TLS" in page) is not possible
    assert ("data-key-start" in client.get(ADD).content.decode()) is possible


def test_origin_and_domain_come_from_the_settings(
    browser: Browser, alice: Person, settings: Any
) -> None:
    settings.SITE_URL, settings.WEBAUTHN_RP_ID = "https://index.example.org", "example.org"
    client = browser(alice)
    assert options(client, ADD)["rp"]["id"] == "example.org"
    key = SoftKey(origin="https://index.example.org")
    assert enrol(client, key).status_code == 302
    assert enrol(client, SoftKey(origin="http://localhost:8000"), label="x").status_code == 200


def test_spent_challenges_are_forgotten_once_they_are_too_old(db: None) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        challenge = security_keys.make_challenge(security_keys.PASSKEY_SIGN_IN)
        security_keys.spend_challenge(challenge, security_keys.PASSKEY_SIGN_IN)
        assert security_keys.forget_spent_challenges() == 0
        clock.shift(301)
        assert security_keys.forget_spent_challenges() == 1
        with pytest.raises(ValueError, match="too old"):
            security_keys.spend_challenge(challenge, security_keys.PASSKEY_SIGN_IN)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-1],
        lambda text: text + b"x",
        lambda text: b"\x00" + text[1:],
        lambda text: text[:16] + (2**63).to_bytes(8, "big") + text[24:],
        lambda text: text[:-1] + bytes([text[-1] ^ 1]),
    ],
)
def test_a_challenge_that_is_not_ours_is_refused(
    db: None, damage: Callable[[bytes], bytes]
) -> None:
    challenge = security_keys.make_challenge(security_keys.PASSKEY_SIGN_IN)
    with pytest.raises(ValueError, match="challenge"):
        security_keys.spend_challenge(damage(challenge), security_keys.PASSKEY_SIGN_IN)
    assert not SpentChallenge.objects.exists()


def test_the_user_handle_is_the_id_of_the_account(alice: Person) -> None:
    asked = security_keys.ask_to_add(alice.user, session=None, as_passkey=True)
    assert webauthn.bytes_of(asked["user"]["id"]) == alice.user.pk.bytes
    assert asked["user"]["name"] == "alice"


def test_changed_answers_are_refused_at_every_door_without_an_error(
    browser: Browser, alice: Person
) -> None:
    # The pure room takes five thousand; here the doors are tried, with the database behind them
    dice = random.Random(20_261_126)  # noqa: S311
    key, passkey = give_key(alice), give_key(alice, label="laptop", as_passkey=True)
    client = browser()
    give_password(client, alice)
    for _turn in range(12):
        RateCount.objects.all().delete()
        enrolling = browser(alice)
        signed = json.loads(sign_in_answer(client, key))
        alone = passkey.use(client.get("/account/sign-in/passkey/options/").json())
        made = SoftKey().make(options(enrolling, ADD, "new"))
        for answer in (signed, alone, made):
            part = dice.choice(sorted(set(answer["response"]) - {"transports"}))
            answer["response"][part] = mutate(answer["response"][part], dice)
        assert post_step(client, "token", otp_token=json.dumps(signed)).status_code == 200
        response = client.post("/account/sign-in/passkey/", {"answer": json.dumps(alone)})
        assert response["Location"] == SIGN_IN
        response = enrolling.post(ADD, {"label": "new", "answer": json.dumps(made)})
        assert response.status_code in {200, 302}
        SecurityKey.objects.filter(name="new").delete()
    assert not is_signed_in(client)
