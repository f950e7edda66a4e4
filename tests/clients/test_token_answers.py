"""What real twine and real uv print when a token is not let in, for each mistake people make."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, User
from projects.models import Role
from tests.clients.test_tools import put, twine, uv_publish
from tests.support.artifacts import make_wheel
from tests.support.people import Person, make_person
from tests.support.server import Site
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.models import APIToken, TokenDenial
from tokens.operations.lifecycle import revoke_token

pytestmark = [pytest.mark.clients, pytest.mark.once]

PROJECT = "answers"
Prepare = Callable[[Person], str]


def fresh(person: Person, **options: object) -> tuple[APIToken, str]:
    """A token of a name of its own."""
    return make(person, f"token {uuid4()}", **options)  # type: ignore[arg-type]


def expired(person: Person) -> str:
    now = int(time.time())
    return macaroons.attenuate(fresh(person)[1], [f"[0,{now - 60},{now - 3600}]"])


def revoked(person: Person) -> str:
    token, text = fresh(person)
    revoke_token(token, reason="old", by=person.actor)
    return text


def of_another_index(person: Person) -> str:
    return macaroons.mint(
        location="test.example.org", identifier=uuid4(), key=b"k" * 32, caveats=[]
    )


def unknown(person: Person) -> str:
    return macaroons.mint(location="localhost", identifier=uuid4(), key=b"k" * 32, caveats=[])


def for_another_project(person: Person) -> str:
    other = project_of(person, f"other-{uuid4().hex[:8]}")
    return fresh(person, projects=[other])[1]


def for_creating(person: Person) -> str:
    return fresh(person, grant=grant_for(is_wide=True, actions=("create",)))[1]


def for_elsewhere(person: Person) -> str:
    return fresh(person, grant=grant_for(is_wide=True, networks=("10.0.0.0/8",)))[1]


def cut_off(person: Person) -> str:
    token, text = fresh(person)
    project = person.user.project_roles.get(project__name=PROJECT).project
    TokenDenial.objects.create(token=token, project=project, denied_by="somebody")
    return text


def of_a_stranger(person: Person) -> str:
    return fresh(make_person("mallory"))[1]


def of_one_who_left(person: Person) -> str:
    bob = make_person("bob")
    project = person.user.project_roles.get(project__name=PROJECT).project
    role = Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    text = fresh(bob, projects=[project])[1]
    role.delete()
    return text


def with_role(person: Person, name: str) -> Person:
    """Somebody else who may upload."""
    other = make_person(name)
    project = person.user.project_roles.get(project__name=PROJECT).project
    Role.objects.get_or_create(user=other.user, project=project, kind=Role.Kind.MAINTAINER)
    return other


def of_a_frozen_owner(person: Person) -> str:
    other = with_role(person, "frozen")
    User.objects.filter(pk=other.user.pk).update(is_active=True)
    text = fresh(other)[1]
    User.objects.filter(pk=other.user.pk).update(is_active=False)
    return text


def of_a_suspended_owner(person: Person) -> str:
    other = with_role(person, "suspended")
    text = fresh(other)[1]
    User.objects.filter(pk=other.user.pk).update(uploads_suspended_at=timezone.now())
    return text


def of_an_unverified_owner(person: Person) -> str:
    other = with_role(person, "unverified")
    addresses = EmailAddress.objects.filter(user=other.user)
    addresses.update(verified_at=timezone.now() - timedelta(days=1))
    text = fresh(other)[1]
    addresses.update(verified_at=None)
    return text


def of_an_owner_without_second_factor(person: Person) -> str:
    other = with_role(person, "unprotected")
    apps = AuthenticatorApp.objects.filter(user=other.user)
    apps.update(held_at=None)
    text = fresh(other)[1]
    apps.update(held_at=timezone.now())
    return text


CASES: list[tuple[Prepare, str]] = [
    (lambda person: f'"{fresh(person)[1]}"', "has quotation marks around it"),
    (lambda person: fresh(person)[1].replace("I", "I ", 1), "has a space or line break inside it"),
    (lambda person: fresh(person)[1][5:], "The beginning of the API token, 'pypi-', is missing"),
    (lambda person: "pypi-" + fresh(person)[1], "starts with 'pypi-' twice"),
    (lambda person: "pypi:" + fresh(person)[1][5:], "no longer written with 'pypi:'"),
    (lambda person: fresh(person)[1][:-9], "is cut off, or was changed"),
    (lambda person: fresh(person)[1] + "==", "has an equals sign at its end"),
    (lambda person: person.password, "This is not an API token"),
    (of_another_index, "belongs to test.example.org; this index is localhost"),
    (unknown, "This API token is not known here"),
    (expired, "This API token expired on 20"),
    (revoked, "This API token was revoked on 20"),
    (for_another_project, "this token is only for project 'other-"),
    (for_creating, "this token may create projects, not upload"),
    (for_elsewhere, "may be used from 10.0.0.0/8 only, and you came from 127.0.0.1"),
    (cut_off, "An owner of the project 'answers' has cut this API token off"),
    (of_a_stranger, "User 'mallory' is not allowed to upload to project 'answers'"),
    (of_one_who_left, "User 'bob' no longer has a role in the project 'answers'"),
    (of_a_frozen_owner, "The account of this API token is frozen or closed"),
    (of_a_suspended_owner, "Uploads of the account suspended are suspended since"),
    (of_an_unverified_owner, "The mail address of the account unverified is not verified"),
    (of_an_owner_without_second_factor, "The account unprotected has no second factor"),
]


@pytest.mark.parametrize(("prepare", "sentence"), CASES, ids=[words for _make, words in CASES])
@pytest.mark.parametrize("tool", [twine, uv_publish], ids=["twine", "uv"])
def test_the_tool_prints_the_sentence(
    site: Site, alice: Person, tmp_path: Path, tool: object, prepare: Prepare, sentence: str
) -> None:
    if not alice.user.project_roles.filter(project__name=PROJECT).exists():
        project_of(alice, PROJECT)
    file = put(tmp_path, make_wheel(PROJECT, "1.0"))
    result = tool(site, tmp_path, prepare(alice), file)  # type: ignore[operator]
    assert not result.is_well
    assert sentence in result.line
    assert "403" in result.line
    assert "<html" not in result.line
