"""Recovery cases: the wait, the second member of the staff, and the owner's objection."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.events import (
    RECOVERY_CANCELLED,
    RECOVERY_COMPLETED,
    RECOVERY_ENDED,
    RECOVERY_OPENED,
    SECOND_FACTORS_RESET,
)
from accounts.models import EmailAddress, OutboxMail, RecoveryCase, UserSession
from accounts.operations import recovery, second_factors
from audit.actors import Actor, command
from audit.models import Event
from tests.accounts.doors import count_events, give_code, give_password, newcomer, text_of_page
from tests.support.clone import race_all
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
REASON = "The phone and the recovery codes are lost."
EVIDENCE = "She answered the call on the number that we know."
WAIT = timedelta(days=3)


@pytest.fixture
def opener(_database: None) -> Person:
    """The member of the staff who talks to the person."""
    return make_person("opener", group="Support")


@pytest.fixture
def second(_database: None) -> Person:
    """Another one."""
    return make_person("second", group="Support")


def open_for(person: Person, by: Person) -> RecoveryCase:
    return recovery.open_case(person.user, evidence=EVIDENCE, reason=REASON, by=by.actor)


def complete(case: RecoveryCase, by: Actor) -> int:
    return recovery.complete_case(case, reason="Nobody objected in three days.", by=by)


def link_in(mail: OutboxMail) -> str:
    (address,) = re.findall(r"http://localhost:8000(/\S+link=\S+)", str(notices.render(mail).body))
    return str(address)


def test_opening_a_case_changes_nothing_and_tells_every_verified_address(
    alice: Person, opener: Person
) -> None:
    EmailAddress.objects.create(
        user=alice.user, address="work@example.org", verified_at=timezone.now()
    )
    EmailAddress.objects.create(user=alice.user, address="typed@example.org")
    case = open_for(alice, opener)
    assert alice.fresh_user.has_second_factor
    mails = OutboxMail.objects.filter(notice="recovery_opened")
    assert {mail.recipient for mail in mails} == {alice.email, "work@example.org"}
    body = " ".join(str(notices.render(mails[0]).body).split())
    assert f"{case.due_at:%Y-%m-%d %H:%M} UTC" in body
    assert REASON in body


def test_the_evidence_is_neither_sealed_nor_mailed(alice: Person, opener: Person) -> None:
    open_for(alice, opener)
    assert Event.objects.get(kind=RECOVERY_OPENED.name).fields["reason"] == REASON
    assert all(EVIDENCE not in str(event.fields) for event in Event.objects.all())
    assert all(EVIDENCE not in str(mail.facts) for mail in OutboxMail.objects.all())


def test_it_is_completed_by_another_member_once_the_wait_is_over(
    browser: Browser, alice: Person, opener: Person, second: Person
) -> None:
    browser(alice)
    case = open_for(alice, opener)
    with time_machine.travel(case.due_at, tick=False):
        assert complete(case, second.actor) == 1
    assert not alice.fresh_user.has_second_factor
    assert alice.fresh_user.recovery_codes is None
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert OutboxMail.objects.filter(notice="second_factors_reset").exists()
    event = Event.objects.get(kind=RECOVERY_COMPLETED.name)
    assert (event.actor_label, event.fields["opened_by"]) == ("second", "opener")


def test_nobody_completes_it_before_the_wait_is_over(
    alice: Person, opener: Person, second: Person
) -> None:
    case = open_for(alice, opener)
    with time_machine.travel(case.due_at - timedelta(seconds=1), tick=False):
        for by in (second.actor, command("complete_recovery")):
            with pytest.raises(ValidationError, match="waiting time is over at"):
                complete(case, by)
    assert alice.fresh_user.has_second_factor


def test_another_waiting_time_holds_for_new_cases_alone(
    alice: Person, bob: Person, opener: Person, settings: Any
) -> None:
    first = open_for(alice, opener)
    settings.RECOVERY_WAITING_DAYS = 10
    first.refresh_from_db()
    assert first.due_at - first.opened_at < timedelta(days=4)
    assert open_for(bob, opener).due_at > timezone.now() + timedelta(days=9)


def test_whoever_opened_it_does_not_complete_it(alice: Person, sam: Person) -> None:
    case = open_for(alice, sam)
    with (
        time_machine.travel(case.due_at, tick=False),
        pytest.raises(PermissionDenied, match="Another member"),
    ):
        complete(case, sam.actor)
    assert alice.fresh_user.has_second_factor


def test_the_command_line_is_the_second_where_there_is_one_member(
    alice: Person, opener: Person, capsys: Any
) -> None:
    case = open_for(alice, opener)
    with time_machine.travel(case.due_at, tick=False):
        call_command("complete_recovery", "Alice", "--reason", "Nobody objected.")
    assert "1 second factors of alice were removed" in capsys.readouterr().out
    assert not alice.fresh_user.has_second_factor
    assert Event.objects.get(kind=RECOVERY_COMPLETED.name).credential_label == "complete_recovery"


@pytest.mark.parametrize(
    ("user", "reason", "refusal"),
    [
        ("alice", "    short    ", "at least 10"),
        ("alice", "x" * 501, "at most 500"),  # the table keeps no more
        ("bob", "Nobody objected.", "No recovery case is open for bob"),
        ("alice", "Nobody objected.", "waiting time"),
    ],
)
def test_the_command_refuses(
    alice: Person, bob: Person, opener: Person, user: str, reason: str, refusal: str
) -> None:
    open_for(alice, opener)
    with pytest.raises(CommandError, match=refusal):
        call_command("complete_recovery", user, "--reason", reason)


def test_nobody_recovers_their_own_account(opener: Person, second: Person, sam: Person) -> None:
    with pytest.raises(PermissionDenied, match="their own account"):
        open_for(opener, opener)
    case = open_for(opener, sam)
    with (
        time_machine.travel(case.due_at, tick=False),
        pytest.raises(PermissionDenied, match="their own account"),
    ):
        complete(case, opener.actor)


def test_support_recovers_no_staff(opener: Person, sam: Person) -> None:
    with pytest.raises(PermissionDenied, match="only administrators"):
        open_for(sam, opener)


@pytest.mark.parametrize("group", ["Auditor", "Projects", ""])
def test_other_people_can_do_nothing_to_a_case(alice: Person, opener: Person, group: str) -> None:
    other = make_person("other", group=group)
    case = open_for(alice, opener)
    RecoveryCase.objects.update(due_at=timezone.now())
    case.refresh_from_db()
    for act in (
        lambda: open_for(other, other),
        lambda: complete(case, other.actor),
        lambda: recovery.end_case(case, reason="because", by=other.actor),
        lambda: recovery.cancel_case(case, by=other.actor),
    ):
        with pytest.raises(PermissionDenied):
            act()
    case.refresh_from_db()
    assert case.is_open


def test_one_case_is_open_at_a_time(alice: Person, opener: Person, second: Person) -> None:
    open_for(alice, opener)
    with pytest.raises(ValidationError, match="is open for this account"):
        open_for(alice, second)


def test_an_account_without_factor_or_address_gets_no_case(alice: Person, opener: Person) -> None:
    with pytest.raises(ValidationError, match="no second factor"):
        open_for(newcomer(), opener)
    EmailAddress.objects.filter(user=alice.user).update(verified_at=None)
    with pytest.raises(ValidationError, match="no verified mail address"):
        open_for(alice, opener)


def test_opening_the_link_does_nothing_and_its_button_cancels_once(
    browser: Browser, alice: Person, opener: Person
) -> None:
    case = open_for(alice, opener)
    link, client = link_in(OutboxMail.objects.get(notice="recovery_opened")), browser()
    page = client.get(link)
    assert "alice" in text_of_page(page)
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]
    case.refresh_from_db()
    assert case.is_open
    assert "The removal is cancelled" in text_of_page(client.post(link))
    case.refresh_from_db()
    assert (case.outcome, case.ended_by) == ("cancelled", "alice")
    assert Event.objects.get(kind=RECOVERY_CANCELLED.name).credential == "link"
    assert client.post(link).status_code == client.get(link).status_code == 400
    assert count_events(RECOVERY_CANCELLED) == 1


@pytest.mark.parametrize("link", ["", "?link=", "?link=made-up", "?link=a:b:c"])
def test_a_link_that_was_not_sent_cancels_nothing(
    browser: Browser, alice: Person, opener: Person, link: str
) -> None:
    open_for(alice, opener)
    address = f"/account/recovery/cancel/{link}"
    assert browser().post(address).status_code == 400
    assert RecoveryCase.objects.open().exists()


def test_other_sites_cannot_press_the_buttons(
    browser: Browser, alice: Person, opener: Person
) -> None:
    open_for(alice, opener)
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.cookies = browser(alice).cookies
    RecoveryCase.objects.update(ended_at=None, outcome="")  # the sign-in has cancelled it
    assert client.post("/account/recovery/cancel-own/").status_code == 403
    link = link_in(OutboxMail.objects.get(notice="recovery_opened"))
    assert client.post(link).status_code == 403
    assert RecoveryCase.objects.open().exists()


def test_who_is_signed_in_sees_a_banner_and_cancels(
    browser: Browser, alice: Person, opener: Person
) -> None:
    client = browser(alice)
    assert "remove your second factors" not in text_of_page(client.get("/account/security/"))
    open_for(alice, opener)
    for address in ("/account/security/", "/account/tokens/", "/manage/projects/"):
        assert "Somebody asked to remove your second factors" in text_of_page(client.get(address))
    assert client.get("/account/recovery/cancel-own/").status_code == 405
    page = client.post("/account/recovery/cancel-own/", follow=True)
    assert "is cancelled" in text_of_page(page)
    assert not RecoveryCase.objects.open().exists()
    assert OutboxMail.objects.filter(notice="recovery_cancelled").count() == 1


def test_somebody_else_has_nothing_to_cancel(
    browser: Browser, alice: Person, mallory: Person, opener: Person
) -> None:
    open_for(alice, opener)
    browser(mallory).post("/account/recovery/cancel-own/")
    assert RecoveryCase.objects.open().exists()


def test_a_sign_in_with_a_factor_cancels_it(
    browser: Browser, alice: Person, opener: Person
) -> None:
    case = open_for(alice, opener)
    client = browser()
    give_password(client, alice)
    case.refresh_from_db()
    assert case.is_open  # the password alone proves nothing
    give_code(client, code_for(alice))
    case.refresh_from_db()
    assert (case.outcome, case.ended_by) == ("cancelled", "alice")
    assert Event.objects.get(kind=RECOVERY_CANCELLED.name).fields["means"].startswith("sign-in")
    assert OutboxMail.objects.filter(notice="recovery_cancelled").exists()


def test_staff_cancel_with_a_reason_and_the_opener_may(alice: Person, opener: Person) -> None:
    case = open_for(alice, opener)
    recovery.end_case(case, reason="The evidence is not enough.", by=opener.actor)
    assert count_events(RECOVERY_ENDED) == 1
    mail = OutboxMail.objects.get(notice="recovery_cancelled")
    assert "The evidence is not enough" in " ".join(str(notices.render(mail).body).split())


@pytest.mark.parametrize("ends", ["cancelled", "completed"])
def test_what_has_ended_is_not_completed(
    alice: Person, opener: Person, second: Person, ends: str
) -> None:
    case = open_for(alice, opener)
    if ends == "cancelled":
        recovery.cancel_case(case, by=alice.actor)
    else:
        second_factors.reset_second_factors(alice.user, reason="broke the glass", by=second.actor)
    resets = count_events(SECOND_FACTORS_RESET)
    with (
        time_machine.travel(case.due_at, tick=False),
        pytest.raises(ValidationError, match="has ended"),
    ):
        complete(case, second.actor)
    assert count_events(SECOND_FACTORS_RESET) == resets
    assert alice.fresh_user.has_second_factor is (ends == "cancelled")


def test_the_mail_is_not_sent_about_an_account_that_is_gone(alice: Person, opener: Person) -> None:
    case = open_for(alice, opener)
    case.delete()
    notices.send_due()
    assert not OutboxMail.objects.filter(notice="recovery_opened").exists()


def test_of_completing_and_cancelling_at_once_one_happens(committed_db: None) -> None:
    alice, opener = make_person("alice"), make_person("opener", group="Support")
    second, third = make_person("second", group="Support"), make_person("third", group="Support")
    case = open_for(alice, opener)
    RecoveryCase.objects.filter(pk=case.pk).update(due_at=timezone.now())
    case.refresh_from_db()
    outcomes = race_all(
        [
            lambda: complete(case, second.actor),
            lambda: complete(case, third.actor),
            lambda: recovery.cancel_case(case, by=alice.actor),
        ]
    )
    assert sum(isinstance(outcome, ValidationError) for outcome in outcomes) == 2, outcomes
    ended = count_events(RECOVERY_COMPLETED), count_events(RECOVERY_CANCELLED)
    assert sum(ended) == 1
    assert alice.fresh_user.has_second_factor is (ended == (0, 1))


def test_the_queue_shows_open_cases_first_with_age_and_state(
    browser: Browser, alice: Person, bob: Person, opener: Person, second: Person
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=4)):
        recovery.cancel_case(open_for(bob, opener), by=bob.actor)
        case = open_for(alice, opener)
    client = browser(second)
    page = text_of_page(client.get("/admin/accounts/recoverycase/"))
    assert page.index(">alice<") < page.index(">bob<")
    assert "can be completed" in page
    assert "4 days" in page
    shown = text_of_page(client.get(f"/admin/accounts/recoverycase/{case.pk}/change/"))
    assert EVIDENCE in shown
    assert "opened a recovery case for alice" in shown
