"""One sentence for each thing that a token can allow."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.support.people import Person
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens.allowances import add_up
from tokens.descriptions import describe, describe_grant, describe_scope, describe_token
from tokens.grants import Grant, Scope

UPLOAD, CREATE, YANK = ("upload",), ("upload", "create"), ("upload", "yank")
END = datetime(2027, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"actions": CREATE}, "Create new projects, and upload new releases of ALL"),
        ({"actions": UPLOAD}, "Upload new releases of ALL"),
        ({"actions": ("create",)}, "Create new projects"),
        ({"actions": ("yank",)}, "Yank releases of ALL, and take that back"),
        ({"actions": YANK}, "Upload and yank releases of ALL, and take yanks back"),
        (
            {"actions": ("create", "yank")},
            "Create new projects, yank releases of ALL, and take that back",
        ),
        (
            {"actions": (*CREATE, "yank")},
            "Create new projects, upload and yank releases of ALL, and take yanks back",
        ),
        (
            {"scope": Scope.PATTERNS, "patterns": ("foo-*", "bar"), "actions": CREATE},
            "Create projects named foo-* and bar, and upload new releases of foo-* and bar",
        ),
        (
            {"scope": Scope.NEW, "new_project": "Foo", "actions": CREATE},
            "Create the project Foo, and upload new releases of Foo",
        ),
    ],
)
def test_what_a_token_will_allow_is_one_sentence(
    alice: Person, changes: dict[str, object], sentence: str
) -> None:
    grant = grant_for(is_wide=True, **changes)
    expected = sentence.replace("ALL", "all your projects, also future ones")
    assert describe_grant(grant, alice.user) == f"{expected}, without an end"


def test_end_and_networks_are_a_part_of_it(alice: Person) -> None:
    foo, bar = project_of(alice, "Foo"), project_of(alice, "bar")
    wide = {"scope": Scope.PROJECTS, "projects": (foo, bar), "actions": UPLOAD}
    grant = Grant(**wide, networks=("10.0.0.0/8",), expires_at=END)  # type: ignore[arg-type]
    assert describe_grant(grant, alice.user) == (
        "Upload new releases of Foo and bar until 3 March 2027, 12:00 UTC, from 10.0.0.0/8"
    )
    endless = Grant(**wide, networks=("10.0.0.0/8",))  # type: ignore[arg-type]
    assert describe_grant(endless, alice.user) == (
        "Upload new releases of Foo and bar, from 10.0.0.0/8, without an end"
    )


def test_many_projects_are_counted(alice: Person) -> None:
    projects = [project_of(alice, f"p{number}") for number in range(7)]
    token, _text = make(alice, projects=projects)
    assert describe_token(token).startswith("Upload new releases of p0, p1, p2, p3 and 3 more")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["[9]"], "Nothing"),
        (['[1000,["create"]]', '[2,["00000000-0000-0000-0000-000000000001"]]'], "Nothing"),
        (
            ['[2,["00000000-0000-0000-0000-000000000001"]]', '[1000,["upload","create"]]'],
            "Upload new releases of 1 project that is named by its id",
        ),
        (['[1,["foo"]]', '[1000,["upload"]]'], "Upload new releases of foo"),
    ],
)
def test_caveats_alone_are_described_too(texts: list[str], sentence: str) -> None:
    assert describe(add_up(texts)).startswith(sentence)


def test_a_token_whose_projects_are_gone_is_said_to_be_of_no_use(alice: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    token, _text = make(alice, projects=[foo, bar])
    bar.delete()
    assert describe_token(token).startswith("Upload new releases of foo, ")
    foo.delete()
    assert describe_token(token) == "Nothing: the projects that it was made for are gone"
    assert describe_scope(token) == "foo and bar, gone"


def test_the_sentence_has_no_empty_place(alice: Person) -> None:
    for actions in (UPLOAD, CREATE, YANK, ("create",), ("yank",)):
        sentence = describe_grant(grant_for(is_wide=True, actions=actions), alice.user)
        assert not re.search(r"%|None|  |\(\)", sentence)
