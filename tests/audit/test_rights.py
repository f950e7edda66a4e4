"""Where migrations run under another role, the application's own can add events and no more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, transaction

from audit.models import FailureCount
from audit.rights import grant_application_rights
from tests.audit.words import record_done, run_sql


@pytest.fixture
def role(committed_db: Any, is_postgresql: bool) -> Iterator[str]:
    """A role that has no right yet."""
    if not is_postgresql:
        pytest.skip("SQLite has no roles")
    name = f"application_{uuid.uuid4().hex[:8]}"
    run_sql(f"CREATE ROLE {name}")
    yield name
    run_sql("RESET ROLE")
    run_sql(f"DROP OWNED BY {name}")
    run_sql(f"DROP ROLE {name}")


def become(role: str) -> None:
    """Act as that role from here on."""
    run_sql(f"SET ROLE {role}")


def test_the_application_can_record(role: str) -> None:
    grant_application_rights(role)
    become(role)
    assert record_done().number == 1


@pytest.mark.parametrize("table", ["audit_event", "audit_eventsubject"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"]
)
def test_the_application_cannot_change_events(role: str, statement: str, table: str) -> None:
    record_done()
    grant_application_rights(role)
    become(role)
    refusal = "permission denied|must be owner"  # the right is missing: not the trigger's word
    with pytest.raises(ProgrammingError, match=refusal), transaction.atomic():
        run_sql(statement.format(table))


def test_the_application_cannot_switch_triggers_off(role: str) -> None:
    grant_application_rights(role)
    become(role)
    with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
        run_sql("ALTER TABLE audit_event DISABLE TRIGGER USER")


def test_the_application_can_change_other_tables(role: str, alice: Any) -> None:
    grant_application_rights(role)
    become(role)
    alice.user.name = "Alice"
    alice.user.save()
    FailureCount.objects.all().delete()


def test_a_migration_gives_the_rights(role: str, settings: Any) -> None:
    settings.APPLICATION_DATABASE_ROLE = role
    call_command("migrate", verbosity=0, interactive=False)
    become(role)
    assert record_done().number == 1
