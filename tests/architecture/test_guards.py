"""That the guards which are taken out to try their tests are there."""

from __future__ import annotations

import pytest

from tests.architecture.reading import ROOT
from tests.guards import Guard
from tests.guards.__main__ import GUARDS

pytestmark = pytest.mark.once


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_is_the_line_that_it_says(guard: Guard) -> None:
    assert (ROOT / guard.path).read_text().count(guard.line) == 1


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_names_a_test_that_there_is(guard: Guard) -> None:
    path, _, name = guard.test.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text()
