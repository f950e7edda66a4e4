"""What changes while somebody signs in or registers is heeded, and told in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import login
from accounts.models import ProhibitedDomain, ReservedName, SwitchState, User, UserSession
from accounts.operations import registration
from audit.actors import Actor
from tests.accounts.doors import SIGN_IN, give_code, give_password, is_signed_in, text_of_page
from tests.accounts.keys import give_key
from tests.accounts.test_login import some_request
from tests.accounts.test_passkeys import passkey_answer
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]


@contextmanager
def right_after(statement: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something as soon as the database has done the first statement that begins so."""
    left = [act]

    def watch(execute: Any, sql: str, *others: Any) -> Any:
        result = execute(sql, *others)
        if left and sql.startswith(statement):
            left.pop()()
        return result

    with connection.execute_wrapper(watch):
        yield


def set_password_of(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).update(password_changed_at=timezone.now())


def delete(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).delete()


CHANGES = pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_password_of, "The account was changed meanwhile. Sign in again."),
        (delete, "This account was deleted meanwhile."),
    ],
)


@CHANGES
def test_a_code_that_comes_too_late_leads_back_to_the_sign_in_page(
    browser: Browser, alice: Person, change: Callable[[Person], object], sentence: str
) -> None:
    client = browser()
    give_password(client, alice)
    with right_after('UPDATE "accounts_authenticatorapp"', lambda: change(alice)):
        response = give_code(client, code_for(alice))
    assert response["Location"].startswith(SIGN_IN)
    assert sentence in text_of_page(client.get(response["Location"]))
    assert not is_signed_in(client)


@CHANGES
def test_a_passkey_that_comes_too_late_leads_back_and_keeps_where_to_go(
    browser: Browser, alice: Person, change: Callable[[Person], object], sentence: str
) -> None:
    client, key = browser(), give_key(alice, as_passkey=True)
    form = {"answer": passkey_answer(client, key), "next": "/account/tokens/"}
    with right_after('UPDATE "accounts_securitykey"', lambda: change(alice)):
        response = client.post("/account/sign-in/passkey/", form)
    assert response["Location"] == f"{SIGN_IN}?next=%2Faccount%2Ftokens%2F"
    assert sentence in text_of_page(client.get(response["Location"]))
    assert not is_signed_in(client)


def test_an_account_that_is_gone_is_not_signed_in(alice: Person) -> None:
    user = alice.fresh_user
    delete(alice)
    with pytest.raises(PermissionDenied, match="deleted meanwhile"):
        login.complete(some_request(), user, method="an app", device=None)
    assert not UserSession.objects.exists()


def test_the_page_of_a_refusal_says_why(browser: Browser, db: None) -> None:
    client = browser(make_person("someone", group="Projects"))
    response = client.get("/admin/tokens/apitoken/find/")
    assert response.status_code == 403
    assert "Your staff group may not see API tokens." in text_of_page(response)


@pytest.mark.parametrize(
    ("meanwhile", "refusal"),
    [
        (lambda: ReservedName.objects.create(key="zoe", why="prohibited"), ValidationError),
        (lambda: ReservedName.objects.create(key="zoe", why="used"), ValidationError),
        (lambda: ProhibitedDomain.objects.create(domain="example.org"), ValidationError),
        (
            lambda: SwitchState.objects.filter(name="registration").update(value="closed"),
            PermissionDenied,
        ),
    ],
    ids=["name prohibited", "account of this name closed", "domain prohibited", "closed"],
)
def test_what_staff_decide_while_an_account_is_made_holds_for_it(
    db: None, settings: Any, meanwhile: Callable[[], object], refusal: type[Exception]
) -> None:
    settings.REGISTRATION = "open"
    with (
        pytest.raises(refusal),
        right_after('INSERT INTO "accounts_emailaddress"', meanwhile),
    ):
        registration.register(
            username="zoe",
            email="zoe@example.org",
            password="ferry lantern gravel teapot",
            link=None,
            by=Actor("anonymous"),
        )
    assert not User.objects.filter(username="zoe").exists()
