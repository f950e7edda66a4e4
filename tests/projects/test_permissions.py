"""Who may do what, asked of the rows at that moment."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import User
from audit import actors
from projects.models import Project, Role
from projects.permissions import require
from tests.support.people import Person


@pytest.fixture
def foo_with_bob(foo: Project, bob: Person) -> Project:
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    return foo


MANAGING = ["yank", "delete", "archive", "manage", "restrict"]


@pytest.mark.parametrize("action", ["upload", "read history", *MANAGING])
def test_an_owner_may_do_everything(action: str, foo: Project, alice: Person) -> None:
    require(alice.actor, action, foo)


def test_a_maintainer_may_upload(foo_with_bob: Project, bob: Person) -> None:
    require(bob.actor, "upload", foo_with_bob)


@pytest.mark.parametrize("action", MANAGING)
def test_a_maintainer_may_neither_yank_nor_manage(
    action: str, foo_with_bob: Project, bob: Person
) -> None:
    with pytest.raises(PermissionDenied, match="Only owners of the project Foo"):
        require(bob.actor, action, foo_with_bob)


@pytest.mark.parametrize("action", ["upload", "read history", *MANAGING])
def test_a_stranger_may_do_nothing(action: str, foo: Project, mallory: Person) -> None:
    with pytest.raises(PermissionDenied):
        require(mallory.actor, action, foo)


def test_a_role_in_another_project_counts_for_nothing(foo: Project, mallory: Person) -> None:
    other = Project.objects.create(name="bar", normalized_name="bar")
    Role.objects.create(user=mallory.user, project=other, kind="owner")
    with pytest.raises(PermissionDenied):
        require(mallory.actor, "upload", foo)


def test_the_refusal_of_an_upload_names_user_and_project_in_ascii(
    foo: Project, mallory: Person
) -> None:
    with pytest.raises(PermissionDenied) as refusal:
        require(mallory.actor, "upload", foo)
    sentence = str(refusal.value)
    assert "'mallory'" in sentence
    assert "'Foo'" in sentence
    assert sentence.isascii()
    assert "\n" not in sentence


def test_a_role_that_was_taken_away_counts_no_more(foo: Project, alice: Person) -> None:
    actor = alice.actor
    Role.objects.all().delete()
    with pytest.raises(PermissionDenied):
        require(actor, "upload", foo)


def test_a_closed_account_may_do_nothing(foo: Project, alice: Person) -> None:
    actor = alice.actor
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    with pytest.raises(PermissionDenied):
        require(actor, "upload", foo)
    with pytest.raises(PermissionDenied):
        require(actor, "create", Project(name="bar", normalized_name="bar"))


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_a_project_that_is_not_active_takes_no_upload(
    status: str, foo: Project, alice: Person
) -> None:
    foo.status = status
    with pytest.raises(PermissionDenied, match=f"'Foo' is {status}") as refusal:
        require(alice.actor, "upload", foo)
    assert str(refusal.value).isascii()


def test_strangers_learn_their_missing_role_first(foo: Project, mallory: Person) -> None:
    foo.status = "quarantined"
    with pytest.raises(PermissionDenied, match="not allowed to upload"):
        require(mallory.actor, "upload", foo)


def test_an_account_may_create_projects(mallory: Person) -> None:
    require(mallory.actor, "create", Project(name="bar", normalized_name="bar"))


@pytest.mark.parametrize("action", ["create", "upload", "read history", *MANAGING])
def test_nobody_else_than_people_may_do_anything(action: str, foo: Project) -> None:
    for actor in (actors.system(), actors.Actor(kind="anonymous")):
        with pytest.raises(PermissionDenied):
            require(actor, action, foo)


@pytest.mark.parametrize("action", ["create", "upload", "read history"])
def test_a_question_is_one_query(
    action: str, foo: Project, alice: Person, django_assert_num_queries: Any
) -> None:
    actor = alice.actor
    with django_assert_num_queries(1):
        require(actor, action, foo)


def test_an_unknown_action_is_a_mistake(foo: Project, alice: Person) -> None:
    with pytest.raises(KeyError):
        require(alice.actor, "borrow", foo)
