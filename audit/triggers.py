"""The database's own guards of the append-only tables.

SQLite drops a table's triggers without a word when a migration rebuilds the table, so they are made
again after every migration and looked for at every start.
"""

from __future__ import annotations

from django.db import connection

TABLES = ("audit_event", "audit_eventsubject")
_FUNCTION = "audit_refuse_change"


# Whether an inserted row is there already. On SQLite, INSERT OR REPLACE deletes the former row
# without a word to the triggers of DELETE (sqlite.org/lang_conflict.html).
_IS_THERE = {
    "audit_event": "number = NEW.number",
    "audit_eventsubject": "id = NEW.id OR "
    "(event_number = NEW.event_number AND position = NEW.position)",
}


def _sqlite_statements() -> list[str]:
    statements = []
    for table in TABLES:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        there = f"EXISTS (SELECT 1 FROM {table} WHERE {_IS_THERE[table]})"  # noqa: S608
        statements += [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN {there} {refuse}",
        ]
    return statements


def _postgresql_statements() -> list[str]:
    function = (
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    triggers = [
        f"CREATE OR REPLACE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
        f"FOR EACH {'STATEMENT' if act == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION {_FUNCTION}()"
        for table in TABLES
        for act in ("UPDATE", "DELETE", "TRUNCATE")
    ]
    return [function, *triggers]


def create() -> None:
    """Make the triggers that are missing."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for statement in _sqlite_statements() if is_sqlite else _postgresql_statements():
            cursor.execute(statement)


def expected() -> set[str]:
    """The names of the triggers that this kind of database must have."""
    acts = ["update", "delete", "replace" if connection.vendor == "sqlite" else "truncate"]
    return {f"{table}_no_{act}" for table in TABLES for act in acts}


def missing() -> list[str]:
    """The names of the triggers that are not there, or are switched off."""
    if connection.vendor == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled <> 'D' AND pg_table_is_visible(pg_class.oid)"
        )
    with connection.cursor() as cursor:
        cursor.execute(query)
        present = {name for (name,) in cursor.fetchall()}
    return sorted(expected() - present)
