from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import EmailAddress, OutboxMail, User
from indexsite.worker import Worker
from tests.accounts.doors import newcomer
from tests.support.clone import Database, race
from tests.support.mailbox import Mailbox, free_port, text_of
from tests.support.people import Person, make_person
from tests.support.server import StartSite

Browser = Callable[..., Client]


def queue(person: Person, label: str = "phone") -> OutboxMail:
    notices.send("second_factor_added", [person.fresh_user], by=person.actor, label=label)
    return OutboxMail.objects.latest("pk")


# The outbox


def test_a_notice_is_a_row_in_the_outbox(alice: Person) -> None:
    mail = queue(alice)
    assert (mail.recipient, mail.recipient_name, mail.language) == (alice.email, "alice", "en")
    assert mail.sent_at is None


def test_notices_go_to_verified_addresses_only(db: None) -> None:
    person = newcomer(is_verified=False)
    notices.send("second_factor_added", [person.user], by=person.actor, label="x")
    assert not OutboxMail.objects.exists()


def test_every_notice_can_be_rendered_and_names_the_site(alice: Person) -> None:
    facts: dict[str, dict[str, Any]] = {
        "verify_address": {"address_id": EmailAddress.objects.get(user=alice.user).pk},
        "setup_link_created": {},
        "administrator_added": {"added": "eve"},
        "second_factor_added": {"label": "phone"},
        "second_factor_removed": {"label": "phone"},
        "recovery_codes_created": {},
        "recovery_code_used": {"left": 1},
    }
    for notice, known in facts.items():
        message = notices.render(
            OutboxMail(notice=notice, recipient="a@example.org", recipient_name="al", facts=known)
        )
        assert "Hello al," in message.body
        assert "http://localhost:8000" in message.body
        assert message.subject.strip()
        assert "{" not in message.body


def test_what_a_user_typed_stands_in_a_mail_as_it_is(alice: Person) -> None:
    message = notices.render(queue(alice, label="R&D's <phone>"))
    assert "R&D's <phone>" in message.body


def test_a_label_cannot_add_headers_to_a_mail(alice: Person) -> None:
    mail = queue(alice)
    mail.notice, mail.facts = "administrator_added", {"added": "x\nBcc: eve@example.org\n\nbody"}
    message = notices.render(mail).message()
    assert message["Bcc"] is None
    assert "\n" not in str(message["Subject"])


# Sending


def test_a_mail_goes_out_over_smtp_once(committed_db: Database, mailbox: Mailbox) -> None:
    alice = make_person("alice")
    queue(alice, label="my phone")
    assert notices.send_due() == 1
    assert notices.send_due() == 0
    (message,) = mailbox.messages
    assert message["To"] == alice.email
    assert "my phone" in text_of(message)
    assert OutboxMail.objects.get().sent_at is not None


def test_the_link_in_a_mail_is_made_when_it_is_sent_and_works(
    committed_db: Database, mailbox: Mailbox, browser: Browser
) -> None:
    person = newcomer(is_verified=False)
    client = browser(person)
    client.post("/account/address/")
    assert "link" not in str(OutboxMail.objects.get().facts)
    notices.send_due()
    link = re.search(
        r"http://localhost:8000(/account/verify/\?link=\S+)", text_of(mailbox.messages[0])
    )
    assert link
    client.post(link.group(1))
    assert person.fresh_user.has_verified_email


def test_a_mail_that_was_turned_away_is_sent_later(
    committed_db: Database, mailbox: Mailbox
) -> None:
    queue(make_person("alice"))
    mailbox.fail(1)
    start = timezone.now()
    assert notices.send_due(start) == 0
    mail = OutboxMail.objects.get()
    assert (mail.attempts, mail.sent_at, mail.leased_until) == (1, None, None)
    assert "451" in mail.failure
    assert notices.send_due(start + timedelta(seconds=30)) == 0
    assert notices.send_due(start + timedelta(seconds=90)) == 1
    assert OutboxMail.objects.get().failure == ""
    assert len(mailbox.messages) == 1


def test_the_pause_between_attempts_grows(committed_db: Database, mailbox: Mailbox) -> None:
    queue(make_person("alice"))
    mailbox.refuse()
    pauses = []
    for _number in range(5):
        mail = OutboxMail.objects.get()
        notices.send_due(mail.next_try_at)
        pauses.append(OutboxMail.objects.get().next_try_at - timezone.now())
    minutes = [round(pause.total_seconds() / 60) for pause in pauses]
    assert minutes == [1, 2, 4, 8, 16]


def test_after_twelve_attempts_a_mail_is_given_up(committed_db: Database, mailbox: Mailbox) -> None:
    mail = queue(make_person("alice"))
    mailbox.refuse()
    later = timezone.now()
    for _number in range(15):
        later += timedelta(hours=7)
        notices.send_due(later)
    assert mailbox.attempts == notices.MAX_ATTEMPTS
    mail.refresh_from_db()
    assert mail.failure


def test_a_mail_server_that_is_down_stops_nobody(
    committed_db: Database, mailbox: Mailbox, settings: Any
) -> None:
    queue(make_person("alice"))
    settings.EMAIL_PORT = free_port()
    assert notices.send_due() == 0
    assert "refused" in OutboxMail.objects.get().failure
    assert mailbox.attempts == 0


def test_a_mail_that_cannot_be_rendered_does_not_hold_up_the_others(
    committed_db: Database, mailbox: Mailbox
) -> None:
    alice = make_person("alice")
    notices.send("verify_address", [alice.fresh_user], by=alice.actor, address_id=0)
    notices.send("no_such_notice", [alice.fresh_user], by=alice.actor)
    queue(alice)
    assert notices.send_due() == 1
    assert len(mailbox.messages) == 1


def test_neither_address_nor_text_of_a_failed_mail_is_logged(
    committed_db: Database, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    queue(make_person("alice"), label="private label")
    mailbox.refuse("550 no alice@example.org here")
    with caplog.at_level(logging.INFO):
        notices.send_due()
    assert "was not sent" in caplog.text
    assert "alice" not in caplog.text
    assert "private label" not in caplog.text


def test_of_several_workers_one_sends_each_mail(committed_db: Database, mailbox: Mailbox) -> None:
    alice = make_person("alice")
    for number in range(6):
        queue(alice, label=f"app {number}")
    sent = race(4, notices.send_due)
    assert sum(count for count in sent if isinstance(count, int)) == 6
    assert len(mailbox.messages) == 6


# Workers that are killed


def test_a_mail_whose_worker_died_before_sending_goes_out_when_its_lease_ends(
    committed_db: Database, mailbox: Mailbox
) -> None:
    queue(make_person("alice"))
    now = timezone.now()
    assert notices._lease_next(now) is not None  # and here the worker dies
    assert notices.send_due(now + timedelta(seconds=60)) == 0
    assert notices.send_due(now + notices.LEASE + timedelta(seconds=1)) == 1
    assert len(mailbox.messages) == 1


_KILLED = """
import os, signal
import django
django.setup()
from django.core.mail import EmailMultiAlternatives
from accounts import notices
EmailMultiAlternatives.send = lambda self: os.kill(os.getpid(), signal.SIGKILL)
notices.send_due()
"""


def test_a_worker_that_is_killed_while_sending_loses_no_mail(
    committed_db: Database, mailbox: Mailbox
) -> None:
    queue(make_person("alice"))
    environment = os.environ | {
        "DATABASE_URL": committed_db.url,
        "DJANGO_SETTINGS_MODULE": "indexsite.settings",
    }
    ended = subprocess.run([sys.executable, "-c", _KILLED], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    mail = OutboxMail.objects.get()
    assert mail.sent_at is None
    assert mail.leased_until is not None
    assert notices.send_due() == 0
    assert notices.send_due(mail.leased_until) == 1
    assert len(mailbox.messages) == 1


def test_the_worker_sends_what_is_queued_and_ends_when_asked(
    start_site: StartSite, mailbox: Mailbox
) -> None:
    with start_site(environment={"EMAIL_URL": mailbox.url}) as site:
        with site.database.as_default():
            queue(make_person("alice"))
        worker = site.start_worker()
        mailbox.wait_for(1)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0


def test_a_turn_of_the_worker_says_whether_there_was_anything(
    committed_db: Database, mailbox: Mailbox
) -> None:
    worker = Worker()
    while worker.run_once():
        pass  # the timed work of a new site
    queue(make_person("alice"))
    assert worker.run_once()
    assert not worker.run_once()


# What is kept


def test_seven_days_after_sending_recipient_and_facts_are_blanked(
    committed_db: Database, mailbox: Mailbox
) -> None:
    queue(make_person("alice"))
    notices.send_due()
    assert notices.forget_sent() == 0
    with time_machine.travel(timezone.now() + notices.KEEP + timedelta(minutes=1)):
        assert notices.forget_sent() == 1
    mail = OutboxMail.objects.get()
    assert (mail.recipient, mail.recipient_name, mail.facts) == ("", "", {})


def test_seven_days_after_a_mail_was_given_up_it_is_blanked_as_well(alice: Person) -> None:
    mail = queue(alice)
    OutboxMail.objects.filter(pk=mail.pk).update(
        attempts=notices.MAX_ATTEMPTS, failure=f"refused: {alice.email}"
    )
    with time_machine.travel(timezone.now() + notices.KEEP + timedelta(minutes=1)):
        assert notices.forget_sent() == 1
    kept = str(OutboxMail.objects.values().get())
    assert alice.email not in kept


def test_a_mail_that_is_still_to_be_sent_is_not_blanked(alice: Person) -> None:
    queue(alice)
    with time_machine.travel(timezone.now() + timedelta(days=30)):
        assert notices.forget_sent() == 0


def test_a_closed_account_is_still_told(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert queue(alice).recipient == alice.email
