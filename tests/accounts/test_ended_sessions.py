"""A request that is at work when its session is ended does nothing any more.

Whoever sits in somebody's account could otherwise send one request after the other, and so have
one come right after the owner has thrown them out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.test import Client
from django.utils import timezone

from accounts.models import (
    AuthenticatorApp,
    EmailAddress,
    RecoveryCode,
    SecurityKey,
    UnknownSignIn,
    User,
    UserSession,
)
from accounts.operations import denials, freezing, passwords, second_factors
from accounts.operations.sessions import end_sessions
from audit.actors import command
from tests.accounts.doors import SIGN_IN, is_signed_in, offer_of, text_of_page
from tests.accounts.keys import ADD, ADD_PASSKEY, options
from tests.accounts.test_late_changes import right_after
from tests.support.authenticator import SoftKey
from tests.support.people import STEP, Person, totp
from tokens.models import APIToken

Browser = Callable[..., Client]
Request = Callable[[], Any]
SERVER = command("test")
SECOND = "second@example.org"


def deny(person: Person) -> None:
    sign_in = UnknownSignIn.objects.create(user=person.user)
    denials.deny_sign_in(sign_in, address=person.email, by=person.actor)


def set_password(person: Person) -> None:
    reset = passwords.PasswordReset.objects.create(
        user=person.user,
        address=EmailAddress.objects.get(address=person.email),
        last_login=person.fresh_user.last_login,
        password_version=person.fresh_user.password_version,
    )
    passwords.reset_password(reset, "seven quiet herons by the weir", by=person.actor)


ENDS = pytest.mark.parametrize(
    "end",
    [
        deny,
        set_password,
        lambda person: end_sessions(person.user, keep=None, by=person.actor),
        lambda person: freezing.freeze_accounts([person.user], reason="x" * 20, by=SERVER),
        lambda person: User.objects.filter(pk=person.user.pk).delete(),
    ],
    ids=["denied", "new password", "sessions ended", "frozen", "deleted"],
)


def to_add_key(client: Client, person: Person, page: str = ADD) -> Request:
    answer = json.dumps(SoftKey().make(options(client, page, "theirs")))
    return lambda: client.post(page, {"label": "theirs", "answer": answer})


def to_add_passkey(client: Client, person: Person) -> Request:
    return to_add_key(client, person, ADD_PASSKEY)


def to_add_app(client: Client, person: Person) -> Request:
    _app, secret = offer_of(person, client)
    code = totp(secret, int(time.time() // STEP))
    return lambda: client.post("/account/apps/add/", {"label": "theirs", "code": code})


def to_remove_app(client: Client, person: Person) -> Request:
    path = f"/account/apps/{person.app.pk}/remove/"
    return lambda: client.post(path)


def to_make_codes(client: Client, person: Person) -> Request:
    return lambda: client.post("/account/recovery-codes/make/")


def to_add_address(client: Client, person: Person) -> Request:
    return lambda: client.post("/account/addresses/add/", {"email": "third@example.org"})


def to_make_primary(client: Client, person: Person) -> Request:
    pk = EmailAddress.objects.get(address=SECOND).pk
    return lambda: client.post(f"/account/addresses/{pk}/primary/")


def to_remove_address(client: Client, person: Person) -> Request:
    pk = EmailAddress.objects.get(address=SECOND).pk
    return lambda: client.post(f"/account/addresses/{pk}/remove/")


def to_make_token(client: Client, person: Person) -> Request:
    form = {"name": "theirs", "scope": "account", "actions": "upload", "expiry": "90"}
    return lambda: client.post("/account/tokens/make/", form | {"confirm": "1"})


def to_delete(client: Client, person: Person) -> Request:
    return lambda: client.post("/account/delete/", {"username": person.username})


REQUESTS = [
    to_add_key,
    to_add_passkey,
    to_add_app,
    to_remove_app,
    to_make_codes,
    to_add_address,
    to_make_primary,
    to_remove_address,
    to_make_token,
    to_delete,
]


def belongings(person: Person) -> list[object]:
    """What an account has that lets somebody in, or keeps somebody out."""
    mine = {"user": person.user}
    return [
        User.objects.filter(pk=person.user.pk).exists(),
        sorted(AuthenticatorApp.objects.filter(confirmed=True, **mine).values_list("pk")),
        sorted(SecurityKey.objects.filter(**mine).values_list("pk")),
        sorted(RecoveryCode.objects.filter(code_set__user=person.user).values_list("pk")),
        sorted(EmailAddress.objects.filter(**mine).values_list("address", "is_primary")),
        APIToken.objects.filter(**mine).count(),
    ]


def give_second_address(person: Person) -> None:
    before = timezone.now() - timedelta(days=300)
    EmailAddress.objects.create(
        user=person.user, address=SECOND, verified_at=before, added_at=before
    )


@pytest.mark.parametrize("prepare", REQUESTS)
def test_what_was_at_work_when_its_session_was_ended_is_not_done(
    browser: Browser, alice: Person, prepare: Callable[[Client, Person], Request]
) -> None:
    give_second_address(alice)
    client = browser(alice)
    request, before = prepare(client, alice), belongings(alice)
    end = partial(end_sessions, alice.user, keep=None, by=alice.actor)
    with right_after('SELECT "accounts_authenticatorapp"', end):
        response = request()
    assert (response.status_code, response["Location"]) == (302, SIGN_IN)
    assert "Sign in again." in text_of_page(client.get(SIGN_IN))
    assert belongings(alice) == before
    assert not UserSession.objects.filter(user=alice.user).exists()


@pytest.mark.parametrize("prepare", REQUESTS)
def test_it_is_done_when_the_session_goes_on(
    browser: Browser, alice: Person, prepare: Callable[[Client, Person], Request]
) -> None:
    give_second_address(alice)
    request, before = prepare(browser(alice), alice), belongings(alice)
    request()
    assert belongings(alice) != before


@ENDS
def test_no_passkey_stays_of_whoever_was_thrown_out(
    browser: Browser, alice: Person, end: Callable[[Person], object]
) -> None:
    client = browser(alice)
    request = to_add_passkey(client, alice)
    with right_after("RELEASE SAVEPOINT", lambda: end(alice)):
        response = request()
    assert response["Location"] == SIGN_IN
    assert not SecurityKey.objects.exists()
    assert not is_signed_in(client)


@pytest.mark.parametrize("word", ["release", "delete", "resume"])
def test_whoever_was_thrown_out_does_not_undo_a_denial(
    browser: Browser, alice: Person, word: str
) -> None:
    held = AuthenticatorApp.objects.create(
        user=alice.user,
        name="theirs",
        held_at=timezone.now(),
        secret=second_factors.wrap_secret(alice.user, b"twenty bytes of tea!"),
    )
    User.objects.filter(pk=alice.user.pk).update(uploads_suspended_at=timezone.now())
    client = browser(alice)
    end = partial(end_sessions, alice.user, keep=None, by=alice.actor)
    with right_after('SELECT "accounts_authenticatorapp"', end):
        response = client.post("/account/held/", {word: f"authenticatorapp-{held.pk}"})
    assert response["Location"] == SIGN_IN
    held.refresh_from_db()
    assert held.held_at is not None
    assert alice.fresh_user.uploads_suspended_at is not None


def test_the_operation_says_so(browser: Browser, alice: Person) -> None:
    browser(alice)
    session = UserSession.objects.get(user=alice.user)
    second_factors.create_recovery_codes(alice.user, by=replace(alice.actor, session=session.pk))
    with pytest.raises(SessionInterrupted):
        second_factors.create_recovery_codes(alice.user, by=replace(alice.actor, session="0" * 40))
