from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from audit import keyring
from tests.support.clone import Database, race
from tests.support.people import Person, make_person
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.credentials import UNKNOWN, TokenRefused, open_token, wrap_root_key
from tokens.models import APIToken
from tokens.uses import note_use


def refusal_of(text: str) -> TokenRefused:
    with pytest.raises(TokenRefused) as refused:
        open_token(text)
    sentence = refused.value.sentence
    assert sentence.isascii()
    assert "\n" not in sentence
    return refused.value


def test_a_token_opens_its_row(alice: Person) -> None:
    token, text = make(alice)
    assert open_token(text).token == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "pypi-",
        "pypi-x",
        "nonsense",
        "pypi-" + "A" * 200,
        "pypi-" + "A" * 9000,
        "pypi-\x00",
        "pypi-é",
        "__token__",
        "Bearer x",
    ],
)
def test_what_is_no_token_is_refused(db: None, text: str) -> None:
    assert refusal_of(text).token is None


def test_every_changed_letter_is_noticed_but_in_the_name_of_the_site(alice: Person) -> None:
    # No signature covers the location (it is a hint for people), so nothing may hang on it
    _token, text = make(alice)
    meant, unnoticed = macaroons.parse(text), []
    for place in range(5, len(text)):
        letter = "A" if text[place] != "A" else "B"
        changed = f"{text[:place]}{letter}{text[place + 1 :]}"
        with suppress(TokenRefused):
            open_token(changed)
            unnoticed.append(macaroons.parse(changed))
    for read in unnoticed:
        assert read.location != meant.location
        assert (read.identifier, read.caveats) == (meant.identifier, meant.caveats)
    assert len(unnoticed) <= 4 * len("localhost") / 3 + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: t + "=",
        lambda t: f" {t}",
        lambda t: f"{t}\n",
        str.upper,
    ],
)
def test_a_token_is_taken_whole_or_not_at_all(alice: Person, change: object) -> None:
    _token, text = make(alice)
    assert refusal_of(change(text)).token is None  # type: ignore[operator]


def test_a_forged_token_is_told_nothing_about_the_row(alice: Person) -> None:
    token, text = make(alice)
    forged = macaroons.mint(location="localhost", identifier=token.pk, key=b"x" * 32, caveats=[])
    unknown = macaroons.mint(
        location="localhost", identifier=uuid.uuid4(), key=b"x" * 32, caveats=[]
    )
    APIToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    assert refusal_of(forged).sentence == UNKNOWN
    assert refusal_of(unknown).sentence == UNKNOWN
    assert refusal_of(forged).token is None
    assert "revoked" in refusal_of(text).sentence
    assert refusal_of(text).token == token


def test_a_token_without_its_caveats_is_refused(alice: Person) -> None:
    token, text = make(alice, projects=[project_of(alice, "foo")])
    parsed = macaroons.parse(text)
    stripped = macaroons.ParsedToken(
        parsed.identifier, parsed.location, parsed.caveats[:1], parsed._signature
    )
    key = keyring.unwrap("API token root keys", token.root_key, context=f"token:{token.pk}")
    assert macaroons.has_valid_signature(parsed, key)
    assert not macaroons.has_valid_signature(stripped, key)


def test_a_row_without_its_caveats_opens_nothing(alice: Person) -> None:
    # Who can write the table takes the restrictions away
    token, text = make(alice)
    for stored in ([], [json.dumps([3, str(alice.user.pk)])], ["nonsense"], [""]):
        APIToken.objects.filter(pk=token.pk).update(caveats=stored)
        assert "does not say what it may do" in refusal_of(text).sentence


def test_restrictions_in_the_token_hold_even_if_the_row_forgot_them(alice: Person) -> None:
    token, text = make(alice, projects=[project_of(alice, "foo")])
    APIToken.objects.filter(pk=token.pk).update(caveats=token.caveats[-1:])
    with pytest.raises(TokenRefused):
        open_token(text).require("upload", project_name="bar", project_id=str(uuid.uuid4()))


def test_a_key_that_was_moved_to_another_row_opens_nothing(alice: Person, mallory: Person) -> None:
    hers, _text = make(alice)
    mine, text = make(mallory)
    APIToken.objects.filter(pk=hers.pk).update(root_key=mine.root_key)
    forged = macaroons.mint(
        location="localhost",
        identifier=hers.pk,
        key=keyring.unwrap("API token root keys", mine.root_key, context=f"token:{mine.pk}"),
        caveats=[json.dumps([3, str(alice.user.pk)])],
    )
    with pytest.raises(ValueError, match="another place"):
        open_token(forged)
    assert open_token(text).token.user == mallory.user


def test_the_root_key_is_not_in_the_database(alice: Person) -> None:
    token, _text = make(alice)
    key = keyring.unwrap("API token root keys", token.root_key, context=f"token:{token.pk}")
    assert len(key) == 32
    assert key.hex() not in token.root_key
    assert wrap_root_key(token.pk, key) != token.root_key


def test_a_token_of_another_database_is_unknown(alice: Person) -> None:
    token, text = make(alice)
    token.delete()
    assert refusal_of(text).sentence == UNKNOWN


def test_the_token_of_a_closed_account_is_refused(alice: Person) -> None:
    token, text = make(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert "is frozen or closed" in refusal_of(text).sentence
    assert refusal_of(text).token == token


# What it may do


def test_a_token_for_all_projects_uploads_and_creates(alice: Person) -> None:
    credential = open_token(make(alice)[1])
    credential.require("upload", project_name="foo", project_id=str(uuid.uuid4()))
    credential.require("create", project_name="new", project_id=None)


def test_a_token_for_a_project_uploads_there_and_nowhere_else(alice: Person) -> None:
    foo = project_of(alice, "foo")
    credential = open_token(make(alice, projects=[foo])[1])
    credential.require("upload", project_name="foo", project_id=str(foo.pk))
    for name, pk in (("bar", str(uuid.uuid4())), ("foo", str(uuid.uuid4())), ("bar", str(foo.pk))):
        with pytest.raises(TokenRefused):
            credential.require("upload", project_name=name, project_id=pk)
    with pytest.raises(TokenRefused):
        credential.require("create", project_name="foo", project_id=None)


@pytest.mark.parametrize("action", ["yank", "manage", "delete", "", "UPLOAD"])
def test_a_token_does_nothing_else(alice: Person, action: str) -> None:
    foo = project_of(alice, "foo")
    credential = open_token(make(alice)[1])
    with pytest.raises(TokenRefused):
        credential.require(action, project_name="foo", project_id=str(foo.pk))


def test_a_token_that_was_narrowed_offline_is_narrower(alice: Person) -> None:
    _token, text = make(alice)
    narrowed = macaroons.attenuate(text, [json.dumps([1, ["foo"]])])
    credential = open_token(narrowed)
    credential.require("upload", project_name="foo", project_id=str(uuid.uuid4()))
    with pytest.raises(TokenRefused):
        credential.require("upload", project_name="bar", project_id=str(uuid.uuid4()))


def test_a_narrowed_token_cannot_be_widened(alice: Person) -> None:
    foo = project_of(alice, "foo")
    text = make(alice, projects=[foo])[1]
    wider = macaroons.attenuate(text, [json.dumps([1, ["foo", "bar"]])])
    with pytest.raises(TokenRefused):
        open_token(wider).require("upload", project_name="bar", project_id=str(uuid.uuid4()))


def test_an_expiry_that_was_added_offline_is_kept(alice: Person) -> None:
    now = int(time.time())
    text = macaroons.attenuate(make(alice)[1], [json.dumps([0, now + 600, now])])
    credential = open_token(text)
    credential.require("create", project_name="foo", project_id=None)
    with time_machine.travel(now + 601), pytest.raises(TokenRefused, match="expired"):
        credential.require("create", project_name="foo", project_id=None)


@pytest.mark.parametrize(
    "caveat",
    [
        '{"version": 1}',
        '{"version": 1, "permissions": []}',
        '{"version": 1, "permissions": "user"}',
        '{"version": 1, "permissions": {"otherkey": "foo"}}',
        '{"nbf": 1}',
        '[0,"50",10]',
        "[4,null,null]",
        '{"exp": 1}',
        "[0,5]",
        '"foo"',
        "null",
        "[]",
        "[9999999]",
        "",
        "[[[[",
        "[true]",
        '[1,"foo"]',
        "[1,[]]",
        "true",
    ],
)
def test_a_caveat_that_is_not_understood_forbids_everything(alice: Person, caveat: str) -> None:
    text = macaroons.attenuate(make(alice)[1], [caveat])
    with pytest.raises(TokenRefused, match="not understood"):
        open_token(text).require("create", project_name="foo", project_id=None)


def test_the_token_of_another_user_is_of_no_use_to_this_one(alice: Person, mallory: Person) -> None:
    # The row was given to another account
    token, text = make(alice)
    APIToken.objects.filter(pk=token.pk).update(user=mallory.user)
    with pytest.raises(TokenRefused):
        open_token(text).require("create", project_name="foo", project_id=None)


def test_opening_a_token_without_using_it_is_no_use(alice: Person) -> None:
    token, text = make(alice)
    open_token(text)
    token.refresh_from_db()
    assert token.last_used_at is None


def test_a_credential_does_not_show_its_caveats_in_logs(alice: Person) -> None:
    credential = open_token(make(alice)[1])
    assert str(alice.user.pk) not in repr(credential)


def test_one_token_can_be_used_by_many_at_once(committed_db: Database) -> None:
    alice = make_person("alice")
    by, (_token, text) = alice.actor, make(alice)

    def use() -> bool:
        note_use(open_token(text).token, by=by)
        return True

    assert race(6, use) == [True] * 6


def test_a_token_with_four_caveats_is_verified_with_one_query(
    alice: Person, django_assert_num_queries: Any
) -> None:
    foo = project_of(alice, "foo")
    _token, text = make(alice, projects=[foo])
    end = int(time.time()) + 3600
    text = macaroons.attenuate(text, [f"[0,{end},0]", '[1000,["upload"]]'])
    open_token(text)  # the keys that all tokens share are read once for a process
    with django_assert_num_queries(1):
        opened = open_token(text, network_address="192.0.2.1")
        opened.require("upload", project_name="foo", project_id=str(foo.pk))
