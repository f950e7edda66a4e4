"""What real twine and real uv print when a token is not let in, for each mistake people make."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, User
from projects.models import Role
from tests.clients import tools
from tests.clients.test_tools import put
from tests.clients.tools import Outcome, Sending
from tests.support.artifacts import make_wheel
from tests.support.people import Person, make_person
from tests.support.server import Site
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.models import APIToken, TokenDenial
from tokens.operations.invalidation import invalidate_token
from tokens.operations.lifecycle import revoke_token

pytestmark = [pytest.mark.clients, pytest.mark.once]

PROJECT = "answers"
Prepare = Callable[[Person], str]
Tool = Callable[[Sending], Outcome]
TOOLS = pytest.mark.parametrize("tool", [tools.twine, tools.uv], ids=["twine", "uv"])


def has_project(person: Person) -> None:
    """See that the project is there which the files are for."""
    if not person.user.project_roles.filter(project__name=PROJECT).exists():
        project_of(person, PROJECT)


def send(tool: Tool, site: Site, folder: Path, username: str, password: str) -> Outcome:
    """One upload."""
    file = put(folder, make_wheel(PROJECT, "1.0"))
    return tool(Sending(site.url, username, password, folder, [file]))


def halves(text: str) -> tuple[str, str]:
    """A text as it is after it was wrapped."""
    return text[:76], text[76:]


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


def with_a_wrong_signature(person: Person) -> str:
    token, _text = fresh(person)
    return macaroons.mint(location="localhost", identifier=token.pk, key=b"k" * 32, caveats=[])


def of_a_former_format(person: Person) -> str:
    token, text = fresh(person)
    invalidate_token(token, reason="tokens of format 1 are not accepted any more", by=person.actor)
    return text


def not_yet_valid(person: Person) -> str:
    return macaroons.attenuate(fresh(person)[1], ["[0,4000000000,3900000000]"])


def not_understood(person: Person) -> str:
    return macaroons.attenuate(fresh(person)[1], ["[9]"])


def for_a_former_project_of_this_name(person: Person) -> str:
    return macaroons.attenuate(fresh(person)[1], [f'[2,["{uuid4()}"]]'])


def for_certain_names(person: Person) -> str:
    return macaroons.attenuate(fresh(person)[1], ['[1001,["question-*"]]', '[1002,["10.0.0.0/8"]]'])


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
    (lambda person: "\n".join(halves(fresh(person)[1])), "It is one line without spaces"),
    (lambda person: fresh(person)[1][5:], "The beginning of the API token, 'pypi-', is missing"),
    (lambda person: "pypi-" + fresh(person)[1], "starts with 'pypi-' twice"),
    (lambda person: "pypi:" + fresh(person)[1][5:], "no longer written with 'pypi:'"),
    (lambda person: fresh(person)[1][:-9], "is cut off, or was changed"),
    (lambda person: fresh(person)[1] + "==", "has an equals sign at its end"),
    (lambda person: f"TOKEN={fresh(person)[1]}", "Something stands before the API token"),
    (lambda person: fresh(person)[1] * 2, "The API token is there twice"),
    (lambda person: person.password, "This is not an API token"),
    (of_another_index, "belongs to test.example.org; this index is localhost"),
    (unknown, "This API token is not known here"),
    (with_a_wrong_signature, "Check that all of it was copied, without spaces"),
    (expired, "This API token expired on 20"),
    (revoked, "This API token was revoked on 20"),
    (of_a_former_format, ": tokens of format 1 are not accepted any more. Make another one at"),
    (not_yet_valid, "this token is not valid before 2093-08-01 21:20 UTC"),
    (not_understood, "a restriction that is not understood: the restriction has the unknown tag 9"),
    (for_a_former_project_of_this_name, "made for another project than today's 'answers'"),
    (
        for_certain_names,
        "named 'question-*', not 'answers'; this token may be used from 10.0.0.0/8",
    ),
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
@TOOLS
def test_the_tool_prints_the_sentence(
    site: Site, alice: Person, tmp_path: Path, tool: Tool, prepare: Prepare, sentence: str
) -> None:
    has_project(alice)
    result = send(tool, site, tmp_path, "__token__", prepare(alice))
    assert not result.is_well
    assert sentence in result.line
    assert "403" in result.line
    assert "<html" not in result.line


USERNAMES = [
    ("@token", "The user name @token is a withdrawn spelling"),
    ("alice@example.org", "not used with a user name or mail address of its owner"),
    ("alice", "not used with a user name or mail address of its owner"),
    ("__TOKEN__", "The user name must be exactly __token__"),
    ('"__token__"', "without spaces or quotation marks"),
    ("token", "The user name must be exactly __token__"),
]


@pytest.mark.parametrize(("username", "sentence"), USERNAMES)
@TOOLS
def test_the_tool_prints_what_the_user_name_is(
    site: Site, alice: Person, tmp_path: Path, tool: Tool, username: str, sentence: str
) -> None:
    result = send(tool, site, tmp_path, username, fresh(alice)[1])
    assert not result.is_well
    assert sentence in result.line
    assert re.search("(user name|exactly) __token__", result.line)
    assert "403" in result.line


@TOOLS
def test_the_tool_prints_that_user_name_and_token_were_exchanged(
    site: Site, alice: Person, tmp_path: Path, tool: Tool
) -> None:
    result = send(tool, site, tmp_path, fresh(alice)[1], "__token__")
    assert "The API token stands in the place of the user name" in result.line


@pytest.mark.parametrize("around", ["{}\r", " {}\n", "\u00a0{}\u00a0"])
@TOOLS
def test_white_space_that_was_copied_with_a_token_does_no_harm(
    site: Site, alice: Person, tmp_path: Path, tool: Tool, around: str
) -> None:
    has_project(alice)
    result = send(tool, site, tmp_path, "__token__", around.format(fresh(alice)[1]))
    assert result.is_well, result.line
