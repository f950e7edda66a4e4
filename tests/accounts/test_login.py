"""The last step of every sign-in, asked directly: it trusts no page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.utils import timezone

from accounts import login
from accounts.events import SIGN_IN_SUCCEEDED
from accounts.models import AuthenticatorApp, RecoveryCodeSet, User, UserSession
from accounts.sessions import SIGNED_IN_AT, SessionStore
from tests.accounts.doors import count_events, newcomer
from tests.support.people import Person


def some_request() -> Any:
    request: Any = RequestFactory().post("/account/sign-in/", REMOTE_ADDR="192.0.2.1")
    request.session, request.user = SessionStore(), AnonymousUser()
    return request


def test_an_account_with_a_factor_is_not_signed_in_without_it(alice: Person) -> None:
    request = some_request()
    with pytest.raises(PermissionDenied, match="second factor is needed"):
        login.complete(request, alice.fresh_user, method="a password", device=None)
    assert not request.session.get("_auth_user_id")
    assert not UserSession.objects.exists()


def test_the_factor_of_another_account_is_refused(alice: Person, mallory: Person) -> None:
    request = some_request()
    with pytest.raises(PermissionDenied, match="another account"):
        login.complete(request, alice.fresh_user, method="an app", device=mallory.app)
    assert not request.session.get("_auth_user_id")
    request.user = alice.fresh_user
    with pytest.raises(PermissionDenied, match="another account"):
        login.verify_session(request, mallory.app)


def test_a_sign_in_that_cannot_be_recorded_is_none(alice: Person) -> None:
    request = some_request()
    with pytest.raises(ValueError, match="must be text"):
        login.complete(request, alice.fresh_user, method=object(), device=alice.app)  # type: ignore[arg-type]
    assert count_events(SIGN_IN_SUCCEEDED) == 0
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_a_sign_in_remembers_when_it_was(alice: Person) -> None:
    request = some_request()
    login.complete(request, alice.fresh_user, method="an app", device=alice.app)
    assert request.session[SIGNED_IN_AT] == request.session[login.SUDO_AT]
    assert count_events(SIGN_IN_SUCCEEDED) == 1


def test_an_account_without_factor_needs_none(db: None) -> None:
    request = some_request()
    login.complete(request, newcomer().user, method="a password", device=None)
    assert request.session["_auth_user_id"]


def test_a_password_that_changed_meanwhile_opens_nothing(alice: Person) -> None:
    request, user = some_request(), alice.fresh_user
    User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now())
    with pytest.raises(PermissionDenied, match="changed meanwhile"):
        login.complete(request, user, method="an app", device=alice.app)
    assert not request.session.get("_auth_user_id")


def test_an_account_that_was_closed_meanwhile_is_not_opened(alice: Person) -> None:
    request, user = some_request(), alice.fresh_user
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(PermissionDenied, match="changed meanwhile"):
        login.complete(request, user, method="an app", device=alice.app)
    assert not UserSession.objects.filter(user=user).exists()


def test_signing_in_again_begins_another_session(alice: Person) -> None:
    request = some_request()
    login.complete(request, alice.fresh_user, method="an app", device=alice.app)
    former = request.session.session_key
    login.complete(request, alice.fresh_user, method="an app", device=alice.app)
    assert request.session.session_key != former
    assert not SessionStore().exists(former)


def test_a_factor_that_was_removed_meanwhile_opens_nothing(alice: Person) -> None:
    request, app = some_request(), alice.app
    AuthenticatorApp.objects.filter(pk=app.pk).delete()
    with pytest.raises(PermissionDenied, match="removed meanwhile"):
        login.complete(request, alice.fresh_user, method="an app", device=app)
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_a_factor_that_is_held_meanwhile_opens_nothing(alice: Person) -> None:
    request, app = some_request(), alice.app
    AuthenticatorApp.objects.filter(pk=app.pk).update(held_at=timezone.now())
    with pytest.raises(PermissionDenied, match="removed meanwhile"):
        login.complete(request, alice.fresh_user, method="an app", device=app)


def test_recovery_codes_that_were_made_anew_meanwhile_open_nothing(alice: Person) -> None:
    request, codes = some_request(), alice.fresh_user.recovery_codes
    assert codes is not None
    RecoveryCodeSet.objects.filter(pk=codes.pk).delete()
    RecoveryCodeSet.objects.create(user=alice.user, name="", confirmed=True)
    with pytest.raises(PermissionDenied, match="removed meanwhile"):
        login.complete(request, alice.fresh_user, method="a code", device=codes)


def test_an_old_password_does_not_come_back_with_a_stronger_hash(alice: Person) -> None:
    # Who signs in has read the account before its owner changed the password
    weak = make_password(alice.password, hasher="pbkdf2_sha256")
    User.objects.filter(pk=alice.user.pk).update(password=weak)
    signing_in = alice.fresh_user
    User.objects.filter(pk=alice.user.pk).update(password=make_password("ferry lantern"))
    assert signing_in.check_password(alice.password)
    assert alice.fresh_user.check_password("ferry lantern")
    assert not alice.fresh_user.check_password(alice.password)


def test_a_weak_hash_is_made_anew_at_the_sign_in(alice: Person) -> None:
    weak = make_password(alice.password, hasher="pbkdf2_sha256")
    User.objects.filter(pk=alice.user.pk).update(password=weak)
    user = alice.fresh_user
    assert user.check_password(alice.password)
    assert alice.fresh_user.password == user.password != weak
    assert alice.fresh_user.check_password(alice.password)
