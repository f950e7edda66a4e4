"""Kinds and subjects that only the tests of the memory know."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from audit.actors import Actor
from audit.log import Subject, record
from audit.models import Event
from audit.vocabulary import define

DONE = define("testing:thing:done", "{actor} did {what} to {project}", "what")
REFUSED = define("testing:thing:refused", "{user} was refused: {why}", "why", is_failure=True)

ALICE = Subject("user", "00000000-0000-0000-0000-00000000a11c", "alice")
BOB = Subject("user", "00000000-0000-0000-0000-000000000b0b", "bob")
SEAGULL = Subject("project", "7", "seagull")


def actor_at(network_address: str, label: str = "alice") -> Actor:
    """Alice, or another, at some network address."""
    return Actor(
        kind="user",
        id=ALICE.subject_id if label == "alice" else "",
        label=label,
        credential="session",
        network_address=network_address,
        user_agent="A Browser/1",
    )


BY_ALICE = actor_at("192.0.2.17")


def record_done(what: str = "something", **options: Any) -> Event:
    """Record one event about alice and her project, in a transaction of its own."""
    with transaction.atomic():
        return record(DONE, by=BY_ALICE, about=[ALICE, SEAGULL], what=what, **options)


def run_sql(statement: str, *values: Any) -> None:
    """Run one statement as somebody would who has the database."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def move_to_the_end_of_the_table(event: Event) -> None:
    """Let PostgreSQL meet an event after those that are younger, as it may wherever it reuses room.

    SQLite keeps events in the order of their numbers.
    """
    if connection.vendor == "postgresql":
        run_sql("SET LOCAL session_replication_role = replica")  # no trigger forbids it
        run_sql("UPDATE audit_event SET actor_id = 'moved' WHERE number = %s", event.number)
        run_sql("SET LOCAL session_replication_role = DEFAULT")
