"""Copies of the migrated test database, for tests that commit: threads, servers, tampering.

Nothing is ever flushed: the audit log refuses it. A copy is made, used and thrown away.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases

T = TypeVar("T")
_numbers = itertools.count(1)


def close_all() -> None:
    """Close this thread's connections, and PostgreSQL's pool, which other threads have left."""
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


class Database:
    """A database that is not the default one until `as_default()` makes it so.

    Attributes:
        name: a path on SQLite, the database's name on PostgreSQL.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def url(self) -> str:
        """What DATABASE_URL of a process that is to use it must be."""
        if connection.vendor == "sqlite":
            return f"sqlite:///{self.name}"
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{self.name}").geturl()

    @contextmanager
    def as_default(self) -> Iterator[None]:
        """Point all connections, of all threads, at it.

        Every thread's connections share one dictionary of settings, and PostgreSQL's pool is made
        anew from it when it is first used.
        """
        shared = connections.settings["default"]
        former = shared["NAME"]
        close_all()
        shared["NAME"] = self.name
        try:
            yield
        finally:
            close_all()
            shared["NAME"] = former

    def copy(self) -> Database:
        """A new database with the same content; nobody may be connected to this one.

        On PostgreSQL the copy is made by CREATE DATABASE … TEMPLATE, on SQLite by its backup.
        """
        label = f"{os.getpid()}_{next(_numbers)}"
        if connection.vendor == "sqlite":
            path = Path(self.name).with_name(f"clone_{label}.sqlite3")
            with (
                closing(sqlite3.connect(self.name)) as source,
                closing(sqlite3.connect(path)) as to,
            ):
                source.backup(to)
                to.execute("PRAGMA journal_mode=WAL")
            return Database(str(path))
        copy = Database(f"clone_{label}")
        close_all()
        _on_server(f'CREATE DATABASE "{copy.name}" TEMPLATE "{self.name}"')
        return copy

    def drop(self) -> None:
        """Throw it away, with whatever is still connected to it."""
        if connection.vendor == "sqlite":
            for ending in ("", "-wal", "-shm", "-line", "-changes"):
                Path(self.name + ending).unlink(missing_ok=True)
        else:
            _on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


def _on_server(statement: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Make the test database once for each process, whatever fixtures ask for it.

    pytest-django's own fixture makes it only if a test names `db` itself.
    """
    import_module(settings.ROOT_URLCONF)  # as `manage.py migrate` does, whose checks load it
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases={"default": None}, serialized_aliases=set()
        )
    yield
    with django_db_blocker.unblock():
        close_all()
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def template_database(django_db_setup: None) -> Database:
    """The migrated test database, which only rolled-back transactions have touched."""
    return Database(str(connections.settings["default"]["NAME"]))


@pytest.fixture
def committed_db(template_database: Database, django_db_blocker: Any) -> Iterator[Database]:
    """A copy of the test database as the default database of this test, which may commit to it."""
    with django_db_blocker.unblock():
        copy = template_database.copy()
        try:
            with copy.as_default():
                yield copy
        finally:
            copy.drop()


def race_all(functions: list[Callable[[], T]]) -> list[T | BaseException]:
    """Run functions at the same time, each in a thread with its own database connection.

    Returns:
        What each returned, or the exception that it raised, in the order of the functions.
    """
    barrier = threading.Barrier(len(functions))
    outcomes: list[Any] = [None] * len(functions)

    def run(place: int) -> None:
        try:
            try:
                connection.ensure_connection()
            except BaseException:
                barrier.abort()
                raise
            barrier.wait(timeout=30)
            outcomes[place] = functions[place]()
        except BaseException as error:
            outcomes[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    stuck = sum(thread.is_alive() for thread in threads)
    if stuck:
        raise TimeoutError(f"{stuck} of {len(threads)} threads did not end within two minutes")
    return outcomes


def race(n: int, function: Callable[[], T]) -> list[T | BaseException]:
    """Run one function in `n` threads at the same time; needs `committed_db`. See `race_all`."""
    return race_all([function] * n)
