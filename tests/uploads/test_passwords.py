"""User name and password at the upload endpoint: refused, unless the policy takes them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth import authenticate, login
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.utils import timezone

from accounts import limits, verification
from accounts.models import AuthenticatorApp, User
from accounts.sessions import SessionStore
from audit.models import Event
from projects.models import File, Project
from tests.support.people import Person
from tests.support.uploading import basic, said, token_of, upload
from tests.uploads.stages import stand_at
from uploads.backends import PasswordBearer, UploadPasswordBackend
from uploads.models import Stage
from uploads.operations import accepting

pytestmark = pytest.mark.django_db
BACKEND = "uploads.backends.UploadPasswordBackend"


@pytest.fixture
def allowed(db: None) -> None:
    """A site that takes passwords."""
    stand_at(Stage.OFF)


def send(person: Person, password: str = "", **options: Any) -> Any:
    """An upload with a password; the right one by default."""
    header = basic(password or person.password, username=person.username)
    return upload("", header=header, **options)


def test_a_password_is_refused_before_it_is_looked_at(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User, "check_password", None)
    for password in (alice.password, "wrong"):
        response = send(alice, password)
        assert response.status_code == 403
        assert "Use the user name __token__ and an API token as the password" in said(response)


def test_that_refusal_is_counted_once(alice: Person) -> None:
    for _time in range(3):
        send(alice)
    event = Event.objects.get(kind="upload:file:refused")
    assert event.fields["code"] == "password_policy"


@pytest.mark.usefixtures("allowed")
def test_a_password_uploads_where_it_is_allowed(alice: Person) -> None:
    assert send(alice).status_code == 200
    file = File.objects.get()
    assert (file.uploader_factor, file.token_id, file.token_name) == ("app", "", "")
    event = Event.objects.get(kind="project:file:uploaded")
    assert (event.actor_label, event.credential) == ("alice", "password")


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_comes_in_the_encoding_of_either_tool(alice: Person, encoding: str) -> None:
    password = "grüner Tee in fünf Kännchen"
    User.objects.filter(pk=alice.user.pk).update(password=make_password(password))
    pair = f"alice:{password}".encode(encoding)
    header = f"Basic {base64.b64encode(pair).decode()}"
    assert upload("", header=header).status_code == 200


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("username", "password"),
    [("alice", "wrong"), ("nobody", "wrong"), ("al\x00ice", "x"), ("alice", "x\x00"), ("é", "ü")],
)
def test_a_wrong_password_and_an_unknown_name_get_one_answer(
    alice: Person, username: str, password: str
) -> None:
    response = upload("", header=basic(password, username=username))
    assert response.status_code == 403
    assert said(response) == said(send(alice, "wrong"))
    assert not Project.objects.exists()


@pytest.mark.usefixtures("allowed")
def test_a_wrong_password_is_recorded_without_it(alice: Person) -> None:
    send(alice, "secret and wrong")
    event = Event.objects.get(kind="sign-in:session:refused")
    assert event.fields["reason"] == "wrong password at an upload"
    assert event in Event.objects.for_user(alice.user)
    assert "secret" not in str(event.fields)


@pytest.mark.usefixtures("allowed")
def test_passwords_at_uploads_are_limited_together_with_those_of_signing_in(alice: Person) -> None:
    for _time in range(limits.PASSWORD_USER[0].times - 1):
        send(alice, "wrong")
    assert verification.check_password("alice", "wrong", by=alice.actor) is None
    response = send(alice)
    assert response.status_code == 429
    assert "too many wrong passwords" in said(response)
    assert 0 < int(response["Retry-After"]) <= limits.PASSWORD_USER[0].per * 2


@pytest.mark.usefixtures("allowed")
def test_right_passwords_use_no_attempts_up(alice: Person) -> None:
    for _time in range(limits.PASSWORD_USER[0].times + 2):
        assert send(alice).status_code == 200


@pytest.mark.usefixtures("allowed")
def test_the_password_of_a_frozen_account_uploads_nothing(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert said(send(alice)).startswith("The user name or the password is wrong")


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(("required", "status"), [("nobody", 200), ("publishers", 403)])
def test_whether_a_second_factor_is_needed_is_the_policys_business(
    settings: Any, alice: Person, required: str, status: int
) -> None:
    settings.SECOND_FACTOR_REQUIRED = required
    AuthenticatorApp.objects.all().delete()
    assert send(alice).status_code == status


@pytest.mark.usefixtures("allowed")
def test_a_stranger_with_a_password_cannot_upload(alice: Person, mallory: Person) -> None:
    send(alice)
    assert send(mallory, release="1.1").status_code == 403


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_a_password_that_is_changed_while_the_file_travels_publishes_nothing(
    alice: Person, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    read = accepting.inspect

    def inspect_meanwhile(request: Any) -> Any:
        User.objects.filter(pk=alice.user.pk).update(**change)
        return read(request)

    monkeypatch.setattr(accepting, "inspect", inspect_meanwhile)
    response = send(alice)
    assert response.status_code == 403
    assert "while the file was on its way" in said(response)
    assert not File.objects.exists()


@pytest.mark.usefixtures("allowed")
def test_a_token_still_uploads_where_passwords_do(alice: Person) -> None:
    assert upload(token_of(alice)).status_code == 200


def test_a_password_in_an_unusual_header_is_no_password(alice: Person) -> None:
    pair = base64.b64encode(f"alice:{alice.password}".encode()).decode()
    for header in (f"Bearer {pair}", f"Basic {pair}!", "Basic " + pair[:-3]):
        assert upload("", header=header).status_code == 403


# The backend


def some_request() -> Any:
    request: Any = RequestFactory().post("/legacy/")
    request.session, request.user = SessionStore(), AnonymousUser()
    return request


def test_authenticate_takes_both_words_and_no_others(alice: Person) -> None:
    bearer = authenticate(upload_user="ALICE", upload_password=alice.password)
    assert isinstance(bearer, PasswordBearer)
    assert bearer.pk == alice.user.pk
    for words in [
        {"upload_user": "alice"},
        {"upload_password": alice.password},
        {"upload_user": "alice", "password": alice.password},
        {"username": "alice", "upload_password": alice.password},
        {"upload_user": "alice", "upload_password": alice.password, "x": ""},
        {"upload_user": "alice", "upload_password": "wrong"},
        {"upload_user": "alice", "upload_password": alice.password, "upload_token": "x"},
    ]:
        assert authenticate(some_request(), **words) is None


def test_login_refuses_the_bearer_of_an_uploads_password(alice: Person) -> None:
    bearer = authenticate(upload_user="alice", upload_password=alice.password)
    for backend in (None, BACKEND, "accounts.backends.PasswordBackend"):
        request = some_request()
        with pytest.raises(PermissionDenied, match="opens no session"):
            login(request, bearer, backend=backend)
        assert not request.session.get("_auth_user_id")


def test_a_session_that_names_the_upload_backend_is_nobodys(alice: Person) -> None:
    assert UploadPasswordBackend().get_user(alice.user.pk) is None


@pytest.mark.usefixtures("allowed")
def test_uploads_that_are_suspended_while_a_file_travels_are_refused(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = accepting._store

    def suspend(*args: Any) -> None:
        User.objects.update(uploads_suspended_at=timezone.now())
        store(*args)

    monkeypatch.setattr(accepting, "_store", suspend)
    response = send(alice)
    assert response.status_code == 403
    assert "are suspended since" in said(response)
    assert not File.objects.exists()
