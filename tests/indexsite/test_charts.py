"""Charts are drawn in attributes alone, and their parts differ by more than colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from django.template.base import Node
from django.template.loader import render_to_string

from indexsite.charts import BOTTOM, TOP, Column, draw
from tests.support.calls import calls_of

pytestmark = pytest.mark.once


def test_parts_stand_on_each_other_and_are_as_high_as_they_are_large() -> None:
    chart = draw("x", "Uploads", ["token", "password"], [Column("May", [30, 10])])
    lower, upper = chart.boxes
    assert (lower.fill, upper.fill) == ("solid", "hatched")
    assert float(lower.y) + float(lower.height) == BOTTOM
    assert float(upper.y) + float(upper.height) == pytest.approx(float(lower.y), abs=0.1)
    assert float(lower.height) == pytest.approx(3 * float(upper.height), abs=0.2)


@pytest.mark.parametrize(
    ("highest", "end"), [(0, 2), (1, 2), (2, 2), (3, 5), (6, 10), (11, 20), (51, 100), (999, 1000)]
)
def test_the_scale_ends_at_a_round_number(highest: int, end: int) -> None:
    chart = draw("x", "Uploads", ["all"], [Column("May", [highest])])
    assert [line.text for line in chart.lines] == ["0", f"{end / 2:g}", f"{end}"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw("x", "Uploads", ["all"], [Column("May", [0]), Column("June", [0])]).boxes == []
    assert draw("x", "Uploads", ["all"], []).boxes == []


def test_no_column_is_higher_than_the_drawing() -> None:
    chart = draw("x", "Share", ["share"], [Column("May", [100])], highest=100)
    assert float(chart.boxes[0].y) == TOP


def test_many_columns_name_only_some_days_and_the_last_one() -> None:
    columns = [Column(str(day), [1], caption="1") for day in range(1, 31)]
    words = [word.text for word in draw("x", "Days", ["all"], columns).words]
    assert words == ["5", "10", "15", "20", "25", "30"]


def test_more_parts_than_patterns_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        draw("x", "Uploads", list("abcde"), [])


def test_the_drawing_is_well_formed_and_holds_no_style() -> None:
    columns = [Column("<May>", [1, 2], "3"), Column("June", [2, 1], is_running=True)]
    text = render_to_string(
        "numbers/chart.html", {"chart": draw("x", "A & B", ["one", "two"], columns)}
    )
    tree = ElementTree.fromstring(text)  # noqa: S314  (our own)
    assert "<May>" in [word.text for word in tree.iter("text")]
    assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=", text)
    assert "&lt;May&gt;" in text
    names = {rect.get("fill") for rect in tree.iter("rect") if rect.get("fill")}
    assert {"url(#x-solid)", "url(#x-hatched)"} <= names
    assert {pattern.get("id") for pattern in tree.iter("pattern")} >= {"x-solid", "x-hatched"}
    running = [rect for rect in tree.iter("rect") if "running" in (rect.get("class") or "")]
    assert len(running) == 2


def test_numbers_in_a_drawing_have_a_point_in_every_language() -> None:
    from django.utils import translation

    chart = draw("x", "Uploads", ["all"], [Column("May", [0.5])])
    with translation.override("de"):
        text = render_to_string("numbers/chart.html", {"chart": chart})
    assert "," not in re.sub(r"<text.*?</text>", "", text)


def test_columns_do_not_go_through_the_template_one_by_one() -> None:
    def nodes(days: int) -> int:
        columns = [Column(str(day), [1]) for day in range(days)]
        chart = {"chart": draw("x", "Days", ["all"], columns)}
        return calls_of(
            Node.render_annotated, lambda: render_to_string("numbers/chart.html", chart)
        )

    nodes(1)  # what is made ready once in a process
    assert nodes(30) == nodes(2)
