# ruff: noqa: S608
"""Events and their subjects are only ever added: what the database says of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit import triggers
from audit.checks import check_memory
from audit.log import verify
from audit.models import Event
from tests.audit.words import record_done, run_sql


def assert_refused(statement: str) -> None:
    """The database itself must refuse it, and name the guard."""
    with pytest.raises(DatabaseError, match="is append-only"), transaction.atomic():
        run_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor_label = 'mallory'",
        "UPDATE audit_event SET number = number + 100",
        "DELETE FROM audit_event",
        "UPDATE audit_eventsubject SET label = 'bob'",
        "DELETE FROM audit_eventsubject WHERE position = 1",
    ],
)
def test_the_database_refuses_to_change_what_is_recorded(db: None, statement: str) -> None:
    record_done()
    assert_refused(statement)
    assert verify() is None


@pytest.mark.parametrize("table", triggers.TABLES)
def test_postgresql_refuses_to_empty_a_table(db: None, table: str, is_postgresql: bool) -> None:
    if not is_postgresql:
        pytest.skip("SQLite has no TRUNCATE")
    record_done()
    assert_refused(f"TRUNCATE {table}")


@pytest.mark.parametrize(
    ("table", "key"), [("audit_event", "number"), ("audit_eventsubject", "id")]
)
def test_sqlite_refuses_to_replace_a_row(
    db: None, table: str, key: str, is_postgresql: bool
) -> None:
    if is_postgresql:
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    record_done()
    with connection.cursor() as cursor:  # all columns but those that the database works out
        cursor.execute(f"SELECT group_concat(name) FROM pragma_table_info('{table}')")
        (columns,) = cursor.fetchone()
    assert_refused(
        f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE {key} = 1"
    )


def test_a_flush_is_refused(committed_db: Any) -> None:
    record_done()
    with pytest.raises(Exception, match=r"append-only|couldn't be flushed"):
        call_command("flush", interactive=False, verbosity=0)
    assert Event.objects.count() == 1


def drop(name: str) -> None:
    """Take one trigger away."""
    table = name[: name.index("_no_")]
    on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
    run_sql(f"DROP TRIGGER {name}{on_table}")


ALWAYS = [f"{table}_no_{act}" for table in triggers.TABLES for act in ("update", "delete")]


@pytest.mark.parametrize("name", ALWAYS)
def test_the_start_check_names_a_trigger_that_is_missing(committed_db: Any, name: str) -> None:
    drop(name)
    found = check_memory()
    assert [row.id for row in found] == ["audit.E002"]
    assert name in found[0].msg


def test_a_migration_makes_missing_triggers_again(committed_db: Any) -> None:
    for name in triggers.expected():
        drop(name)
    assert triggers.missing() == sorted(triggers.expected())
    call_command("migrate", verbosity=0, interactive=False)
    assert triggers.missing() == []
    record_done()
    assert_refused("UPDATE audit_event SET actor_label = 'mallory'")


def test_a_trigger_that_is_switched_off_counts_as_missing(
    committed_db: Any, is_postgresql: bool
) -> None:
    if not is_postgresql:
        pytest.skip("SQLite cannot switch a trigger off")
    run_sql("ALTER TABLE audit_event DISABLE TRIGGER audit_event_no_update")
    assert triggers.missing() == ["audit_event_no_update"]
    call_command("migrate", verbosity=0, interactive=False)
    assert triggers.missing() == []
