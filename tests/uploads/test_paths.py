"""Which paths an archive may hold, one by one and together."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.paths import MAX_PATH, Paths, path_problem

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "path",
    ["a", "a/", "a/b.c", ".hidden/x", "..a/b..", "höhle/ü", "a b", "x" * MAX_PATH, "C/x", "C"],
)
def test_plain_paths_are_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("x" * (MAX_PATH + 1), "longer than"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\x7fb", "control character"),
        ("\udcff", "not UTF-8"),
        ("a\\b", "backslash"),
        ("/a", "absolute"),
        ("C:a", "absolute"),
        ("c:/a", "absolute"),
        ("..", "leads out"),
        ("a/../b", "leads out"),
        ("../a", "leads out"),
        ("./a", "plain spelling"),
        ("a/./b", "plain spelling"),
        ("a//b", "plain spelling"),
        ("a//", "plain spelling"),
    ],
)
def test_other_paths_are_refused(path: str, reason: str) -> None:
    problem = path_problem(path)
    assert problem is not None
    assert reason in problem


@given(st.text(st.sampled_from("ab./\\\0:C")))
def test_a_path_that_is_fine_stays_in_its_folder(path: str) -> None:
    if path_problem(path) is None:
        plain = path.removesuffix("/")
        assert posixpath.normpath(plain) == plain
        assert not plain.startswith(("/", "../"))


def codes(*paths: str) -> list[str]:
    """The problems of an archive with these members; a slash at the end is a folder."""
    found = Paths()
    for path in paths:
        found.add(path, is_folder=path.endswith("/"))
    return [problem.code for problem in found.problems()]


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["a", "b", "d/", "d/a", "D2/a"], []),
        (["d/", "d/"], []),
        (["a", "a"], ["duplicate"]),
        (["a", "A"], ["collision"]),
        (["straße", "STRASSE"], ["collision"]),
        (["caf\u00e9", "cafe\u0301"], ["collision"]),
        (["\u0130x", "i\u0307x"], ["collision"]),
        (["d/a", "D/A"], ["collision"]),
        (["a", "a/b"], ["collision"]),
        (["a/b", "A"], ["collision"]),
        (["a/", "a"], ["collision"]),
        (["a", "a", "b", "B", "../x"], ["duplicate", "collision", "path"]),
    ],
)
def test_members_that_are_one_file_somewhere_are_refused(
    paths: list[str], wanted: list[str]
) -> None:
    assert codes(*paths) == wanted
