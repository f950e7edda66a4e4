from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import caveats
from tokens.allowances import Allowance, add_up, excludes_nobody
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

IDS = [str(UUID(int=number)) for number in range(3)]
NAMES = ["foo", "foo-a", "foo-b", "bar", "f"]
PATTERNS = [*NAMES, "foo*", "foo-*", "f*", "ba*"]
RANGES = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/1", "2001:db8::/32", "::/0"]
ADDRESSES = ["10.1.2.3", "10.1.0.1", "10.200.0.1", "192.0.2.1", "2001:db8::1", "::1"]


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


CAVEATS: st.SearchStrategy[Caveat] = st.one_of(
    st.builds(Expiration, st.integers(0, 20), st.integers(0, 20)),
    st.builds(ProjectName, some(NAMES)),
    st.builds(ProjectID, some(IDS)),
    st.builds(RequestUser, st.sampled_from(IDS)),
    st.builds(Actions, some(list(caveats.ACTIONS))),
    st.builds(ProjectPatterns, some(PATTERNS)),
    st.builds(Networks, some(RANGES)),
)
TEXTS = st.lists(CAVEATS.map(caveats.dump), max_size=6)
CONTEXTS = st.builds(
    Context,
    now=st.integers(0, 20),
    user_id=st.sampled_from(IDS),
    project_name=st.sampled_from(NAMES),
    project_id=st.sampled_from(IDS),
    action=st.sampled_from(caveats.ACTIONS),
    network_address=st.sampled_from(ADDRESSES),
)


def permits(allowance: Allowance, context: Context) -> bool:
    """What an allowance says of a use, in the plain words of its attributes."""
    assert context.project_name
    assert context.project_id
    ends = allowance.expires_at
    return (
        allowance.is_understood
        and context.action in allowance.actions
        and (allowance.users is None or context.user_id in allowance.users)
        and allowance.not_before <= context.now
        and (ends is None or context.now < ends)
        and allowance.covers(name=context.project_name, project_id=context.project_id)
        and (allowance.networks is None or _comes_from(allowance.networks, context))
    )


def _comes_from(ranges: tuple[str, ...], context: Context) -> bool:
    return bool(ranges) and Networks(ranges).reason_against(context) is None


@given(TEXTS, TEXTS, CONTEXTS)
def test_adding_caveats_never_permits_more(
    texts: list[str], more: list[str], context: Context
) -> None:
    if caveats.reasons_against(texts, context):
        assert caveats.reasons_against([*texts, *more], context)
        assert caveats.reasons_against([*more, *texts], context)


@given(TEXTS, st.text(), CONTEXTS)
def test_adding_any_text_never_permits_more(texts: list[str], more: str, context: Context) -> None:
    if caveats.reasons_against(texts, context):
        assert caveats.reasons_against([*texts, more], context)


@given(TEXTS, CONTEXTS)
def test_the_sum_of_caveats_says_what_each_of_them_says(texts: list[str], context: Context) -> None:
    assert permits(add_up(texts), context) == (caveats.reasons_against(texts, context) == [])


@given(TEXTS, CONTEXTS)
def test_a_sum_that_is_empty_permits_nothing(texts: list[str], context: Context) -> None:
    if add_up(texts).is_empty:
        assert caveats.reasons_against(texts, context)


@pytest.mark.parametrize(
    ("texts", "allowance"),
    [
        ([], Allowance()),
        (["[9]"], Allowance(is_understood=False)),
        (
            ['[1,["foo","bar"]]', '[1001,["fo*"]]'],
            Allowance(patterns=("foo",)),
        ),
        (['[1001,["foo-*","bar"]]', '[1001,["foo*"]]'], Allowance(patterns=("foo-*",))),
        (["[0,20,5]", "[0,30,10]"], Allowance(expires_at=20, not_before=10)),
        (
            ['[1002,["10.0.0.0/8"]]', '[1002,["10.1.0.0/16","192.0.2.0/24"]]'],
            Allowance(networks=("10.1.0.0/16",)),
        ),
        (['[1000,["upload","create"]]', '[1000,["create"]]'], Allowance(actions=("create",))),
    ],
)
def test_what_caveats_allow_together(texts: list[str], allowance: Allowance) -> None:
    assert add_up(texts) == allowance


@pytest.mark.parametrize(
    ("texts", "is_empty"),
    [
        ([], False),
        (["[9]"], True),
        (["[0,5,5]"], True),
        (["[0,6,5]"], False),
        (['[1,["foo"]]', '[1,["bar"]]'], True),
        (['[1000,["upload"]]', '[1000,["create"]]'], True),
        (['[1002,["10.0.0.0/8"]]', '[1002,["::/0"]]'], True),
        ([f'[3,"{IDS[0]}"]', f'[3,"{IDS[1]}"]'], True),
        ([f'[2,["{IDS[0]}"]]', f'[2,["{IDS[1]}"]]'], True),
    ],
)
def test_caveats_that_exclude_each_other_leave_nothing(texts: list[str], is_empty: bool) -> None:
    assert add_up(texts).is_empty == is_empty


@pytest.mark.parametrize(
    ("ranges", "is_all"),
    [
        (["0.0.0.0/0"], True),
        (["::/0"], True),
        (["10.0.0.0/8", "::/0"], True),
        (["0.0.0.0/1", "128.0.0.0/1"], True),
        (["0.0.0.0/1", "128.0.0.0/2"], False),
        (["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], True),
        (["1.0.0.0/8", "224.0.0.0/3"], False),
        (["2000::/3"], True),
        (["2000::/4", "3000::/4"], True),
        (["fc00::/7", "::1/128"], False),
        (["10.0.0.0/8", "2001:db8::/32"], False),
        ([], False),
    ],
)
def test_networks_that_exclude_nobody_are_found(ranges: list[str], is_all: bool) -> None:
    assert excludes_nobody(ranges) == is_all
