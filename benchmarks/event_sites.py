"""Sites whose log has very many events, on SQLite and on PostgreSQL.

Filling one takes minutes, so what was filled is kept in `.benchmarks/`: SQLite's file, and what
pg_dump makes of a database. Each use gets a copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import PEERS, ROOT
from tests.support import postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
Environment = dict[str, str]


@contextmanager
def filled(database: str, count: int) -> Iterator[Environment]:
    """The environment of such a site, while the context lasts."""
    site = _on_sqlite if database == SQLITE else _on_postgresql
    folder = Path(tempfile.mkdtemp(prefix="indexsite-events-"))
    environment = {
        **os.environ,
        "INDEXSITE_DATA": str(folder),
        "SECRET_KEY": "for a benchmark " * 4,
        "SITE_URL": "http://localhost:8000",
        "DATABASE_URL": "",
    }
    try:
        with site(environment, count):
            yield environment
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(environment: Mapping[str, str], count: int) -> None:
    commands = (["manage.py", "migrate", "-v0"], ["-m", "benchmarks.fill_events", str(count)])
    for command in commands:
        subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, check=True)


@contextmanager
def _on_sqlite(environment: Environment, count: int) -> Iterator[None]:
    kept = PEERS / f"events-{count}.sqlite3"
    file = Path(environment["INDEXSITE_DATA"]) / "db.sqlite3"
    if not kept.exists():
        _fill(environment, count)
        _keep(kept, lambda path: shutil.copyfile(file, path))
    else:
        shutil.copyfile(kept, file)
    yield


@contextmanager
def _on_postgresql(environment: Environment, count: int) -> Iterator[None]:
    kept = PEERS / f"events-{count}.dump"
    with postgres.PostgresServer() as server:
        environment["DATABASE_URL"] = server.url
        if not kept.exists():
            _fill(environment, count)
            dump = [_program("pg_dump"), "-Fc", "-Z1", "-d", server.url, "-f"]
            _keep(kept, lambda path: subprocess.run([*dump, path], check=True))
        else:
            restore = [_program("pg_restore"), "-j2", "-d", server.url, str(kept)]
            subprocess.run(restore, check=True)
        subprocess.run([_program("vacuumdb"), "-q", "-z", "-d", server.url], check=True)
        yield


def _program(name: str) -> str:
    """One of PostgreSQL's programs for clients."""
    folder = postgres.system_binaries() or postgres.wheel_binaries()
    return str(folder / name) if folder else name


def _keep(path: Path, write: Callable[[str], object]) -> None:
    """Write a file, which has its name only once it is whole."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    write(str(part))
    part.replace(path)
