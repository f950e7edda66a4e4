"""The scripts in `benchmarks/` fit to the code that they time and the page that they fill."""

from __future__ import annotations

import importlib
import re

import pytest

from benchmarks import goals, tables, upload_steps
from tests.architecture.reading import ROOT

pytestmark = pytest.mark.once

_MARKER = re.compile(r"<!-- (\w+) -->\n")


def tables_wanted() -> set[str]:
    """The names of the tables on the page."""
    return set(_MARKER.findall(tables.DOCUMENT.read_text())) - {"end"}


def test_every_table_of_the_page_has_a_script() -> None:
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert tables_wanted() - scripts == set()
    assert len(tables_wanted()) > 5


def test_every_goal_is_about_a_table_of_the_page() -> None:
    assert {goal.script for goal in goals.GOALS} - tables_wanted() == set()


@pytest.mark.parametrize("place", [place for place, _label in upload_steps.STEPS])
def test_every_step_of_an_upload_that_is_timed_is_there(place: str) -> None:
    module, _, path = place.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)


def runs(server: str, *, rate: float, case: str = "10 KB, 1 at once") -> list[dict[str, object]]:
    """Three runs whose median is this many in a second."""
    common = {"server": server, "case": case, "p99": 1.0, "seconds": 1.0}
    used = {"server_cpu": 0.3, "load_cpu": 0.1}
    return [{**common, **used, "per_second": rate * factor} for factor in (0.1, 1.0, 9.0)]


def test_a_table_shows_medians_and_how_they_stand_beside_the_best_peer() -> None:
    found = [*runs("Indexsite", rate=30), *runs("devpi-server", rate=20), *runs("other", rate=99)]
    (row,) = tables.table({"runs": found}).splitlines()[2:]
    assert "**30**/s" in row
    assert "load 25%" in row
    assert row.endswith("| 1.5 times devpi-server |")


def test_a_page_keeps_the_tables_that_were_not_measured() -> None:
    page = "<!-- one -->\nold\n<!-- end -->\nwords\n<!-- two -->\nold\n<!-- end -->\n"
    found = tables.fill(page, {"two": {"table": [["head"], ["new"]]}})
    new = "| head |\n| --- |\n| new |"
    assert found == new.join(page.rsplit("old", 1))


@pytest.mark.parametrize(("rate", "reached"), [(19.0, "**no**"), (20.0, "yes")])
def test_a_goal_is_reached_at_its_limit(rate: float, reached: str) -> None:
    found = [*runs("Indexsite", rate=rate), *runs("devpi-server", rate=20)]
    row = next(row for row in goals.rows({"uploading": {"runs": found}}) if "one after" in row[0])
    assert row[-1] == reached


def test_a_goal_without_numbers_says_so() -> None:
    assert {row[2] for row in list(goals.rows({}))[1:]} == {"not measured"}
