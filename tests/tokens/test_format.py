"""docs/token-format.md says what the code does."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.architecture.reading import ROOT
from tokens import caveats, macaroons

pytestmark = pytest.mark.once

TEXT = (ROOT / "docs" / "token-format.md").read_text()
KEY = bytes(range(32))
IDENTIFIER = UUID("d4d8a706-51a1-4844-a49f-12d4bc3db6f9")


def vectors() -> list[tuple[list[str], str]]:
    """The caveats and the text of each token in the document."""
    found = []
    for block in TEXT.partition("## Test vectors")[2].split("\n\n")[2:]:
        lines = block.strip("\n").split("\n")
        token = "".join(line.replace(" ", "") for line in lines if line.startswith("    "))
        texts = [line for line in lines if line.startswith("[")]
        found.append((texts, token))
    return found


def test_all_vectors_are_found() -> None:
    assert len(vectors()) == 6


@pytest.mark.parametrize(("texts", "token"), vectors())
def test_the_vectors_are_read_and_written(texts: list[str], token: str) -> None:
    made = macaroons.mint(
        location="index.example.org", identifier=IDENTIFIER, key=KEY, caveats=texts
    )
    assert made == token
    parsed = macaroons.parse(token)
    assert macaroons.has_valid_signature(parsed, KEY)
    assert parsed.caveats == tuple(texts)
    assert [caveats.dump(caveats.load(text)) for text in texts] == texts


def test_the_vectors_hold_each_caveat_that_there_is() -> None:
    loaded = {type(caveats.load(text)) for texts, _token in vectors() for text in texts}
    assert loaded == set(caveats.Caveat.__args__)


def test_the_table_names_each_tag() -> None:
    tags = {int(tag) for tag in re.findall(r"^\| (\d+) \| `\[\d+,", TEXT, re.MULTILINE)}
    assert tags == {kind.tag for kind in caveats.Caveat.__args__}


def test_the_pattern_for_scanners_finds_the_vectors() -> None:
    (pattern,) = re.findall(r"`(pypi-Ag\S+)`", TEXT)
    assert all(re.fullmatch(pattern, token) for _texts, token in vectors())
