"""The package pypitoken, which many tools use, and our code agree about tokens."""

from __future__ import annotations

import random
import time
from uuid import UUID

import pypitoken
import pytest

from tests.support.people import Person
from tests.support.uploading import upload
from tests.tokens.keys import make
from tokens import caveats, macaroons
from tokens.caveats import Caveat, Context, Expiration, ProjectID, ProjectName, RequestUser

IDS = [str(UUID(int=number)) for number in range(4)]
NAMES = ["foo", "bar", "foo-bar", "b"]
KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
NOW = 1_800_000_000


def some(chance: random.Random, values: list[str]) -> tuple[str, ...]:
    return tuple(chance.sample(values, chance.randint(1, len(values))))


def any_caveat(chance: random.Random) -> Caveat:
    """One of PyPI's four, of values that meet often."""
    around = [NOW - 10, NOW - 1, NOW, NOW + 1, NOW + 10]
    return chance.choice(
        [
            Expiration(chance.choice(around), chance.choice(around)),
            ProjectName(some(chance, NAMES)),
            ProjectID(some(chance, IDS)),
            RequestUser(chance.choice(IDS[:2])),
        ]
    )


def we_accept(text: str, context: Context) -> bool:
    parsed = macaroons.parse(text)
    return macaroons.has_valid_signature(parsed, KEY) and not caveats.reasons_against(
        parsed.caveats, context
    )


def pypitoken_accepts(text: str, context: Context) -> bool:
    try:
        pypitoken.Token.load(text).check(
            KEY,
            project_name=context.project_name,
            project_id=context.project_id,
            user_id=context.user_id,
            now=context.now,
        )
    except (pypitoken.ValidationError, ValueError):  # the latter where two caveats fail
        return False
    return True


@pytest.mark.once
def test_both_accept_and_refuse_the_same_thousand_tokens() -> None:
    chance = random.Random(4)  # noqa: S311
    verdicts = []
    for number in range(1000):
        texts = [caveats.dump(any_caveat(chance)) for _turn in range(chance.randint(0, 3))]
        key = OTHER_KEY if number % 10 == 0 else KEY
        text = macaroons.mint(
            location="index.example.org", identifier=UUID(int=number), key=key, caveats=texts
        )
        context = Context(
            now=NOW,
            user_id=IDS[0],
            project_name=chance.choice(NAMES),
            project_id=chance.choice(IDS),
            action="upload",
            network_address="192.0.2.1",
        )
        verdicts.append(we_accept(text, context))
        assert verdicts[-1] == pypitoken_accepts(text, context), texts
    assert 200 < sum(verdicts) < 800  # else it would be no comparison


def test_a_token_that_pypitoken_has_narrowed_is_narrower(alice: Person) -> None:
    token = pypitoken.Token.load(make(alice)[1])
    assert [type(row).__name__ for row in token.restrictions] == ["UserIDRestriction"]
    now = int(time.time())
    token.restrict(project_names=["foo"], not_before=now - 5, not_after=now + 600)
    assert upload(token.dump(), "foo").status_code == 200
    assert upload(token.dump(), "bar").status_code == 403
