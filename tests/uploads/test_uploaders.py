"""How a file came: owners see with which token or a password, and the factor of that account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuthenticatorApp, SecurityKey, User
from projects.models import File
from tests.projects.test_pages import text
from tests.support.people import Person
from tests.support.uploading import basic, token_of, upload
from tests.uploads.stages import stand_at
from uploads.models import Stage

pytestmark = pytest.mark.django_db
Open = Callable[..., Client]


def release_page(browser: Open, person: Person) -> str:
    return text(browser(person).get("/manage/project/foo/release/1.0/"))


def add_key(user: User, **facts: Any) -> None:
    SecurityKey.objects.create(
        user=user, name="key", credential_id="x", public_key=b"x", aaguid="", **facts
    )


def test_owners_see_token_and_factor(browser: Open, alice: Person) -> None:
    upload(token_of(alice, name="release job"))
    file = File.objects.get()
    assert (file.token_name, file.uploader_factor) == ("release job", "app")
    page = release_page(browser, alice)
    assert "alice <small" in page
    assert "with the token release job · second factor: authenticator app" in page


@pytest.mark.parametrize(("is_passkey", "kind"), [(True, "passkey"), (False, "key")])
def test_the_factor_is_the_one_that_was_used_last(
    alice: Person, is_passkey: bool, kind: str
) -> None:
    add_key(alice.user, is_passkey=is_passkey, last_used_at=timezone.now())
    AuthenticatorApp.objects.update(last_used_at=None)
    upload(token_of(alice))
    assert File.objects.get().uploader_factor == kind


def test_owners_see_that_it_was_a_password(browser: Open, alice: Person) -> None:
    stand_at(Stage.OFF)
    upload("", header=basic(alice.password, username="alice"))
    file = File.objects.get()
    assert (file.token_name, file.uploader_factor) == ("", "app")
    page = release_page(browser, alice)
    assert "with a password · second factor: authenticator app" in page


def test_the_factor_is_asked_for_once(alice: Person) -> None:
    token = token_of(alice)
    upload(token)
    with CaptureQueriesContext(connection) as queries:
        assert upload(token, release="1.1").status_code == 200
    asked = [row for row in queries if "accounts_authenticatorapp" in row["sql"]]
    assert len(asked) == 1
