"""Security keys in software, on the doors of an account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.test import Client

from accounts import security_keys
from accounts.models import AuthenticatorApp, SecurityKey
from accounts.operations import second_factors
from tests.accounts.doors import (
    post_step,
)
from tests.support.authenticator import SoftKey
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
ADD = "/account/keys/add/"
ADD_PASSKEY = "/account/passkeys/add/"
MAKE_TOKEN = "/account/tokens/make/"


def options(client: Client, page: str, label: str = "blue") -> dict[str, Any]:
    """What the page's script is told to ask the browser."""
    return dict(client.get(f"{page}options/", {"label": label}).json())


def enrol(
    client: Client, key: SoftKey, *, page: str = ADD, label: str = "blue", **client_data: Any
) -> Any:
    answer = key.make(options(client, page, label), **client_data)
    return client.post(page, {"label": label, "answer": json.dumps(answer)})


def give_key(person: Person, *, label: str = "blue", as_passkey: bool = False) -> SoftKey:
    """A key that is registered for the person, without a page."""
    key = SoftKey()
    user = person.fresh_user
    asked = security_keys.ask_to_add(user, session=None, as_passkey=as_passkey)
    second_factors.add_key(
        user,
        label=label,
        answer=json.dumps(key.make(asked)),
        as_passkey=as_passkey,
        session=None,
        by=person.actor,
    )
    return key


def row_of(person: Person, label: str = "blue") -> SecurityKey:
    return SecurityKey.objects.get(user=person.user, name=label)


def sign_in_answer(client: Client, key: SoftKey) -> str:
    return json.dumps(key.use(client.get("/account/sign-in/options/").json()))


def give_answer(client: Client, key: SoftKey) -> Any:
    return post_step(client, "token", otp_token=sign_in_answer(client, key))


def only_keys(username: str = "keyholder") -> tuple[Person, SoftKey]:
    """Somebody who has a key and no app, and has kept recovery codes."""
    person = make_person(username)
    key = give_key(person)
    AuthenticatorApp.objects.filter(user=person.user).delete()
    return person, key
