"""`record()` writes whole events, in the transaction of what they tell of, in one order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from audit.log import record, sealed_content, verify
from audit.models import ChainHead, Event, EventOrigin, EventSubject
from audit.signals import event_recorded
from tests.audit.words import (
    ALICE,
    BOB,
    BY_ALICE,
    DONE,
    REFUSED,
    SEAGULL,
    actor_at,
    record_done,
)
from tests.support.clone import race


def record_and_fail() -> None:
    """Record in a transaction that is then rolled back."""
    with transaction.atomic():
        record(DONE, by=BY_ALICE, what="something")
        raise ZeroDivisionError


def test_nothing_is_recorded_outside_a_transaction(committed_db: Any) -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        record(DONE, by=BY_ALICE, what="something")
    assert not Event.objects.exists()


def test_the_number_is_the_place_in_the_chain(db: None) -> None:
    assert [record_done().number for _turn in range(3)] == [1, 2, 3]
    assert ChainHead.objects.get().number == 3


def test_a_transaction_that_is_rolled_back_leaves_no_gap(committed_db: Any) -> None:
    record_done()
    with pytest.raises(ZeroDivisionError):
        record_and_fail()
    assert record_done().number == 2
    assert verify() is None


def test_an_event_shows_in_the_history_of_each_that_it_is_about(db: None) -> None:
    event = record_done()
    assert list(Event.objects.about("user", ALICE.subject_id)) == [event]
    assert list(Event.objects.about("project", 7)) == [event]
    assert not Event.objects.about("user", BOB.subject_id).exists()
    assert not Event.objects.about("user", 7).exists()


def test_a_history_has_the_newest_first(db: None, alice: Any) -> None:
    for what in ("first", "second"):
        record(DONE, by=BY_ALICE, about=[alice.user], what=what)
    history = [event.fields["what"] for event in Event.objects.for_user(alice.user)]
    assert history == ["second", "first"]


def test_an_event_keeps_the_name_that_its_subject_had(db: None, alice: Any) -> None:
    record(DONE, by=BY_ALICE, about=[alice.user, SEAGULL], what="something")
    alice.user.username = "alice-renamed"
    alice.user.save()
    labels = EventSubject.objects.values_list("position", "label")
    assert list(labels) == [(0, "alice"), (1, "seagull")]


@pytest.mark.parametrize(
    "fields",
    [{}, {"what": "x", "how": "y"}, {"how": "y"}],
    ids=["one is missing", "one is not declared", "another one"],
)
def test_fields_other_than_the_declared_ones_are_refused(db: None, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="takes the fields"):
        record(DONE, by=BY_ALICE, **fields)
    assert not Event.objects.exists()


@pytest.mark.parametrize("value", [1.5, {"a": 1}, b"x", object(), ["a", 1.5], "a\x00b", ["\x00"]])
def test_values_that_would_not_come_back_as_they_were_are_refused(db: None, value: Any) -> None:
    with pytest.raises(ValueError, match="what"):
        record(DONE, by=BY_ALICE, what=value)
    assert not Event.objects.exists()


@pytest.mark.parametrize("value", ["text", "", 7, True, None, ["a", "b"], [], "Ünïcödé 🦜"])
def test_text_numbers_and_lists_come_back_as_they_were(db: None, value: Any) -> None:
    number = record(DONE, by=BY_ALICE, what=value).number
    assert Event.objects.get(number=number).fields == {"what": value}
    assert verify() is None


def test_an_event_keeps_who_acted_and_with_what(db: None) -> None:
    by = BY_ALICE.with_token(token_id="t1", label="ci")
    event = Event.objects.get(number=record(DONE, by=by, what="something").number)
    assert (event.actor_kind, event.actor_id, event.actor_label) == (
        "user",
        ALICE.subject_id,
        "alice",
    )
    assert (event.credential, event.credential_id, event.credential_label) == ("token", "t1", "ci")


def test_a_kind_that_is_a_failure_is_marked_as_one(db: None) -> None:
    assert record(REFUSED, by=BY_ALICE, why="no").is_failure
    assert not record_done().is_failure


def test_addresses_are_kept_in_the_erasable_part_alone(db: None) -> None:
    event = record_done(mail_addresses=["alice@example.org"])
    origin = EventOrigin.objects.get(event_number=event.number)
    assert origin.network_address == "192.0.2.17"
    assert origin.user_agent == "A Browser/1"
    assert origin.mail_addresses == ["alice@example.org"]
    subjects = EventSubject.objects.filter(event_number=event.number)
    sealed = json.dumps(sealed_content(event, subjects))
    for erasable in ("192.0.2.17", "A Browser", "alice@example.org"):
        assert erasable not in sealed


def test_equal_origins_have_different_digests(db: None) -> None:
    assert record_done().origin_digest != record_done().origin_digest


def test_over_long_names_are_cut_rather_than_refused(db: None) -> None:
    record(DONE, by=actor_at("192.0.2.1", label="x" * 300), what="something")
    assert verify() is None


def test_the_signal_is_sent_after_the_commit_and_not_after_a_rollback(committed_db: Any) -> None:
    heard: list[int] = []

    def listen(sender: Any, event: Event, **kwargs: Any) -> None:
        heard.append(event.number)

    event_recorded.connect(listen)
    try:
        with transaction.atomic():
            record(DONE, by=BY_ALICE, what="something")
            assert heard == []
        with pytest.raises(ZeroDivisionError):
            record_and_fail()
    finally:
        event_recorded.disconnect(listen)
    assert heard == [1]


def test_a_listener_that_fails_harms_nobody(committed_db: Any) -> None:
    def fail(sender: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    event_recorded.connect(fail)
    try:
        record_done()
    finally:
        event_recorded.disconnect(fail)
    assert Event.objects.count() == 1


def test_eight_threads_at_once_record_in_one_order_without_gaps(committed_db: Any) -> None:
    def record_five() -> list[int]:
        return [record_done().number for _turn in range(5)]

    outcomes = race(8, record_five)
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    numbers = sorted(number for outcome in outcomes for number in outcome)  # type: ignore[union-attr]
    assert numbers == list(range(1, 41))
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == numbers
    assert verify() is None
