"""Django's SQLite, in which those who want to write stand in line.

SQLite has one writer at a time. Whoever comes second looks again after a while, and after ever
longer ones, up to 0.1 s: with 16 uploads at once, most of the time nobody wrote, and some waited
for seconds. Here the threads of a process take turns, and then the processes.

What is written goes into a log first. Who ended the transaction that filled it copied it into the
database, and kept all others waiting; the worker does that now (https://sqlite.org/wal.html).

All processes see a count of changes in memory, so what was read need not be read again before the
next one.

What Django writes as %s is ? in SQLite. It looks through each statement anew at each call, which
takes longer than most of them; here hot statements are remembered.
"""

from __future__ import annotations

import sqlite3
import time
from functools import lru_cache
from typing import Any

from django.db import OperationalError, connection
from django.db.backends.sqlite3 import base

from indexsite.sqlite.line import Changes, Gate, Line

_line = Line()


class Cursor(base.SQLiteCursorWrapper):
    """A cursor that remembers what it makes of statements."""

    def execute(self, query: Any, params: Any = None) -> Any:
        """Run a statement, as Django's cursor does."""
        if type(params) in {list, tuple}:
            return sqlite3.Cursor.execute(self, _converted(query), params)
        return super().execute(query, params)


@lru_cache(maxsize=256)
def _converted(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that has its turn from the start of a transaction to its end."""

    _gate: Gate | None = None
    _changes: Changes | None = None

    def version(self) -> int | None:
        """As `projects.cache.version`, which asks for it."""
        if self.connection is None:  # what is kept until it closes begins with it
            return None
        try:
            count = self._count_of_changes().count
        except OSError:  # who cannot make the file cannot write either
            return None
        return None if count % 2 else count

    def _count_of_changes(self) -> Changes:
        if self._changes is None:
            name = str(self.settings_dict["NAME"])
            self._changes = Changes(f"{name}-changes", beside=name)
        return self._changes

    def create_cursor(self, name: Any = None) -> Any:
        """A cursor of the kind above."""
        return self.connection.cursor(factory=Cursor)

    def _start_transaction_under_autocommit(self) -> None:
        self._enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> Any:
        done = super()._commit()  # type: ignore[misc]  # not in the stubs
        self._leave()
        return done

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]  # not in the stubs
        finally:
            self._leave()
            changes, self._changes = self._changes, None
            if changes is not None:
                changes.close()

    def _enter(self) -> None:
        if self._gate is not None:
            return
        end = time.monotonic() + self.settings_dict["OPTIONS"].get("timeout", 5)
        if not _line.enter(end - time.monotonic()):
            raise OperationalError("database is locked")
        try:
            changes = self._count_of_changes()
            self._gate = _pass_gate(self.settings_dict["NAME"], end)
        except OSError as error:
            _line.leave()
            raise OperationalError("unable to open database file") from error
        except BaseException:
            _line.leave()
            raise
        changes.begin()

    def _leave(self) -> None:
        gate, self._gate = self._gate, None
        if gate is not None:
            self._count_of_changes().end()
            gate.close()
            _line.leave()


def copy_log() -> None:
    """Copy from SQLite's log into the database what nobody reads there; holds nobody up."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _pass_gate(name: Any, end: float) -> Gate:
    gate = Gate(f"{name}-line", beside=str(name))
    if not gate.enter(end - time.monotonic()):
        gate.close()
        raise OperationalError("database is locked")
    return gate
