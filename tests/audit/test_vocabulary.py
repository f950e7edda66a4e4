"""Each kind of event is declared once, under a name with a family."""

from __future__ import annotations

import pytest

from audit import vocabulary
from tests.audit.words import DONE

pytestmark = pytest.mark.once


def test_a_kind_cannot_be_declared_twice() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        vocabulary.define(DONE.name, "{actor} did it again")


@pytest.mark.parametrize("name", ["alone", "", "testing:" + "x" * 60])
def test_a_kind_without_a_family_or_with_too_long_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="family:noun:verb"):
        vocabulary.define(name, "…")


def test_a_refused_kind_is_not_declared() -> None:
    with pytest.raises(ValueError, match="family"):
        vocabulary.define("orphan", "…")
    assert vocabulary.find("orphan") is None


def test_a_kind_is_found_by_its_name() -> None:
    assert vocabulary.find("testing:thing:done") is DONE


def test_a_family_is_the_first_part_of_the_name() -> None:
    assert DONE.family == "testing"


def test_all_kinds_come_in_the_order_of_their_names() -> None:
    found = [kind.name for kind in vocabulary.kinds()]
    assert DONE.name in found
    assert found == sorted(found)
