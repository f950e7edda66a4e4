"""The pure room of WebAuthn, against a key in software, and against whatever else may come."""

from __future__ import annotations

import copy
import json
import random
import secrets
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import webauthn
from accounts.webauthn import KnownKey, NewKey, Site
from tests.support.authenticator import ORIGIN, SoftKey, b64, unb64

pytestmark = pytest.mark.once

SITE = Site("Indexsite", "localhost", ORIGIN)
CHALLENGE = bytes(range(56))
ALICE = b"a" * 16
Answer = dict[str, Any]


def make(
    key: SoftKey, *, as_passkey: bool = False, known: tuple[KnownKey, ...] = (), **client_data: Any
) -> Answer:
    options = webauthn.ask_to_make(
        SITE,
        challenge=CHALLENGE,
        user_handle=ALICE,
        user_name="alice",
        known=known,
        as_passkey=as_passkey,
    )
    return key.make(options, **client_data)


def accept(answer: Answer, *, as_passkey: bool = False) -> NewKey:
    return webauthn.check_made(
        json.dumps(answer), site=SITE, challenge=CHALLENGE, as_passkey=as_passkey
    )


def use(
    key: SoftKey, made: NewKey | None = None, *, as_passkey: bool = False, **client_data: Any
) -> Answer:
    allowed = [KnownKey(made.credential_id, made.transports)] if made else []
    options = webauthn.ask_to_use(SITE, challenge=CHALLENGE, allowed=allowed, as_passkey=as_passkey)
    return key.use(options, **client_data)


def check(
    answer: Answer | str, made: NewKey, *, as_passkey: bool = False, challenge: bytes = CHALLENGE
) -> webauthn.KeyUse:
    return webauthn.check_used(
        answer if isinstance(answer, str) else json.dumps(answer),
        site=SITE,
        challenge=challenge,
        public_key=made.public_key,
        as_passkey=as_passkey,
    )


# What is asked


def test_a_security_key_of_any_age_can_answer_what_is_asked() -> None:
    options = webauthn.ask_to_make(
        SITE,
        challenge=CHALLENGE,
        user_handle=ALICE,
        user_name="alice",
        known=[KnownKey(b"known", ("usb",))],
        as_passkey=False,
    )
    assert options["authenticatorSelection"] == {
        "residentKey": "discouraged",
        "requireResidentKey": False,
        "userVerification": "discouraged",
    }
    assert options["attestation"] == "none"
    assert options["rp"] == {"name": "Indexsite", "id": "localhost"}
    assert unb64(options["user"]["id"]) == ALICE
    assert options["excludeCredentials"] == [
        {"id": b64(b"known"), "type": "public-key", "transports": ["usb"]}
    ]
    assert {row["alg"] for row in options["pubKeyCredParams"]} == {-8, -7, -257}


def test_a_passkey_is_found_without_its_id_and_checks_its_user() -> None:
    options = webauthn.ask_to_make(
        SITE, challenge=CHALLENGE, user_handle=ALICE, user_name="a", known=[], as_passkey=True
    )
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    asked = webauthn.ask_to_use(SITE, challenge=CHALLENGE, allowed=[], as_passkey=True)
    assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])


def test_options_are_json() -> None:
    options = webauthn.ask_to_use(
        SITE, challenge=CHALLENGE, allowed=[KnownKey(b"x")], as_passkey=False
    )
    assert json.loads(json.dumps(options))["challenge"] == b64(CHALLENGE)


# What is accepted


@pytest.mark.parametrize("is_u2f", [False, True])
def test_a_key_is_made_and_used(is_u2f: bool) -> None:
    key = SoftKey(is_u2f=is_u2f)
    made = accept(make(key))
    used = check(use(key, made), made)
    assert (made.sign_count, used.sign_count) == (1, 2)
    assert used.user_handle is None
    assert made.transports == (("usb",) if is_u2f else ("internal", "usb"))


def test_a_passkey_says_whose_it_is() -> None:
    key = SoftKey(is_synced=True, counts=False)
    made = accept(make(key, as_passkey=True), as_passkey=True)
    used = check(use(key, as_passkey=True), made, as_passkey=True)
    assert made.is_discoverable
    assert made.is_backed_up
    assert used.is_backed_up
    assert (used.user_handle, used.sign_count) == (ALICE, 0)


def test_a_browser_may_leave_open_whether_a_key_is_discoverable() -> None:
    assert accept(make(SoftKey(answers_rk=None))).is_discoverable is None


def test_the_challenge_and_the_key_can_be_read_before_they_are_checked() -> None:
    key = SoftKey()
    made = accept(make(key))
    answer = json.dumps(use(key, made))
    assert webauthn.challenge_in(answer) == CHALLENGE
    assert webauthn.credential_id_in(answer) == made.credential_id


def test_transports_that_are_not_known_are_left_out() -> None:
    answer = make(SoftKey())
    answer["response"]["transports"] = ["usb", "telepathy"]
    assert accept(answer).transports == ("usb",)


# What is refused


def test_an_excluded_key_is_not_made_again() -> None:
    key = SoftKey()
    made = accept(make(key))
    with pytest.raises(LookupError):
        make(key, known=(KnownKey(made.credential_id),))


ORIGINS = [
    "https://localhost:8000",
    "http://localhost",
    "http://localhost:8001",
    "http://evil.example",
    "http://localhost:8000.evil.example",
    "http://localhost:8000/",
    "null",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_page_of_another_origin_makes_and_uses_no_key(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        accept(make(SoftKey(origin=origin)))
    key = SoftKey()
    made = accept(make(key))
    key.origin = origin
    with pytest.raises(ValueError, match="origin"):
        check(use(key, made), made)


def test_a_key_for_another_site_is_refused() -> None:
    key = SoftKey()
    made = accept(make(key))
    key.credentials[0].rp_id = "evil.example"
    options = {"challenge": b64(CHALLENGE), "rpId": "localhost"}
    with pytest.raises(ValueError, match="RP ID"):
        check(key.sign(key.credentials[0], options), made)


def test_an_answer_to_another_challenge_is_refused() -> None:
    key = SoftKey()
    made = accept(make(key))
    with pytest.raises(ValueError, match="challenge"):
        check(use(key, made), made, challenge=CHALLENGE[::-1])
    with pytest.raises(ValueError, match="challenge"):
        webauthn.check_made(
            json.dumps(make(SoftKey())), site=SITE, challenge=b"x" * 56, as_passkey=False
        )


def test_what_was_made_is_no_use_and_the_reverse() -> None:
    key = SoftKey()
    answer = make(key)
    made = accept(answer)
    with pytest.raises(ValueError, match="missing"):
        check(answer, made)
    with pytest.raises(ValueError, match="missing"):
        accept(use(key, made))
    with pytest.raises(ValueError, match="type"):
        check(use(key, made, type="webauthn.create"), made)


def test_a_passkey_that_did_not_check_its_user_is_refused() -> None:
    with pytest.raises(ValueError, match="verif"):
        accept(make(SoftKey(verifies_user=False), as_passkey=True), as_passkey=True)
    key = SoftKey()
    made = accept(make(key, as_passkey=True), as_passkey=True)
    key.verifies_user = False
    with pytest.raises(ValueError, match="verif"):
        check(use(key, as_passkey=True), made, as_passkey=True)


def test_the_signature_of_another_key_is_refused() -> None:
    key, other = SoftKey(), SoftKey()
    made, others = accept(make(key)), accept(make(other))
    with pytest.raises(ValueError, match="signature"):
        check(use(other, others), made)


def test_an_answer_that_names_another_key_than_it_holds_is_refused() -> None:
    answer = make(SoftKey())
    answer["id"] = answer["rawId"] = b64(b"another")
    with pytest.raises(ValueError, match="another key"):
        accept(answer)


def test_a_public_key_that_no_signature_can_fit_is_refused_at_once() -> None:
    answer = make(SoftKey())
    whole = cbor2.loads(unb64(answer["response"]["attestationObject"]))
    cut = whole["authData"]
    whole["authData"] = cut[:-32] + bytes(32)  # a point that is not on the curve
    answer["response"]["attestationObject"] = b64(cbor2.dumps(whole))
    with pytest.raises(ValueError, match=r"curve|point"):
        accept(answer)


def test_an_attestation_that_is_forged_is_refused() -> None:
    answer = make(SoftKey(is_u2f=True))
    whole = cbor2.loads(unb64(answer["response"]["attestationObject"]))
    whole["attStmt"]["sig"] = whole["attStmt"]["sig"][:-1] + b"\x00"
    answer["response"]["attestationObject"] = b64(cbor2.dumps(whole))
    with pytest.raises(ValueError, match=r"ttestation|ignature"):
        accept(answer)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "1",
        '"x"',
        "{}",
        '{"id": "eA", "rawId": "eA", "response": []}',
        '{"id": 1, "rawId": "eA", "response": {}}',
        "[" * 50_000,
        "{" * 1000,
        '{"id": "eA", "rawId": "eA", "response": ' + "[" * 9000 + "]" * 9000 + "}",
        "\x00",
        "\ud800",
        "é" * 100,
        "x" * 30_000,
        '{"id": "e A", "rawId": "eA", "response": {"clientDataJSON": "eA"}}',
        '{"id": "eA", "rawId": "eA", "response": {"clientDataJSON": "e30"}}',
        '{"id": "eA", "rawId": "eA", "response": {"clientDataJSON": "eA=="}}',
        '{"id": "NaN", "rawId": NaN, "response": {"clientDataJSON": Infinity}}',
    ],
)
def test_what_is_no_answer_is_refused(text: str) -> None:
    made = accept(make(SoftKey()))
    reads: list[Callable[[], object]] = [
        lambda: webauthn.challenge_in(text),
        lambda: check(text, made),
        lambda: webauthn.check_made(text, site=SITE, challenge=CHALLENGE, as_passkey=False),
    ]
    for read in reads:
        with pytest.raises(ValueError, match=r"."):
            read()


@given(st.text(max_size=300))
def test_text_of_any_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        webauthn.challenge_in(text)


# Five thousand ways to change an answer a little


def mutate(value: Any, dice: random.Random) -> Any:
    """The same JSON with one thing changed somewhere."""
    if isinstance(value, dict) and value:
        name = dice.choice(sorted(value))
        if dice.random() < 0.1:
            return {key: value[key] for key in value if key != name}
        if dice.random() < 0.05:
            return value | {name: dice.choice([None, 1, [], {}, "", True, 1e400, "é"])}
        return value | {name: mutate(value[name], dice)}
    if isinstance(value, str):
        return _mutate_text(value, dice)
    return dice.choice([None, 0, -1, "x", [], {}, [value], 2**70])


def _mutate_text(text: str, dice: random.Random) -> str:
    try:
        data = bytearray(unb64(text))
    except ValueError:
        return text + "!"
    kind = dice.randrange(7)
    if kind == 0:
        return text[: dice.randrange(len(text) or 1)]
    if kind == 1:
        return text + dice.choice(["=", "A", "\n", " ", "+", "/", "\x00", "ü"])
    place = dice.randrange(len(data) or 1)
    if kind == 2 and data:
        data[place] ^= 1 << dice.randrange(8)
    elif kind == 3:
        data[place:place] = dice.randbytes(dice.choice([1, 2, 40]))
    elif kind == 4:
        del data[place : place + dice.choice([1, 2, 40])]
    elif kind == 5 and data:
        data[place] = dice.choice([0x00, 0x04, 0x1F, 0x5F, 0x7F, 0x9F, 0xBF, 0xDF, 0xFF])
    else:
        data = bytearray(dice.randbytes(len(data)))
    return b64(bytes(data))


def signed_parts(answer: Answer) -> tuple[str, ...]:
    parts = answer["response"]
    return (answer["id"], *(parts[name] for name in ("clientDataJSON", "authenticatorData")))


def test_five_thousand_changed_answers_are_refused() -> None:
    dice = random.Random(20_261_124)  # noqa: S311
    keys = [SoftKey(), SoftKey(is_u2f=True)]
    made = [accept(make(key)) for key in keys]
    passkey = SoftKey(is_synced=True, counts=False)
    keys.append(passkey)
    made.append(accept(make(passkey, as_passkey=True), as_passkey=True))
    answers = [use(keys[0], made[0]), use(keys[1], made[1]), use(passkey, as_passkey=True)]
    for answer in answers:
        del answer["clientExtensionResults"]  # of which nothing is taken
    refused = 0
    for turn in range(5000):
        answer, key = answers[turn % 3], made[turn % 3]
        changed = mutate(copy.deepcopy(answer), dice)
        try:
            used = check(json.dumps(changed), key)
        except ValueError:
            refused += 1
            continue
        # What is left may only differ in what nothing is taken from: every signed byte is as it was
        assert signed_parts(changed) == signed_parts(answer)
        assert used.sign_count == check(answer, key).sign_count
    assert refused > 4500


def test_five_thousand_changed_new_keys_are_refused_or_are_keys() -> None:
    # Without attestation nothing signs a new key, so one with other bytes is another key
    dice = random.Random(20_261_125)  # noqa: S311
    answers = [make(SoftKey()), make(SoftKey(is_u2f=True))]
    refused = 0
    for turn in range(5000):
        changed = mutate(copy.deepcopy(answers[turn % 2]), dice)
        try:
            new = accept(changed)
        except ValueError:
            refused += 1
            continue
        client_data = changed["response"]["clientDataJSON"]
        assert client_data == answers[turn % 2]["response"]["clientDataJSON"]
        assert new.credential_id == unb64(changed["id"])
        assert len(new.aaguid) == 36
    assert refused > 3500


def test_random_cbor_is_refused() -> None:
    answer = make(SoftKey())
    for _turn in range(500):
        answer["response"]["attestationObject"] = b64(secrets.token_bytes(secrets.randbelow(300)))
        with pytest.raises(ValueError, match=r"."):
            accept(answer)
