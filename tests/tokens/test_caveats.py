from __future__ import annotations

import dataclasses
import json
from typing import Any

import pypitoken.restrictions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import caveats
from tokens.caveats import (
    Actions,
    Caveat,
    Context,
    Expiration,
    Networks,
    ProjectID,
    ProjectName,
    ProjectPatterns,
    RequestUser,
)

pytestmark = pytest.mark.once

ONE = "00000000-0000-0000-0000-000000000001"
TWO = "00000000-0000-0000-0000-00000000000a"
NOON = 1777636800  # 2026-05-01 12:00 UTC
UPLOAD = Context(
    now=NOON,
    user_id=ONE,
    project_name="foo",
    project_id=TWO,
    action="upload",
    network_address="192.0.2.17",
)

WIRE = [
    (Expiration(expires_at=20, not_before=10), "[0,20,10]"),
    (ProjectName(("foo",)), '[1,["foo"]]'),
    (ProjectName(("foo", "bar-baz")), '[1,["foo","bar-baz"]]'),
    (ProjectID((TWO,)), f'[2,["{TWO}"]]'),
    (RequestUser(ONE), f'[3,"{ONE}"]'),
    (RequestUser("é"), '[3,"\\u00e9"]'),
    (Actions(("upload", "create")), '[1000,["upload","create"]]'),
    (ProjectPatterns(("pyobjc-*", "foo")), '[1001,["pyobjc-*","foo"]]'),
    (Networks(("10.0.0.0/8", "2001:db8::/32")), '[1002,["10.0.0.0/8","2001:db8::/32"]]'),
]


def asked(**changes: Any) -> Context:
    return dataclasses.replace(UPLOAD, **changes)


def is_one_plain_line(sentence: str) -> bool:
    return sentence.isascii() and sentence.isprintable() and 0 < len(sentence) <= 500


def refusal_of(text: str) -> ValueError | None:
    try:
        caveats.load(text)
    except ValueError as refusal:
        return refusal
    return None


@pytest.mark.parametrize(("caveat", "text"), WIRE)
def test_caveats_are_written_as_published(caveat: Caveat, text: str) -> None:
    assert caveats.dump(caveat) == text


@pytest.mark.parametrize(("caveat", "text"), WIRE)
def test_caveats_are_read_as_published(caveat: Caveat, text: str) -> None:
    assert caveats.load(text) == caveat


def test_white_space_inside_a_caveat_is_allowed() -> None:
    assert caveats.load('[ 1, ["foo"] ]') == ProjectName(("foo",))


@pytest.mark.parametrize(
    "restriction",
    [
        pypitoken.restrictions.DateRestriction(not_before=10, not_after=20),
        pypitoken.restrictions.ProjectNamesRestriction(["foo", "bar-baz"]),
        pypitoken.restrictions.ProjectIDsRestriction([TWO]),
        pypitoken.restrictions.UserIDRestriction(ONE),
    ],
)
def test_pypitoken_and_this_room_understand_each_other(
    restriction: pypitoken.restrictions.Restriction,
) -> None:
    caveat = caveats.load(restriction.dump_json())
    assert pypitoken.restrictions.Restriction.load_json(caveats.dump(caveat)) == restriction


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("foo", "not valid JSON"),
        ("[0,20,10", "not valid JSON"),
        ("[0,20,10] ]", "not valid JSON"),
        ("[0,NaN,10]", "not valid JSON"),
        ("[0,Infinity,10]", "not valid JSON"),
        ("[0," + "9" * 5000 + ",10]", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1," + "[" * 50_000 + "]" * 50_000 + "]", "JSON|list"),
        ('"foo"', "must be a JSON array"),
        ("null", "must be a JSON array"),
        ("5", "must be a JSON array"),
        ('{"version":1,"permissions":"user"}', "must be a JSON array"),
        ('{"version":1,"permissions":{"projects":["foo"]}}', "must be a JSON array"),
        ('{"exp":20,"nbf":10}', "must be a JSON array"),
        ('{"project_ids":[]}', "must be a JSON array"),
        ("[]", "empty array"),
        ("[9999999]", "unknown tag 9999999"),
        ("[4,null]", "unknown tag 4"),
        ("[-1]", "unknown tag -1"),
        ('[true,["foo"]]', "tag number"),
        ("[false,20,10]", "tag number"),
        ("[0.0,20,10]", "tag number"),
        ('["0",20,10]', "tag number"),
        ("[[0],20,10]", "tag number"),
        ("[null]", "tag number"),
        ("[0]", "2 more values, not 0"),
        ("[0,5]", "2 more values, not 1"),
        ("[0,20,10,5]", "2 more values, not 3"),
        ('[0,"20",10]', "whole numbers"),
        ("[0,20,true]", "whole numbers"),
        ("[0,20.0,10]", "whole numbers"),
        ("[0,20,null]", "whole numbers"),
        ("[0,20,-1]", "1970 and 9999"),
        ("[0,99999999999999,10]", "1970 and 9999"),
        ("[1]", "1 more value, not 0"),
        ('[1,["foo"],null]', "1 more value, not 2"),
        ('[1,"foo"]', "must hold a list"),
        ('[1,{"foo":1}]', "must hold a list"),
        ('[1,["foo",1]]', "list of strings"),
        ("[1,[]]", "no project name"),
        ('[1,["foo","foo"]]', "repeats a project name"),
        ('[1,["Foo"]]', "not a normalized project name"),
        ('[1,["foo\\n"]]', "not a normalized project name"),
        ('[1,[""]]', "not a normalized project name"),
        ('[1,["*"]]', "not a normalized project name"),
        ("[2,[]]", "no project id"),
        (f'[2,["{TWO.upper()}"]]', "not a project id"),
        (f'[2,["{TWO.replace("-", "")}"]]', "not a project id"),
        ('[2,["foo"]]', "not a project id"),
        (f'[2,["{TWO}","{TWO}"]]', "repeats a project id"),
        ("[3]", "1 more value"),
        (f'[3,"{ONE}",1]', "1 more value"),
        ("[3,1]", "one user id"),
        ("[3,null]", "one user id"),
        (f'[3,["{ONE}"]]', "one user id"),
        ('[3,""]', "one user id"),
        ("[1000]", "1 more value"),
        ("[1000,[]]", "no action"),
        ('[1000,"upload"]', "must hold a list"),
        ('[1000,["upload","upload"]]', "repeats an? action"),
        ('[1000,["delete"]]', "not an action"),
        ('[1000,["Upload"]]', "not an action"),
        ("[1001,[]]", "no name pattern"),
        ('[1001,"foo-*"]', "must hold a list"),
        ('[1001,["foo-*","foo-*"]]', "repeats a name pattern"),
        ('[1001,["*"]]', "neither a normalized"),
        ('[1001,["-*"]]', "neither a normalized"),
        ('[1001,["foo--*"]]', "neither a normalized"),
        ('[1001,["*foo"]]', "neither a normalized"),
        ('[1001,["f*o"]]', "neither a normalized"),
        ('[1001,["foo**"]]', "neither a normalized"),
        ('[1001,["Foo*"]]', "neither a normalized"),
        ('[1001,["foo.*"]]', "neither a normalized"),
        ('[1001,["foo*\\n"]]', "neither a normalized"),
        (f'[1001,["{"x" * 201}*"]]', "neither a normalized"),
        ("[1002,[]]", "no network"),
        ('[1002,"10.0.0.0/8"]', "must hold a list"),
        ('[1002,["10.0.0.1/8"]]', "not a network"),
        ('[1002,["10.0.0.1"]]', "not a network"),
        ('[1002,["10.0.0.0/255.0.0.0"]]', "not a network"),
        ('[1002,["10.0.0.0/08"]]', "not a network"),
        ('[1002,["2001:DB8::/32"]]', "not a network"),
        ('[1002,["example.org"]]', "not a network"),
        ('[1002,["fe80::1%eth0/128"]]', "not a network"),
        ('[1002,["10.0.0.0/8","10.0.0.0/8"]]', "repeats a network"),
    ],
)
def test_caveats_that_are_not_exactly_understood_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        caveats.load(text)
    assert is_one_plain_line(str(caught.value))


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (Expiration, (True, 0)),
        (Expiration, (20.0, 10)),
        (ProjectName, ("foo",)),
        (ProjectName, (["foo"],)),
        (ProjectName, ((),)),
        (ProjectName, (("Foo",),)),
        (ProjectID, (("foo",),)),
        (RequestUser, (1,)),
        (Actions, (("delete",),)),
        (ProjectPatterns, (("*",),)),
        (Networks, (("10.0.0.1/8",),)),
    ],
)
def test_no_caveat_is_made_that_could_not_be_read_back(make: Any, arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"must|holds|is not|is neither"):
        make(*arguments)


@pytest.mark.parametrize(
    ("now", "reasons"),
    [
        (NOON - 61, ["this token is not valid before 2026-05-01 11:59 UTC"]),
        (NOON - 60, []),
        (NOON - 1, []),
        (NOON, ["this token expired at 2026-05-01 12:00 UTC"]),
        (NOON + 10**9, ["this token expired at 2026-05-01 12:00 UTC"]),
    ],
)
def test_a_token_is_valid_from_its_beginning_to_before_its_end(
    now: int, reasons: list[str]
) -> None:
    text = f"[0,{NOON},{NOON - 60}]"
    assert caveats.reasons_against([text], asked(now=now)) == reasons


OTHER_PROJECT = (
    "this token was made for another project than today's 'foo', even if it had the same name"
)


@pytest.mark.parametrize(
    ("text", "context", "reasons"),
    [
        ('[1,["foo"]]', UPLOAD, []),
        ('[1,["bar","foo"]]', UPLOAD, []),
        ('[1,["bar"]]', UPLOAD, ["this token is only for project 'bar', not 'foo'"]),
        (
            '[1,["a","b","c","d","e"]]',
            UPLOAD,
            ["this token is only for projects 'a', 'b', 'c' and 2 more, not 'foo'"],
        ),
        (
            '[1,["bar"]]',
            asked(project_name=None),
            ["this token is only for project 'bar', and no project was asked for"],
        ),
        (f'[2,["{TWO}"]]', UPLOAD, []),
        (f'[2,["{ONE}"]]', UPLOAD, [OTHER_PROJECT]),
        (f'[2,["{ONE}"]]', asked(project_id=None), [OTHER_PROJECT]),
        (
            f'[2,["{ONE}"]]',
            asked(project_name=None),
            ["this token is only for certain projects, and no project was asked for"],
        ),
        (f'[3,"{ONE}"]', UPLOAD, []),
        (f'[3,"{TWO}"]', UPLOAD, ["this token is only for the user that it was made for"]),
        (
            f'[3,"{ONE}"]',
            asked(user_id=None),
            ["this token is only for the user that it was made for"],
        ),
        ('[1000,["upload"]]', UPLOAD, []),
        (
            '[1000,["upload"]]',
            asked(action="create"),
            ["this token may upload, not create projects"],
        ),
        (
            '[1000,["upload","create"]]',
            asked(action="yank"),
            ["this token may upload and create projects, not yank"],
        ),
        ('[1000,["yank"]]', asked(action="é\n"), ["this token may yank, not '\\xe9\\n'"]),
        ('[1001,["bar","fo*"]]', UPLOAD, []),
        ('[1001,["foo"]]', UPLOAD, []),
        ('[1001,["foo*"]]', UPLOAD, []),
        ('[1001,["foo-*"]]', asked(project_name="foo-bar"), []),
        (
            '[1001,["foo-*","fo"]]',
            UPLOAD,
            ["this token is only for projects named 'foo-*', 'fo', not 'foo'"],
        ),
        (
            '[1001,["foo*"]]',
            asked(project_name=None),
            ["this token is only for projects named 'foo*', and no project was asked for"],
        ),
        ('[1002,["192.0.2.0/24"]]', UPLOAD, []),
        ('[1002,["192.0.2.17/32"]]', UPLOAD, []),
        ('[1002,["192.0.2.0/24"]]', asked(network_address="::ffff:192.0.2.17"), []),
        ('[1002,["10.0.0.0/8","2001:db8::/32"]]', asked(network_address="2001:db8::1"), []),
        (
            '[1002,["10.0.0.0/8"]]',
            UPLOAD,
            ["this token may be used from 10.0.0.0/8 only, and you came from 192.0.2.17"],
        ),
        (
            '[1002,["10.0.0.0/8"]]',
            asked(network_address="2001:db8::1"),
            ["this token may be used from 10.0.0.0/8 only, and you came from 2001:db8::1"],
        ),
        (
            '[1002,["0.0.0.0/0"]]',
            asked(network_address=None),
            ["this token may be used from 0.0.0.0/0 only, and you came from an unknown address"],
        ),
        (
            '[1002,["0.0.0.0/0"]]',
            asked(network_address="somewhere"),
            ["this token may be used from 0.0.0.0/0 only, and you came from an unknown address"],
        ),
        (
            "[9]",
            UPLOAD,
            [
                "this token has a restriction that is not understood: "
                "the restriction has the unknown tag 9"
            ],
        ),
    ],
)
def test_each_caveat_says_what_it_allows(text: str, context: Context, reasons: list[str]) -> None:
    assert caveats.reasons_against([text], context) == reasons


def test_no_caveats_allow_everything() -> None:
    assert caveats.reasons_against([], UPLOAD) == []


def test_all_reasons_are_given_once_each_and_in_order() -> None:
    texts = ['[1,["bar"]]', f"[0,{NOON},0]", '[1,["bar"]]', '[1,["foo"]]', "[7]", '[1000,["yank"]]']
    reasons = caveats.reasons_against(texts, UPLOAD)
    assert [reason.split(" ")[2] for reason in reasons] == ["is", "expired", "has", "may"]


def test_a_project_that_neither_name_nor_id_allow_is_spoken_of_once() -> None:
    reasons = caveats.reasons_against(['[1,["bar"]]', f'[2,["{ONE}"]]'], UPLOAD)
    assert reasons == ["this token is only for project 'bar', not 'foo'"]


def test_one_allowing_caveat_does_not_outweigh_a_forbidding_one() -> None:
    assert caveats.reasons_against(['[1,["foo"]]', '[1,["bar"]]'], UPLOAD) != []
    assert caveats.reasons_against(['[1,["bar"]]', '[1,["foo"]]'], UPLOAD) != []


_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from([0, 1, 2, 3, 1000, 1001, 1002, 10**30, ONE, "foo", "upload", "x" * 999]),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
)
_TAGGED = st.tuples(
    st.sampled_from([0, 1, 2, 3, 1000, 1001, 1002]), st.lists(_JSON, max_size=3)
).map(lambda pair: [pair[0], *pair[1]])
_TEXTS = st.one_of(st.text(), _JSON.map(json.dumps), _TAGGED.map(json.dumps))


@given(_TEXTS)
def test_reading_any_text_gives_a_caveat_or_a_plain_refusal(text: str) -> None:
    refusal = refusal_of(text)
    if refusal is None:
        caveat = caveats.load(text)
        assert caveats.load(caveats.dump(caveat)) == caveat
    else:
        assert is_one_plain_line(str(refusal))


@given(
    st.lists(_TEXTS),
    st.builds(
        Context,
        now=st.integers(),
        user_id=st.one_of(st.none(), st.text()),
        project_name=st.one_of(st.none(), st.text()),
        project_id=st.one_of(st.none(), st.text()),
        action=st.text(),
        network_address=st.one_of(st.none(), st.text(), st.ip_addresses().map(str)),
    ),
)
def test_asking_for_reasons_never_fails(texts: list[str], context: Context) -> None:
    reasons = caveats.reasons_against(texts, context)
    assert all(is_one_plain_line(reason) for reason in reasons)
    assert len(reasons) == len(set(reasons))


def test_a_mistake_of_ours_forbids_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    odd: Any = asked(project_name=5)  # no name, so that comparing raises something unforeseen
    for text in ('[1001,["foo*"]]', '[1,["foo"]]'):
        reasons = caveats.reasons_against([text, '[1000,["yank"]]'], odd)
        assert reasons[-1] == "this token may yank, not upload"
        assert reasons[0] == "this token has a restriction that could not be checked"
    assert "AttributeError" in caplog.text


def test_things_that_are_not_text_forbid_too() -> None:
    odd: Any = [None, 5, b"[0,20,10]"]
    assert len(caveats.reasons_against(odd, UPLOAD)) == 1
