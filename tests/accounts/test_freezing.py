"""Freezing accounts: what stops, what stays, who may, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.events import ACCOUNT_FROZEN, ACCOUNT_UNFROZEN, SESSIONS_ENDED_BY_STAFF
from accounts.models import OutboxMail, User, UserSession
from accounts.operations.freezing import (
    end_sessions_as_staff,
    freeze_accounts,
    unfreeze_account,
)
from audit.actors import command, system
from audit.models import Event
from tests.accounts.doors import count_events, give_password, is_signed_in
from tests.support.clone import race_all
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
REASON = "A token of this account was leaked."


@pytest.fixture
def helper(db: None) -> Person:
    """Somebody of the group Support."""
    return make_person("helper", group="Support")


def mails(notice: str) -> list[str]:
    return list(OutboxMail.objects.filter(notice=notice).values_list("recipient", flat=True))


def test_a_frozen_account_is_signed_out_at_once_and_cannot_sign_in(
    browser: Browser, alice: Person, helper: Person
) -> None:
    client = browser(alice)
    assert is_signed_in(client)
    assert freeze_accounts([alice.user], reason=REASON, by=helper.actor) == 1
    assert not is_signed_in(client)
    assert not UserSession.objects.filter(user=alice.user).exists()
    give_password(fresh := browser(), alice)
    assert not is_signed_in(fresh)


def test_freezing_is_recorded_and_told(alice: Person, helper: Person) -> None:
    freeze_accounts([alice.user], reason=REASON, by=helper.actor)
    event = Event.objects.for_user(alice.user).first()
    assert event is not None
    assert (event.kind, event.actor_label) == (ACCOUNT_FROZEN.name, "helper")
    assert event.fields == {"reason": REASON}
    assert mails("account_frozen") == [alice.email]


def test_freezing_twice_is_recorded_once(alice: Person, helper: Person) -> None:
    freeze_accounts([alice.user], reason=REASON, by=helper.actor)
    assert freeze_accounts([alice.user], reason=REASON, by=helper.actor) == 0
    assert count_events(ACCOUNT_FROZEN) == 1
    assert len(mails("account_frozen")) == 1


def test_unfreezing_lets_the_person_in_again(
    browser: Browser, alice: Person, helper: Person
) -> None:
    freeze_accounts([alice.user], reason=REASON, by=helper.actor)
    unfreeze_account(alice.user, reason="It is theirs again.", by=helper.actor)
    assert is_signed_in(browser(alice))
    assert count_events(ACCOUNT_UNFROZEN) == 1
    assert mails("account_unfrozen") == [alice.email]


def test_what_is_not_frozen_cannot_be_unfrozen(alice: Person, helper: Person) -> None:
    with pytest.raises(ValidationError, match="not frozen"):
        unfreeze_account(alice.user, reason=REASON, by=helper.actor)


def test_ending_sessions_leaves_the_account_open(
    browser: Browser, alice: Person, helper: Person
) -> None:
    first, second = browser(alice), browser(alice)
    assert end_sessions_as_staff([alice.user], reason=REASON, by=helper.actor) == 2
    assert not is_signed_in(first)
    assert not is_signed_in(second)
    assert is_signed_in(browser(alice))
    event = Event.objects.get(kind=SESSIONS_ENDED_BY_STAFF.name)
    assert event.fields == {"reason": REASON, "count": 2}
    assert mails("sessions_ended_by_staff") == [alice.email]


VERBS: list[Callable[..., Any]] = [
    lambda user, **facts: freeze_accounts([user], **facts),
    unfreeze_account,
    lambda user, **facts: end_sessions_as_staff([user], **facts),
]


@pytest.mark.parametrize("verb", VERBS, ids=["freeze", "unfreeze", "end sessions"])
@pytest.mark.parametrize("group", ["", "Auditor", "Projects"])
def test_others_may_not(db: None, alice: Person, verb: Any, group: str) -> None:
    other = make_person("other", group=group)
    with pytest.raises(PermissionDenied):
        verb(alice.user, reason=REASON, by=other.actor)
    assert alice.fresh_user.is_active
    assert not Event.objects.filter(kind__startswith="staff:").exists()


@pytest.mark.parametrize("verb", VERBS, ids=["freeze", "unfreeze", "end sessions"])
def test_nobody_does_it_to_themselves(sam: Person, verb: Any) -> None:
    with pytest.raises(PermissionDenied, match="their own account"):
        verb(sam.user, reason=REASON, by=sam.actor)
    assert sam.fresh_user.is_active


@pytest.mark.parametrize("verb", VERBS, ids=["freeze", "unfreeze", "end sessions"])
def test_staff_are_left_to_administrators(sam: Person, helper: Person, verb: Any) -> None:
    with pytest.raises(PermissionDenied, match="only administrators"):
        verb(sam.user, reason=REASON, by=helper.actor)
    assert freeze_accounts([helper.user], reason=REASON, by=sam.actor) == 1


def test_of_several_accounts_all_are_frozen_or_none(
    sam: Person, alice: Person, helper: Person
) -> None:
    with pytest.raises(PermissionDenied):
        freeze_accounts([alice.user, sam.user], reason=REASON, by=helper.actor)
    assert alice.fresh_user.is_active
    assert mails("account_frozen") == []


def test_who_was_dismissed_since_the_page_was_opened_is_refused(
    alice: Person, helper: Person
) -> None:
    actor = helper.actor
    User.objects.filter(pk=helper.user.pk).update(is_staff=False)
    with pytest.raises(PermissionDenied):
        freeze_accounts([alice.user], reason=REASON, by=actor)


def test_the_server_itself_may(alice: Person) -> None:
    assert freeze_accounts([alice.user], reason=REASON, by=command("freeze")) == 1
    unfreeze_account(alice.user, reason=REASON, by=system())


def test_two_administrators_who_freeze_each_other_cannot_both_succeed(committed_db: Any) -> None:
    sam, tina = (make_person(name, is_administrator=True) for name in ("sam", "tina"))
    pairs = [(sam, tina.actor), (tina, sam.actor)]
    outcomes = race_all(
        [
            lambda who=who, by=by: freeze_accounts([who.user], reason=REASON, by=by)  # type: ignore[misc]
            for who, by in pairs
        ]
    )
    assert sorted(map(type, outcomes), key=str) == sorted([int, PermissionDenied], key=str)
    assert User.objects.administrators().count() == 1
