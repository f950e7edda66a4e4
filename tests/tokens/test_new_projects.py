"""Tokens for one project that does not exist yet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from audit.models import Event
from projects import claims
from projects.models import File, Project, Role
from projects.operations import publishing
from tests.support.clone import Database, race_all
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for, said, upload
from tests.tokens.keys import make, project_of
from tokens.events import TOKEN_BOUND
from tokens.grants import Scope
from tokens.models import APIToken


def for_new(person: Person, project: str = "Foo.Bar", name: str = "first upload") -> str:
    """The text of a token for a project to be created."""
    grant = grant_for(scope=Scope.NEW, new_project=project, actions=("upload", "create"))
    return make(person, name, grant=grant)[1]


def test_it_creates_that_project_and_uploads_to_it_and_to_no_other(alice: Person) -> None:
    text = for_new(alice)
    assert upload(text, "other").status_code == 403
    assert upload(text, "foo-bar").status_code == 200
    assert upload(text, "foo-bar", "1.1", is_sdist=True).status_code == 200
    assert upload(text, "other").status_code == 403
    assert File.objects.count() == 2


def test_after_the_first_upload_it_is_tied_to_the_project(alice: Person) -> None:
    text = for_new(alice)
    upload(text, "foo-bar")
    token, project = APIToken.objects.get(), Project.objects.get()
    assert token.awaits_project == ""
    assert list(token.projects.all()) == [project]
    assert json.loads(token.caveats[-1]) == [2, [str(project.pk)]]
    event = Event.objects.get(kind=TOKEN_BOUND.name)
    assert event in Event.objects.for_user(alice.user)
    assert event in Event.objects.for_project(project)


def test_another_project_of_that_name_is_none_of_its_business(alice: Person, bob: Person) -> None:
    text = for_new(alice, "foo")
    upload(text, "foo")
    Project.objects.all().delete()
    assert "another project than today's 'foo'" in said(upload(text, "foo"))
    again = project_of(bob, "foo")
    Role.objects.create(user=alice.user, project=again, kind=Role.Kind.OWNER)
    assert "another project than today's 'foo'" in said(upload(text, "foo"))


def test_a_name_that_was_taken_meanwhile_is_refused(alice: Person, bob: Person) -> None:
    text = for_new(alice, "foo")
    project_of(bob, "foo")
    assert "not allowed to upload to project 'foo'" in said(upload(text, "foo"))
    assert APIToken.objects.get().awaits_project == "foo"


def test_a_refused_first_upload_ties_nothing(alice: Person) -> None:
    text = for_new(alice, "foo")
    assert upload(text, "foo", artifact=("foo-1.0-py3-none-any.whl", b"no zip")).status_code == 400
    assert APIToken.objects.get().awaits_project == "foo"
    assert not Project.objects.exists()
    assert upload(text, "foo").status_code == 200


@pytest.mark.parametrize("name", ["foo", "FOO", "a b", "", "-"])
def test_only_a_name_that_is_free_can_be_awaited(alice: Person, name: str) -> None:
    project_of(alice, "foo")
    with pytest.raises(ValidationError):
        for_new(alice, name)


def test_it_must_be_allowed_to_create(alice: Person) -> None:
    grant = grant_for(scope=Scope.NEW, new_project="foo", actions=("upload",))
    with pytest.raises(ValidationError, match="allowed to create"):
        make(alice, grant=grant)


def test_the_same_file_again_ties_it_too(alice: Person) -> None:
    first, second = for_new(alice, "foo", "first"), for_new(alice, "foo", "second")
    upload(first, "foo")
    assert upload(second, "foo").status_code == 200
    token = APIToken.objects.get(name="second")
    assert token.awaits_project == ""
    assert token.last_used_project == "foo"
    assert json.loads(token.caveats[-1]) == [2, [str(Project.objects.get().pk)]]


def test_who_may_only_create_uploads_nothing_to_what_was_created_meanwhile(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating = make(alice, "creating", grant=grant_for(is_wide=True, actions=("create",)))[1]
    other = make(alice, "other")[1]
    create_project = publishing.create_project

    def be_slower(name: str, **options: Any) -> Project:
        monkeypatch.setattr(publishing, "create_project", create_project)
        monkeypatch.setattr(claims, "require_name", lambda *_args, **_options: None)
        assert upload(other, "foo", "1.0").status_code == 200
        return create_project(name, **options)

    monkeypatch.setattr(publishing, "create_project", be_slower)
    assert upload(creating, "foo", "2.0").status_code == 403
    assert not File.objects.filter(release__version="2.0").exists()


def test_of_first_uploads_at_once_all_go_to_one_project(committed_db: Database) -> None:
    alice = make_person("alice")
    text = for_new(alice, "foo")

    def send(number: int) -> int:
        return int(upload(text, "foo", f"1.{number}").status_code)

    statuses = race_all([lambda number=number: send(number) for number in range(4)])  # type: ignore[misc]
    assert statuses == [200] * 4
    assert Project.objects.count() == 1
    assert Event.objects.filter(kind=TOKEN_BOUND.name).count() == 1
    assert APIToken.objects.get().awaits_project == ""
