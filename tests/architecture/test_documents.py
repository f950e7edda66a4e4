"""What the documents say of the code is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.reading import ROOT, name_of

pytestmark = pytest.mark.once

DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def named_tests(text: str) -> list[tuple[str, str]]:
    """The tests that a document names as `path::function`."""
    return _TEST.findall(text)


def functions_of(path: Path) -> set[str]:
    """The names of all functions in a file; none where there is no such file."""
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in named_tests(document.read_text())
        if name not in functions_of(ROOT / path)
    ]
    assert missing == []


def test_a_test_that_is_named_and_not_there_is_found() -> None:
    ((path, name),) = named_tests("as `tests/architecture/test_documents.py::test_nothing` shows")
    assert name not in functions_of(ROOT / path)
    assert functions_of(ROOT / "tests/nowhere.py") == set()


def settings_read() -> set[str]:
    """The names of the variables that the settings read by name."""
    source = (ROOT / "indexsite" / "settings.py").read_text()
    names = set(re.findall(r'(?:read|read_secret|env\.str)\(\s*"([A-Z][A-Z0-9_]+)"', source))
    return names - {"APPLICATION_DATABASE_URL"}  # of ./run, while it migrates


def test_every_variable_that_the_settings_read_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in settings_read() if f"`{name}`" not in text} == set()
    assert len(settings_read()) > 20
