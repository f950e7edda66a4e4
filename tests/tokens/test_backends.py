from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user, login
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory

from accounts.models import User, UserSession
from accounts.sessions import SessionStore
from audit.models import Event
from tests.accounts.doors import SIGN_IN, is_signed_in, leads_to_sign_in, post_step
from tests.support.people import Person
from tests.support.uploading import basic, upload
from tests.tokens.keys import make
from tokens.authentication import read_header
from tokens.backends import TokenBearer, UploadTokenBackend
from tokens.credentials import TokenRefused
from tokens.operations.lifecycle import revoke_token

Browser = Callable[..., Client]
BACKEND = "tokens.backends.UploadTokenBackend"
PASSWORD_BACKEND = "accounts.backends.PasswordBackend"


def some_request() -> Any:
    request: Any = RequestFactory().post("/legacy/")
    request.session, request.user = SessionStore(), AnonymousUser()
    return request


# Through Django's own authentication


def test_authenticate_takes_an_upload_token_and_returns_its_bearer(alice: Person) -> None:
    token, text = make(alice)
    bearer = authenticate(some_request(), upload_token=text)
    assert isinstance(bearer, TokenBearer)
    assert bearer.pk == alice.user.pk
    assert bearer.credential.token == token


def test_the_backends_are_those_of_the_settings() -> None:
    assert settings.AUTHENTICATION_BACKENDS[:2] == [PASSWORD_BACKEND, BACKEND]


@pytest.mark.parametrize("text", ["", "nonsense", "pypi-AgEI"])
def test_what_is_no_token_returns_nobody(alice: Person, text: str) -> None:
    assert authenticate(some_request(), upload_token=text) is None


def test_why_a_token_was_refused_is_on_the_request(alice: Person) -> None:
    token, text = make(alice)
    revoke_token(token, reason="old", by=alice.actor)
    request = some_request()
    assert authenticate(request, upload_token=text) is None
    assert "was revoked" in request.token_refusal.sentence


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "__token__", "password": "{token}"},
        {"username": "alice", "password": "{token}"},
        {"username": "{token}", "password": ""},
        {"token": "{token}"},
        {"password": "{token}"},
        {"username": "alice", "password": "x", "upload_token": "{token}"},
        {"username": None, "password": None, "upload_token": "{token}"},
        {"api_token": "{token}"},
        {},
    ],
)
def test_no_other_credentials_lead_to_the_token(
    alice: Person, credentials: dict[str, str | None]
) -> None:
    _token, text = make(alice)
    filled = {
        name: value.format(token=text) if value is not None else None
        for name, value in credentials.items()
    }
    assert authenticate(some_request(), **filled) is None


def test_a_password_is_no_upload_token(alice: Person) -> None:
    assert authenticate(some_request(), upload_token=alice.password) is None
    assert (
        authenticate(some_request(), upload_token=alice.password, username=alice.username) is None
    )


def test_a_password_together_with_a_token_opens_nothing(alice: Person) -> None:
    _token, text = make(alice)
    assert (
        authenticate(some_request(), username="alice", password=alice.password, upload_token=text)
        is None
    )


# No session


def test_login_refuses_the_bearer_of_a_token(alice: Person) -> None:
    bearer = authenticate(some_request(), upload_token=make(alice)[1])
    for backend in (None, BACKEND, PASSWORD_BACKEND):
        request = some_request()
        with pytest.raises(PermissionDenied, match="opens no session"):
            login(request, bearer, backend=backend)
        assert not request.session.get("_auth_user_id")
        request.session.save()
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_a_session_that_names_the_token_backend_is_nobodys(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    session = client.session
    session["_auth_user_backend"] = BACKEND
    session.save()
    assert leads_to_sign_in(client.get("/account/security/"))


def test_a_session_of_the_account_itself_opened_by_the_token_backend_is_nobodys(
    alice: Person,
) -> None:
    request = some_request()
    login(request, alice.fresh_user, backend=BACKEND)
    assert get_user(request) == AnonymousUser()


def test_the_backend_finds_nobody_and_gives_no_rights(alice: Person) -> None:
    backend = UploadTokenBackend()
    assert backend.get_user(alice.user.pk) is None
    assert not backend.has_perm(alice.user, "accounts.change_user")


@pytest.mark.parametrize("path", [SIGN_IN, "/admin/login/", "/admin/", "/account/register/"])
@pytest.mark.parametrize(
    "fields",
    [
        {"upload_token": "{token}"},
        {"username": "__token__", "password": "{token}"},
        {"username": "alice", "password": "{token}"},
        {"username": "alice", "password": "{password}", "upload_token": "{token}"},
    ],
)
def test_a_token_posted_to_a_page_opens_nothing(
    browser: Browser, alice: Person, sam: Person, path: str, fields: dict[str, str]
) -> None:
    _token, text = make(sam)
    client = browser()
    filled = {
        name: value.format(token=text, password=sam.password).replace("alice", "sam")
        for name, value in fields.items()
    }
    wizard = {f"auth-{name}": value for name, value in filled.items()}
    client.post(path, filled | wizard | {"sign_in_view-current_step": "auth"})
    assert not is_signed_in(client)
    assert client.get("/admin/").status_code == 302
    assert not UserSession.objects.filter(user=sam.user).exists()


def test_a_token_is_neither_password_nor_code_of_the_sign_in(
    browser: Browser, alice: Person
) -> None:
    _token, text = make(alice)
    client = browser()
    post_step(client, "auth", username="alice", password=text)
    assert post_step(client, "token", otp_token=text[:20]).status_code in {200, 302}
    assert not is_signed_in(client)
    assert text[-40:] not in str(list(Event.objects.values()))


def test_a_token_in_a_header_opens_no_page(browser: Browser, sam: Person) -> None:
    _token, text = make(sam)
    for header in (basic(text), f"Bearer {text}", f"token {text}"):
        for path in ("/account/security/", "/admin/", "/manage/projects/"):
            response = browser().get(path, headers={"Authorization": header})
            assert response.status_code == 302, path


def test_uploading_with_a_token_leaves_no_cookie_and_no_session(alice: Person) -> None:
    response = upload(make(alice)[1], "foo")
    assert response.status_code == 200
    assert not response.cookies
    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("", "No API token was sent"),
        ("Basic", "No API token was sent"),
        ("Basic !!!", "not valid base64"),
        ("Digest x", "No API token was sent"),
        (basic("x", username="alice"), "Passwords are not accepted"),
        (basic("x", username="__TOKEN__"), "must be exactly __token__"),
        (basic("x", username="__token__ "), "must be exactly __token__"),
        ("Basic " + base64.b64encode(b"__token__").decode(), "No API token was sent"),
        ("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Passwords are not accepted"),
        ("Basic \u00e9", "not valid base64"),
        ("Bearer x", "not an API token"),
    ],
)
def test_other_headers_are_refused_in_words(alice: Person, header: str, sentence: str) -> None:
    response = upload("", "foo", header=header)
    assert response.status_code == 403
    assert sentence in response.reason_phrase


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", None),
        ("notarealtoken", None),
        ("maybeafuturemethod foobar", None),
        ("token foobar", "foobar"),
        ("bearer foobar", "foobar"),
        ("basic X190b2tlbl9fOmZvb2Jhcg==", "foobar"),
        ("BASIC X190b2tlbl9fOmZvb2Jhcg==", "foobar"),
        ("Bearer  foobar ", "foobar"),
        (basic("a:b"), "a:b"),
        (basic("foobar", username="__TOKEN__"), None),
        (basic("foobar", username="__token__ "), None),
        (basic("foobar", username=""), None),
    ],
)
def test_a_token_is_read_from_these_headers_alone(header: str, text: str | None) -> None:
    if text is not None:
        assert read_header(header) == text
        return
    with pytest.raises(TokenRefused):
        read_header(header)


def test_the_right_password_does_not_upload(alice: Person) -> None:
    for name in ("alice", "__token__"):
        response = upload("", "foo", header=basic(alice.password, username=name))
        assert response.status_code == 403


def test_a_bearer_is_no_account_of_its_own(alice: Person) -> None:
    assert TokenBearer._meta.proxy
    assert TokenBearer._meta.concrete_model is User
