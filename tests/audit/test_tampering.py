# ruff: noqa: S608
"""Whoever changes the memory behind our back is found out, by the event that does not hold.

The only tests that switch the database's guards off, each on its own copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import chain, keyring, triggers
from audit.log import verify
from audit.models import ChainHead, Event
from tests.audit.words import ALICE, record_done, run_sql
from tests.support.clone import race_all


@contextmanager
def unguarded() -> Iterator[None]:
    """Without triggers, as for somebody who owns the tables."""
    for table in triggers.TABLES:
        if connection.vendor == "postgresql":
            run_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    if connection.vendor == "sqlite":
        for name in triggers.expected():
            run_sql(f"DROP TRIGGER {name}")
    yield
    for table in triggers.TABLES:
        if connection.vendor == "postgresql":
            run_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    triggers.create()


@pytest.fixture
def memory(db: None) -> list[Event]:
    """Five events, the chain of which holds."""
    events = [record_done(f"thing {number}") for number in range(1, 6)]
    assert verify() is None
    return events


def verified(*arguments: str) -> str:
    """What `manage.py verify_audit_chain` says: its output, or its error with the exit code."""
    output = StringIO()
    try:
        call_command("verify_audit_chain", *arguments, stdout=output)
    except CommandError as error:
        return f"{error} [{error.returncode}]"
    return output.getvalue()


def tamper(*statements: str) -> None:
    """Run statements without guards."""
    with unguarded():
        for statement in statements:
            run_sql(statement)


def test_an_untouched_memory_holds_and_shows_its_head(memory: list[Event]) -> None:
    assert verified() == f"The chain of 5 events holds. Head: 5:{memory[-1].seal}\n"


@pytest.mark.parametrize(
    "change",
    [
        "actor_label = 'mallory'",
        "actor_id = ''",
        "actor_kind = 'system'",
        "kind = 'testing:thing:refused'",
        'fields = \'{"what": "nothing"}\'',
        "credential = 'token'",
        "credential_id = 'x'",
        "credential_label = 'x'",
        "recorded_at = '2020-01-01 00:00:00+00:00'",
        "origin_digest = 'x'",
        "seal = 'x'",
    ],
)
def test_an_altered_field_is_found(memory: list[Event], change: str) -> None:
    tamper(f"UPDATE audit_event SET {change} WHERE number = 3")
    assert verified() == "Event 3 does not match its seal. [1]"


def test_a_failure_made_to_look_like_a_success_is_found(memory: list[Event]) -> None:
    with unguarded():
        run_sql("UPDATE audit_event SET is_failure = %s WHERE number = 2", True)
    assert verified() == "Event 2 does not match its seal. [1]"


def test_a_deleted_event_is_found(memory: list[Event]) -> None:
    tamper("DELETE FROM audit_event WHERE number = 2")
    assert verified() == "Event 2 is missing. [1]"


def test_events_that_changed_places_are_found(memory: list[Event]) -> None:
    tamper(
        "UPDATE audit_event SET number = 99 WHERE number = 2",
        "UPDATE audit_event SET number = 2 WHERE number = 3",
        "UPDATE audit_event SET number = 3 WHERE number = 99",
    )
    assert verified() == "Event 2 does not match its seal. [1]"


def test_a_deleted_last_event_is_found_by_the_head(memory: list[Event]) -> None:
    tamper("DELETE FROM audit_event WHERE number = 5")
    assert verified() == "Event 5 is missing: the chain ends before its head. [1]"


def cut_off(memory: list[Event]) -> None:
    """Remove the newest two events, and put the head back, as if they had never been."""
    tamper(
        "DELETE FROM audit_event WHERE number > 3",
        "DELETE FROM audit_eventsubject WHERE event_number > 3",
        "DELETE FROM audit_eventorigin WHERE event_number > 3",
        f"UPDATE audit_chainhead SET number = 3, seal = '{memory[2].seal}'",
    )


def test_newest_events_cut_off_are_found_by_a_head_kept_elsewhere(memory: list[Event]) -> None:
    head = str(ChainHead.objects.get())
    cut_off(memory)
    assert verified().startswith("The chain of 3 events holds.")
    expected = "Event 5 is missing: the newest events were cut off. [1]"
    assert verified("--expect", head) == expected


def test_other_events_in_the_place_of_those_cut_off_are_found(memory: list[Event]) -> None:
    head = str(ChainHead.objects.get())
    cut_off(memory)
    for number in range(4):
        record_done(f"other {number}")
    assert verified().startswith("The chain of 7 events holds.")
    assert verified("--expect", head).startswith("Event 5 has another seal")


def test_a_kept_head_that_still_fits_is_no_break(memory: list[Event]) -> None:
    head = str(ChainHead.objects.get())
    record_done()
    assert verified("--expect", head).startswith("The chain of 6 events holds.")


@pytest.mark.parametrize("text", ["5", "5:abc", ":" + "a" * 64, "five:" + "a" * 64])
def test_an_expectation_that_cannot_be_read_is_refused(committed_db: Any, text: str) -> None:
    assert re.search(r"NUMBER:SEAL\. \[2\]", verified("--expect", text))


COLUMNS = (
    "kind, recorded_at, is_failure, actor_kind, actor_id, actor_label, credential, credential_id, "
    "credential_label, fields, origin_digest, key_id"
)


def plant(number: int) -> None:
    """Put a copy of the third event into the table under another number."""
    run_sql(
        f"INSERT INTO audit_event (number, {COLUMNS}, seal) "
        f"SELECT {number}, {COLUMNS}, seal FROM audit_event WHERE number = 3"
    )


def test_an_event_planted_after_the_last_is_found(memory: list[Event]) -> None:
    plant(6)
    assert verified() == "Event 6 was put in after the last event. [1]"


def test_an_event_planted_with_a_head_of_its_own_is_found(memory: list[Event]) -> None:
    plant(6)
    run_sql("UPDATE audit_chainhead SET number = 6, seal = %s", memory[2].seal)
    assert verified() == "Event 6 does not match its seal. [1]"


@pytest.mark.parametrize("number", [0, -1])
def test_an_event_planted_before_the_first_is_found(memory: list[Event], number: int) -> None:
    plant(number)
    assert verified() == f"Event {number} was put in outside of the chain. [1]"


def test_a_seal_computed_without_the_key_is_found(memory: list[Event]) -> None:
    content = {"what": "forged"}
    seal = chain.seal(b"guessed", previous=memory[-1].seal, number=6, content=content)
    plant(6)
    with unguarded():
        run_sql("UPDATE audit_event SET seal = %s WHERE number = 6", seal)
    run_sql("UPDATE audit_chainhead SET number = 6, seal = %s", seal)
    assert verified() == "Event 6 does not match its seal. [1]"


def test_an_altered_subject_is_found(memory: list[Event]) -> None:
    tamper("UPDATE audit_eventsubject SET label = 'bob' WHERE event_number = 4 AND position = 0")
    assert verified() == "Event 4 does not match its seal. [1]"


def test_a_removed_subject_is_found(memory: list[Event]) -> None:
    tamper("DELETE FROM audit_eventsubject WHERE event_number = 4 AND position = 1")
    assert verified() == "Event 4 does not match its seal. [1]"


@pytest.mark.parametrize("number", [2, 0, 6])
def test_a_planted_subject_is_found(memory: list[Event], number: int) -> None:
    run_sql(
        "INSERT INTO audit_eventsubject (event_number, position, kind, subject_id, label) "
        f"VALUES ({number}, 9, 'user', %s, 'alice')",
        ALICE.subject_id,
    )
    assert verified().startswith(f"Event {number} ")
    assert verified().endswith("[1]")


@pytest.mark.parametrize(
    "change", ["network_address = '198.51.100.1'", "user_agent = 'x'", "mail_addresses = '[\"x\"]'"]
)
def test_an_altered_origin_is_found(memory: list[Event], change: str) -> None:
    run_sql(f"UPDATE audit_eventorigin SET {change} WHERE event_number = 3")
    assert verified() == "Event 3 has an origin that was altered. [1]"


def test_an_origin_of_no_event_is_found(memory: list[Event]) -> None:
    run_sql("UPDATE audit_eventorigin SET event_number = 77 WHERE event_number = 3")
    assert verified() == "Event 77 has an origin that was altered. [1]"


def test_an_erased_origin_is_no_break(memory: list[Event]) -> None:
    run_sql("DELETE FROM audit_eventorigin WHERE event_number = 3")
    assert verified().startswith("The chain of 5 events holds.")


def test_a_key_that_was_put_in_the_place_of_ours_is_found(memory: list[Event]) -> None:
    run_sql("UPDATE audit_purposekey SET key_id = 'x' WHERE purpose = 'seals'")
    wrapped = keyring.wrap_purpose_key(b"m" * 32, context="seals:x")
    run_sql("UPDATE audit_purposekey SET wrapped = %s WHERE purpose = 'seals'", wrapped)
    keyring._cache.clear()
    assert verified() == "Event 1 was sealed with a key that this site does not have. [1]"


def test_events_recorded_while_the_chain_is_read_do_not_disturb(committed_db: Any) -> None:
    def record_many() -> None:
        for _turn in range(40):
            record_done()

    def verify_many() -> list[chain.Break | None]:
        return [verify() for _turn in range(20)]

    written, read = race_all([record_many, verify_many])
    assert written is None
    assert read == [None] * 20
