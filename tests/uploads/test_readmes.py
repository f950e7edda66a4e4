"""Descriptions that can be shown, and those that cannot."""

from __future__ import annotations

import pytest

from projects import rendering
from uploads.readmes import MAX_LENGTH, readme_problems

pytestmark = pytest.mark.once

BROKEN = "Title\n==\n\n.. raw:: html\n\n   <b>bold</b>\n"


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (None, None),
        ("", "text/x-rst"),
        (" \n", None),
        ("Title\n=====\n\nText.\n", None),
        ("Title\n=====\n\nText.\n", "text/x-rst; charset=UTF-8"),
        ("# Title\n\nText <b>bold</b>\n", "text/markdown"),
        ("# Title\n", "text/markdown; variant=CommonMark"),
        (BROKEN, "text/plain"),
        (BROKEN, "text/markdown"),
        (".. code:: nosuchlanguage\n\n   x\n", "text/x-rst"),
        ("x" * (MAX_LENGTH + 1), "text/plain"),
    ],
)
def test_what_can_be_shown_is_fine(text: str | None, content_type: str | None) -> None:
    assert readme_problems(text, content_type) == []


def test_restructuredtext_that_cannot_be_shown_is_refused_with_its_line() -> None:
    (problem,) = readme_problems(BROKEN, "text/x-rst")
    assert problem.code == "description"
    assert 'line 4: "raw" directive disabled.' in problem.text
    assert "Description-Content-Type" not in problem.text


def test_a_description_without_a_type_is_taken_as_restructuredtext() -> None:
    (problem,) = readme_problems("# Title\n\n.. include:: /etc/passwd\n", None)
    assert "without Description-Content-Type" in problem.text


@pytest.mark.parametrize("text", ["- " * 3000 + "x", ".. include:: x\n" * 50, "|x|_\n" * 200])
def test_the_worst_restructuredtext_gets_a_line(text: str) -> None:
    for problem in readme_problems(text, "text/x-rst"):
        assert problem.text.isascii()
        assert len(problem.text) < 300


def test_a_description_that_is_too_long_is_refused() -> None:
    assert "longer than 512" in readme_problems("x" * (MAX_LENGTH + 1), "text/markdown")[0].text


@pytest.mark.parametrize("content_type", ["text/markdown", "text/x-rst"])
def test_a_long_description_is_fine_and_bad_ones_get_the_same_line(content_type: str) -> None:
    more = "\nA paragraph with höhles and `code`.\n" * (rendering.LONG // 30)
    assert readme_problems(f"Title\n=====\n{more}", content_type) == []
    long, short = (
        readme_problems(BROKEN + more, content_type),
        readme_problems(BROKEN, content_type),
    )
    assert long == short


@pytest.mark.parametrize("text", ["> " * 100_000 + "x", "<!--" * 130_000, "<div>" * 100_000])
def test_a_description_that_would_render_for_minutes_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "MAX_SECONDS", 2)
    (problem,) = readme_problems(text, "text/markdown")
    assert "takes too long to render" in problem.text
