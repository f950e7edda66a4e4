"""Whoever reads much from SQLite lets its log of changes be emptied meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from django.test import Client

from accounts.models import User
from projects import stocktaking
from projects.models import Project
from projects.views import history
from tests.projects.conftest import Publish
from tests.support.clone import Database
from tests.support.people import Person

pytestmark = pytest.mark.once


def can_empty_log(database: Database) -> bool:
    """Whether nobody reads in what was written a moment ago."""
    User.objects.update(last_login=None)
    with closing(sqlite3.connect(database.name, timeout=0.2)) as other:
        return bool(other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def test_between_the_contents_that_are_checked_no_query_is_open(
    committed_db: Database,
    foo: Project,
    many: Callable[[Project, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stocktaking, "_BATCH", 2)
    many(foo, 5)
    faults = stocktaking.find_faults(reads_contents=True)
    seen = []
    for fault in faults:
        seen.append(fault.filename)
        assert can_empty_log(committed_db)
    assert len(seen) == len({*seen}) == 5


def test_between_the_lines_of_a_history_no_query_is_open(
    committed_db: Database,
    alice: Person,
    publish: Publish,
    browser: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "_BATCH", 2)
    for number in range(3):
        publish(f"1.{number}")
    response = browser(alice).get("/manage/project/foo/history.csv")
    lines = []
    for line in response.streaming_content:  # type: ignore[attr-defined]
        lines.append(line)
        assert can_empty_log(committed_db)
    numbers = [int(line.split(b",")[0]) for line in lines[1:]]
    assert numbers == sorted({*numbers}, reverse=True)
    assert len(numbers) > 6
