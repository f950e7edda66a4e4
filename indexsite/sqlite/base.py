"""Django's SQLite, in which those who want to write stand in line.

SQLite has one writer at a time. Whoever comes second looks again after a while, and after ever
longer ones, up to 0.1 s: with 16 uploads at once, most of the time nobody wrote, and some waited
for seconds. Here the threads of a process take turns, so that SQLite sees one writer of each.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from indexsite.sqlite.line import Line

_line = Line()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is in line from the start of a transaction to its end."""

    _is_in_line = False

    def _start_transaction_under_autocommit(self) -> None:
        self._enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave it out
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> Any:
        done = super()._commit()  # type: ignore[misc]  # the stubs leave it out
        self._leave()
        return done

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]  # the stubs leave it out
        finally:
            self._leave()

    def _enter(self) -> None:
        if self._is_in_line:
            return
        if not _line.enter(timeout=self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked")
        self._is_in_line = True

    def _leave(self) -> None:
        if self._is_in_line:
            self._is_in_line = False
            _line.leave()
