"""The doors for programs that hold a token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuthenticatorApp, UserSession
from audit.models import Event
from projects.models import Project, Release, Role
from tests.support.people import Person
from tests.support.uploading import basic, grant_for, said, upload
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.grants import Scope
from tokens.models import RefusalCount
from tokens.operations.denials import deny_token
from tokens.operations.lifecycle import revoke_token

SHOW = "/api/v1/token"
YANK, UNYANK = (f"/api/v1/projects/foo/releases/1.0/{verb}" for verb in ("yank", "unyank"))


def ask(text: str, path: str = SHOW, data: Any = None, *, bearer: bool = True) -> Any:
    """GET, or POST where there is something to send."""
    header = f"Bearer {text}" if bearer else basic(text)
    headers = {"Authorization": header}
    if data is None:
        return Client().get(path, headers=headers)
    return Client().post(path, json.dumps(data), content_type="application/json", headers=headers)


def released(alice: Person, name: str = "foo") -> Release:
    """A project with a release."""
    upload(make(alice, f"first of {name}")[1], name)
    return Release.objects.get(project__normalized_name=name)


# What may this token do?


@pytest.mark.parametrize("bearer", [True, False])
def test_a_token_is_told_what_it_may_do(alice: Person, bearer: bool) -> None:
    foo = project_of(alice, "foo")
    token, text = make(alice, projects=[foo])
    response = ask(text, bearer=bearer)
    assert response.status_code == 200
    assert response.json() == {
        "id": str(token.pk),
        "name": "a token",
        "user": "alice",
        "actions": ["upload"],
        "projects": ["foo"],
        "project_ids": [str(foo.pk)],
        "networks": None,
        "not_before": None,
        "expires_at": None,
        "sentence": "Upload new releases of foo, without an end.",
        "problem": None,
        "refused_by": {},
    }
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


def test_a_token_that_has_created_its_project_creates_no_more(alice: Person) -> None:
    grant = grant_for(scope=Scope.NEW, new_project="foo", actions=("upload", "create"))
    _token, text = make(alice, grant=grant)
    assert ask(text).json()["actions"] == ["upload", "create"]
    assert upload(text, "foo").status_code == 200
    assert ask(text).json()["actions"] == ["upload"]


def test_restrictions_that_were_added_offline_are_told_too(alice: Person) -> None:
    text = macaroons.attenuate(
        make(alice)[1], ['[1,["foo"]]', '[1002,["127.0.0.0/8"]]', "[0,4000000000,0]"]
    )
    told = ask(text).json()
    assert told["projects"] == ["foo"]
    assert told["networks"] == ["127.0.0.0/8"]
    assert told["expires_at"] == "2096-10-02T07:06:40+00:00"


def test_a_restriction_that_is_not_understood_leaves_nothing(alice: Person) -> None:
    told = ask(macaroons.attenuate(make(alice)[1], ["[9]"])).json()
    assert told["actions"] == []
    assert told["sentence"].startswith("Nothing")


def test_what_its_owner_has_to_do_first_is_told(alice: Person) -> None:
    _token, text = make(alice)
    AuthenticatorApp.objects.all().delete()
    assert "has no second factor" in ask(text).json()["problem"]


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ('[1002,["10.0.0.0/8"]]', "may be used from 10.0.0.0/8 only, and you came from 127.0.0.1"),
        ("[0,4000000000,3900000000]", "this token is not valid before 2093-08-01"),
        ('[3,"somebody"]', "only for the user that it was made for"),
    ],
)
def test_what_makes_it_useless_here_and_now_is_told(alice: Person, added: str, words: str) -> None:
    told = ask(macaroons.attenuate(make(alice)[1], [added])).json()
    assert words in told["problem"]


def test_projects_that_do_not_let_it_in_are_told(alice: Person, bob: Person) -> None:
    foo, bar, baz = (project_of(alice, name) for name in ("foo", "bar", "baz"))
    for project in (foo, bar, baz):
        Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    token, text = make(bob, projects=[foo, bar, baz])
    assert ask(text).json()["refused_by"] == {}
    deny_token(token, foo, by=alice.actor)
    Role.objects.filter(user=bob.user, project=bar).delete()
    told = ask(text).json()
    assert list(told["refused_by"]) == ["bar", "foo"]
    for name, sentence in told["refused_by"].items():
        assert said(upload(text, name)) == sentence
    assert upload(text, "baz").status_code == 200
    assert told["problem"] is None
    narrow = ask(macaroons.attenuate(text, ['[1,["foo","baz"]]'])).json()
    assert list(narrow["refused_by"]) == ["foo"]


def test_a_token_for_all_projects_is_told_where_it_was_cut_off(alice: Person, bob: Person) -> None:
    foo = project_of(alice, "foo")
    project_of(alice, "not-his")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    token, text = make(bob)
    deny_token(token, foo, by=alice.actor)
    assert list(ask(text).json()["refused_by"]) == ["foo"]


def test_that_a_new_project_was_taken_by_somebody_else_is_told(alice: Person, bob: Person) -> None:
    grant = grant_for(scope=Scope.NEW, new_project="foo", actions=("upload", "create"))
    _token, text = make(bob, grant=grant)
    assert ask(text).json()["refused_by"] == {}
    project_of(alice, "foo")
    told = ask(text).json()["refused_by"]
    assert told == {"foo": said(upload(text, "foo"))}


def test_projects_that_it_only_names_are_told_too(alice: Person, bob: Person) -> None:
    project_of(alice, "foo")
    grant = grant_for(scope=Scope.PATTERNS, patterns=("foo", "bar-*"), actions=("upload",))
    by_pattern = make(bob, "by pattern", grant=grant)[1]
    narrowed = macaroons.attenuate(make(bob, "wide")[1], ['[1,["foo","not-there"]]'])
    for text in (by_pattern, narrowed):
        assert ask(text).json()["refused_by"] == {"foo": said(upload(text, "foo"))}


def test_a_project_that_was_registered_anew_is_told(alice: Person, bob: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    _token, text = make(alice, projects=[foo, bar])
    foo.delete()
    project_of(bob, "foo")
    told = ask(text).json()["refused_by"]
    assert told == {"foo": said(upload(text, "foo"))}
    assert "made for another project than today's 'foo'" in told["foo"]


def test_that_its_projects_are_gone_is_told(alice: Person) -> None:
    foo = project_of(alice, "foo")
    _token, text = make(alice, projects=[foo])
    foo.delete()
    told = ask(text).json()
    assert told["problem"] == "The projects that this API token was made for are gone."
    assert told["refused_by"] == {}


def test_a_refused_token_is_told_why_in_one_sentence(alice: Person) -> None:
    token, text = make(alice)
    revoke_token(token, reason="old", by=alice.actor)
    response = ask(text)
    assert response.status_code == 403
    assert response.json() == {"message": response.reason_phrase}
    assert response.reason_phrase.startswith("This API token was revoked on")
    assert Event.objects.filter(kind="token:token:refused").count() == 1


def test_asking_leaves_the_last_use_as_it_was(alice: Person) -> None:
    token, text = make(alice)
    upload(text)
    ask(text)
    token.refresh_from_db()
    assert token.last_used_project == "foo"
    assert token.last_used_file


def test_a_token_in_the_name_of_somebody_else_allows_nothing(alice: Person, bob: Person) -> None:
    text = make(alice, projects=[project_of(alice, "foo")])[1]
    told = ask(macaroons.attenuate(text, [f'[3,"{bob.user.pk}"]'])).json()
    assert told["actions"] == []
    assert told["sentence"].startswith("Nothing")


def test_a_beginning_that_lies_ahead_is_told(alice: Person) -> None:
    text = macaroons.attenuate(make(alice)[1], ["[0,4000000000,3900000000]"])
    assert ask(text).json()["not_before"] == "2093-08-01T21:20:00+00:00"


def test_a_password_or_a_session_is_no_token(alice: Person) -> None:
    assert ask(alice.password).status_code == 403
    assert Client().get(SHOW).status_code == 403
    assert not UserSession.objects.exists()


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "image/png"])
def test_an_answer_is_json(alice: Person, accept: str) -> None:
    headers = {"Authorization": f"Bearer {make(alice)[1]}", "Accept": accept}
    for path in (SHOW, f"{SHOW}?format=xml"):
        response = Client().get(path, headers=headers)
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"


# Yanking


def yanker(person: Person, name: str = "yank job") -> str:
    """The text of a token that may yank everywhere, and nothing else."""
    return make(person, name, grant=grant_for(is_wide=True, actions=("yank",)))[1]


def test_a_release_is_yanked_and_unyanked_with_a_token(alice: Person) -> None:
    release, text = released(alice), yanker(alice)
    response = ask(text, YANK, {"reason": "broken"})
    assert response.json() == {
        "project": "foo",
        "version": "1.0",
        "is_yanked": True,
        "reason": "broken",
    }
    event = Event.objects.get(kind="project:release:yanked")
    assert (event.credential, event.credential_label) == ("token", "yank job")
    assert ask(text, UNYANK, {}).json()["is_yanked"] is False
    release.refresh_from_db()
    assert not release.is_yanked


def test_a_token_that_may_only_upload_does_not_yank(alice: Person) -> None:
    release = released(alice)
    response = ask(make(alice, "upload job")[1], YANK, {})
    assert response.status_code == 403
    assert "may upload and create projects, not yank" in response.json()["message"]
    release.refresh_from_db()
    assert not release.is_yanked


def test_a_token_that_may_only_yank_does_not_upload(alice: Person) -> None:
    released(alice)
    assert upload(yanker(alice), "foo", "2.0").status_code == 403


def test_a_maintainers_token_does_not_yank(alice: Person, bob: Person) -> None:
    release = released(alice)
    project_of(bob, "his")
    Role.objects.create(user=bob.user, project=release.project, kind=Role.Kind.MAINTAINER)
    response = ask(yanker(bob), YANK, {})
    assert response.status_code == 403
    assert "Only owners" in response.json()["message"]
    refusal = RefusalCount.objects.get()
    assert (refusal.token.user, refusal.reason) == (bob.user, "its owner may not do this")


def test_a_token_for_another_project_does_not_yank(alice: Person) -> None:
    released(alice)
    other = project_of(alice, "other")
    text = make(alice, "narrow", grant=grant_for(other, actions=("yank",)))[1]
    assert "only for project 'other', not 'foo'" in ask(text, YANK, {}).json()["message"]


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/api/v1/projects/foo/releases/9.9/yank", {}, 404),
        ("/api/v1/projects/foo/releases/not-a-version/yank", {}, 404),
        ("/api/v1/projects/nothing/releases/1.0/yank", {}, 404),
        (YANK, {"reason": "x" * 301}, 400),
        (YANK, {"reason": 5}, 400),
        (YANK, [], 400),
        (YANK, {"reason": "\ud800"}, 400),
        (YANK, {"reason": "\0"}, 400),
        (YANK, {"reason": "x" * 20_000}, 413),
    ],
)
def test_what_makes_no_sense_is_refused(alice: Person, path: str, data: Any, status: int) -> None:
    released(alice)
    response = ask(yanker(alice), path, data)
    assert response.status_code == status
    assert response.reason_phrase.isascii()


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 15_000, b"\xff", b"5"], ids=["half", "deep", "bytes", "number"]
)
def test_a_body_that_is_no_json_object_is_refused(alice: Person, body: bytes) -> None:
    released(alice)
    response = Client().post(
        YANK,
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {yanker(alice)}"},
    )
    assert response.status_code == 400
    assert list(response.json()) == ["message"]
    assert not Release.objects.get().is_yanked


def test_a_form_is_told_to_be_json(alice: Person) -> None:
    released(alice)
    headers = {"Authorization": f"Bearer {yanker(alice)}"}
    response = Client().post(YANK, {"reason": "broken"}, headers=headers)
    assert response.status_code == 415
    assert "'Content-Type: application/json'" in response.json()["message"]


def test_a_project_that_is_not_there_is_named(alice: Person) -> None:
    released(alice)
    response = ask(yanker(alice), "/api/v1/projects/No.thing/releases/1.0/yank", {})
    assert response.status_code == 404
    assert response.json() == {"message": "There is no project 'No.thing'."}


def test_the_name_is_normalized_and_the_version_compared(alice: Person) -> None:
    released(alice)
    path = "/api/v1/projects/Foo/releases/1.0.0/yank"
    assert ask(yanker(alice), path, {}).json()["is_yanked"]


# A token never creates, widens, lists or reads another token, and reaches no page


@pytest.mark.parametrize(
    "path",
    [
        "/account/tokens/",
        "/account/tokens/make/",
        "/account/security/",
        "/account/history/",
        "/manage/projects/",
        "/manage/project/foo/history/",
        "/manage/project/foo/uploaders/",
        "/admin/tokens/apitoken/find/",
    ],
)
def test_a_token_opens_no_page(alice: Person, path: str) -> None:
    released(alice)
    text = make(alice, "everything")[1]
    for header in (basic(text), f"Bearer {text}"):
        for method in ("get", "post"):
            response = getattr(Client(), method)(path, headers={"Authorization": header})
            assert response.status_code in {302, 403}, path
            door = response.get("Location", "/account/sign-in/")
            assert door.startswith(("/account/sign-in/", "/admin/login/")), path


def test_no_door_for_programs_tells_of_other_tokens(alice: Person) -> None:
    other, _text = make(alice, "another")
    told = ask(make(alice)[1]).content.decode()
    assert "another" not in told
    assert str(other.pk) not in told


def test_a_project_that_is_gone_is_not_found(alice: Person) -> None:
    released(alice)
    text = yanker(alice)
    Project.objects.all().delete()
    assert ask(text, YANK, {}).status_code == 404
