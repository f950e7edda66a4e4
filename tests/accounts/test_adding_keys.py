"""Security keys and passkeys are added, renamed and removed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts import security_keys
from accounts.events import (
    KEY_ADDED,
    KEY_REFUSED,
    KEY_REMOVED,
    PASSKEY_ADDED,
    SECOND_FACTOR_RENAMED,
)
from accounts.models import AuthenticatorApp, OutboxMail, SecurityKey, UserSession
from accounts.operations import second_factors
from tests.accounts.doors import (
    count_events,
    give_password,
    is_signed_in,
    leads_to_sign_in,
    newcomer,
    post_step,
    text_of_page,
)
from tests.accounts.keys import (
    ADD,
    ADD_PASSKEY,
    Browser,
    enrol,
    give_answer,
    give_key,
    only_keys,
    options,
    row_of,
)
from tests.support.authenticator import SoftKey
from tests.support.clone import Database, race_all
from tests.support.people import Person

# Adding


@pytest.mark.parametrize("is_u2f", [False, True])
def test_a_key_is_the_first_second_factor(browser: Browser, db: None, is_u2f: bool) -> None:
    person = newcomer()
    client, other = browser(person), browser(person)
    response = enrol(client, SoftKey(is_u2f=is_u2f))
    assert response["Location"] == "/account/security/"
    key = row_of(person)
    assert (key.sign_count, key.is_passkey) == (1, False)
    assert client.get("/account/security/")["Location"] == "/account/recovery-codes/"
    assert leads_to_sign_in(other.get("/account/security/"))
    assert UserSession.objects.filter(user=person.user).count() == 1
    assert count_events(KEY_ADDED) == 1
    mail = OutboxMail.objects.get(notice="second_factor_added")
    assert mail.facts == {"label": "blue", "kind": "key"}


def test_adding_a_key_changes_the_key_of_this_session(browser: Browser, alice: Person) -> None:
    client, thief = browser(alice), browser()
    former = client.cookies["session"].value
    enrol(client, SoftKey())
    thief.cookies["session"] = former
    assert is_signed_in(client)
    assert not is_signed_in(thief)


def test_a_passkey_is_added(browser: Browser, alice: Person) -> None:
    enrol(browser(alice), SoftKey(is_synced=True, counts=False), page=ADD_PASSKEY)
    key = row_of(alice)
    assert (key.is_passkey, key.is_backed_up, key.sign_count) == (True, True, 0)
    assert count_events(PASSKEY_ADDED) == 1


@pytest.mark.parametrize(
    "key", [SoftKey(verifies_user=False), SoftKey(answers_rk=False)], ids=["no PIN", "no place"]
)
def test_what_cannot_sign_in_alone_is_no_passkey(
    browser: Browser, alice: Person, key: SoftKey
) -> None:
    response = enrol(browser(alice), key, page=ADD_PASSKEY)
    assert "was not accepted" in text_of_page(response)
    assert not SecurityKey.objects.exists()
    assert count_events(KEY_REFUSED) == 1


def test_a_key_that_is_known_is_excluded_and_refused(browser: Browser, alice: Person) -> None:
    client, key = browser(alice), SoftKey()
    enrol(client, key)
    asked = options(client, ADD, "green")
    with pytest.raises(LookupError):
        key.make(asked)
    answer = key.make(asked | {"excludeCredentials": []})
    SecurityKey.objects.update(credential_id=answer["id"])
    response = client.post(ADD, {"label": "green", "answer": json.dumps(answer)})
    assert "registered on this site already" in text_of_page(response)
    assert SecurityKey.objects.count() == 1


def test_the_key_of_another_account_cannot_be_added(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    give_key(alice)
    client, key = browser(mallory), SoftKey()
    answer = key.make(options(client, ADD))
    SecurityKey.objects.update(credential_id=answer["id"])
    client.post(ADD, {"label": "blue", "answer": json.dumps(answer)})
    assert not mallory.fresh_user.security_keys


def test_an_answer_adds_one_key(browser: Browser, alice: Person) -> None:
    client, key = browser(alice), SoftKey()
    form = {"label": "blue", "answer": json.dumps(key.make(options(client, ADD)))}
    client.post(ADD, form)
    response = client.post(ADD, form | {"label": "again"})
    assert "was not accepted" in text_of_page(response)
    assert SecurityKey.objects.count() == 1


def test_an_answer_counts_for_what_was_asked(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    answer = SoftKey().make(options(client, ADD_PASSKEY))
    client.post(ADD, {"label": "blue", "answer": json.dumps(answer)})
    answer = SoftKey().make(options(client, ADD))
    client.post(ADD_PASSKEY, {"label": "blue", "answer": json.dumps(answer)})
    assert not SecurityKey.objects.exists()


def test_an_answer_counts_in_the_session_that_asked(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser(alice)
    for other in (browser(alice), browser(mallory)):
        answer = SoftKey().make(options(other, ADD))
        client.post(ADD, {"label": "blue", "answer": json.dumps(answer)})
    assert not SecurityKey.objects.exists()


def test_an_answer_counts_for_five_minutes(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        answer = SoftKey().make(options(client, ADD))
        clock.shift(5 * 60)
        client.post(ADD, {"label": "blue", "answer": json.dumps(answer)})
        assert not SecurityKey.objects.exists()
        clock.shift(-1)
        client.post(ADD, {"label": "blue", "answer": json.dumps(answer)})
        assert SecurityKey.objects.exists()


def test_of_eight_requests_with_one_answer_one_adds_the_key(committed_db: Database) -> None:
    person = newcomer()
    asked = security_keys.ask_to_add(person.user, session=None, as_passkey=False)
    answer, by = json.dumps(SoftKey().make(asked)), person.actor

    def add(label: str) -> Callable[[], bool]:
        def run() -> bool:
            try:
                second_factors.add_key(
                    person.user, label=label, answer=answer, as_passkey=False, session=None, by=by
                )
            except ValidationError:
                return False
            return True

        return run

    outcomes = race_all([add(f"key {number}") for number in range(8)])
    assert (outcomes.count(True), outcomes.count(False)) == (1, 7)
    assert SecurityKey.objects.count() == 1


def test_a_key_needs_a_verified_mail_address(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    client = browser(person)
    assert client.get(ADD)["Location"] == "/account/security/"
    for page in ("keys", "passkeys"):
        for door in (f"/account/{page}/add/", f"/account/{page}/add/options/?label=x"):
            assert client.get(door)["Location"] == "/account/security/"
    assert not SecurityKey.objects.exists()


@pytest.mark.parametrize("label", ["", " ", "x" * 65, "a\x00b", "phone"])
def test_labels_that_cannot_be_are_refused(browser: Browser, alice: Person, label: str) -> None:
    client = browser(alice)
    asked = options(client, ADD)
    response = client.post(ADD, {"label": label, "answer": json.dumps(SoftKey().make(asked))})
    assert response.status_code == 200
    assert not SecurityKey.objects.exists()


def test_a_taken_label_is_told_before_the_authenticator_makes_anything(
    browser: Browser, alice: Person
) -> None:
    response = browser(alice).get(f"{ADD}options/", {"label": "phone"})
    assert response.status_code == 403
    assert "second factor of this name" in response.json()["refusal"]


def test_without_an_answer_the_page_says_what_to_do(browser: Browser, alice: Person) -> None:
    response = browser(alice).post(ADD, {"label": "blue"})
    assert "Press the button" in text_of_page(response)


def test_labels_are_unique_over_all_kinds(browser: Browser, alice: Person) -> None:
    give_key(alice)
    app = second_factors.offered_app(alice.fresh_user, session="")
    with pytest.raises(ValidationError, match="of this name"):
        second_factors.require_free_label(alice.fresh_user, "phone")
    with pytest.raises(ValidationError, match="of this name"):
        second_factors.require_free_label(app.user, "blue")


# Renaming and removing


def test_a_key_is_renamed(browser: Browser, alice: Person) -> None:
    give_key(alice)
    client = browser(alice)
    path = f"/account/keys/{row_of(alice).pk}/rename/"
    assert 'value="blue"' in text_of_page(client.get(path))
    client.post(path, {"label": "green"})
    assert row_of(alice, "green")
    assert count_events(SECOND_FACTOR_RENAMED) == 1
    client.post(path, {"label": "green"})
    assert count_events(SECOND_FACTOR_RENAMED) == 1


def test_an_app_is_renamed(browser: Browser, alice: Person) -> None:
    pk = alice.app.pk
    browser(alice).post(f"/account/apps/{pk}/rename/", {"label": "new phone"})
    assert AuthenticatorApp.objects.get(pk=pk).name == "new phone"


def test_a_taken_name_is_refused(browser: Browser, alice: Person) -> None:
    give_key(alice)
    path = f"/account/keys/{row_of(alice).pk}/rename/"
    response = browser(alice).post(path, {"label": "phone"})
    assert "second factor of this name" in text_of_page(response)
    with pytest.raises(ValidationError, match="of this name"):
        second_factors.rename_factor(row_of(alice), label="phone", by=alice.actor)


def test_a_removed_key_signs_nobody_in(browser: Browser, alice: Person) -> None:
    key = give_key(alice)
    client, other = browser(alice), browser(alice)
    path = f"/account/keys/{row_of(alice).pk}/remove/"
    page = text_of_page(client.get(path))
    assert "Remove the security key" in page
    assert "only second factor" not in page
    client.post(path)
    assert not is_signed_in(other)
    assert not SecurityKey.objects.exists()
    assert count_events(KEY_REMOVED) == 1
    client = browser()
    give_password(client, alice)
    asked = security_keys.ask_for_key(
        alice.fresh_user, security_keys.SIGN_IN, session=client.session.session_key
    )
    response = post_step(client, "token", otp_token=json.dumps(key.sign(key.credentials[0], asked)))
    assert response.status_code == 200
    assert not is_signed_in(client)


def test_the_last_key_ends_the_recovery_codes(browser: Browser, db: None) -> None:
    person, _key = only_keys()
    client = browser(person)
    path = f"/account/keys/{row_of(person).pk}/remove/"
    assert "only second factor" in text_of_page(client.get(path))
    client.post(path)
    assert not person.fresh_user.has_second_factor
    assert person.fresh_user.recovery_codes is None


def test_an_app_may_go_where_a_key_stays(browser: Browser, sam: Person) -> None:
    key = give_key(sam)
    second_factors.remove_factor(sam.app, keep_session=None, by=sam.actor)
    with pytest.raises(PermissionDenied, match="must have a second factor"):
        second_factors.remove_factor(row_of(sam), keep_session=None, by=sam.actor)
    page = browser(sam).get(f"/account/keys/{row_of(sam).pk}/remove/")
    assert "must have one" in text_of_page(page)
    client = browser()
    give_password(client, sam)
    give_answer(client, key)
    assert client.get("/admin/").status_code == 200


def test_a_held_factor_does_not_count_as_another(sam: Person) -> None:
    give_key(sam)
    SecurityKey.objects.update(held_at=timezone.now())
    with pytest.raises(PermissionDenied):
        second_factors.remove_factor(sam.app, keep_session=None, by=sam.actor)


@pytest.mark.parametrize("act", ["rename", "remove"])
def test_the_key_of_another_account_is_not_found(
    browser: Browser, alice: Person, mallory: Person, act: str
) -> None:
    give_key(alice)
    client = browser(mallory)
    path = f"/account/keys/{row_of(alice).pk}/{act}/"
    assert client.get(path).status_code == 404
    assert client.post(path, {"label": "mine"}).status_code == 404
    assert row_of(alice)


def test_the_security_page_lists_keys_and_apps(browser: Browser, alice: Person) -> None:
    give_key(alice, label="<b>blue</b>")
    give_key(alice, label="laptop", as_passkey=True)
    page = text_of_page(browser(alice).get("/account/security/"))
    assert "&lt;b&gt;blue&lt;/b&gt;" in page
    assert page.count("passkey</span>") == 1
    assert "nothing is missing" in page
