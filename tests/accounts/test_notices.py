from __future__ import annotations

import logging
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import (
    Announcement,
    EmailAddress,
    OutboxMail,
    RecoveryCase,
    UnknownSignIn,
    User,
)
from audit.actors import command
from indexsite.worker import Worker
from tests.accounts.doors import newcomer
from tests.support.clone import Database, race
from tests.support.mailbox import Mailbox, free_port, text_of
from tests.support.people import Person, make_person
from tests.support.server import ROOT, StartSite

Browser = Callable[..., Client]


SITE = "http://localhost:8000"
MAILS = ROOT / "templates" / "emails"


def html_to_text(html: str) -> str:
    """What a reader of the HTML sees."""
    return unescape(re.sub(r"<[^>]*>", " ", html))


def write_catalogue(folder: Path, texts: dict[str, str]) -> None:
    """A compiled catalogue of German translations, in the format of GNU gettext."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    start = 28 + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    content = b""
    for side in (0, 1):
        for pair in pairs:
            text = pair[side].encode()
            tables[side] += [len(text), start + len(content)]
            content += text + b"\0"
    count = len(pairs)
    header = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, 0)
    numbers = struct.pack(f"<{4 * count}I", *tables[0], *tables[1])
    path = folder / "de" / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(header + numbers + content)


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


NOTICES = sorted(path.name.removesuffix(".subject.txt") for path in MAILS.glob("*.subject.txt"))
FACTS: dict[str, Any] = {  # whatever the templates show
    "label": "phone",
    "left": 1,
    "held": 2,
    "sign_in_at": "2026-11-24 12:00 UTC",
    "added": "eve",
    "address": "second@example.org",
    "former": "first@example.org",
    "typed_for": "zoe",
    "name": "job",
    "reason": "a reason",
    "actor": "bob",
    "project": "foo",
    "normalized_name": "foo",
    "version": "1.0",
    "filename": "foo-1.0.tar.gz",
    "person": "bob",
    "role": "maintainer",
    "more": 0,
    "invitation": "6b1f3c55-9d0e-4f62-8f0e-0f6f4f0d9a11",
    "token_id": "00000000-0000-0000-0000-000000000001",
    "allows": "Upload new releases of foo",
    "expires": "2027-03-03 12:00 UTC",
    "owner": "alice",
    "place": "code.example.org",
    "changed": "zoe",
    "key": "disk",
    "trouble": "The disk fills.",
    "groups": "Support",
    "due_at": "2026-11-27 12:00 UTC",
}


def mail_of(notice: str, person: Person, **facts: Any) -> OutboxMail:
    """A mail about something that this person did."""
    address = EmailAddress.objects.get(user=person.user)
    sign_in = UnknownSignIn.objects.create(user=person.user)
    known: dict[str, Any] = {"address_id": address.pk, "reset_id": str(uuid4())}
    case = RecoveryCase.objects.create(user=person.user, due_at=timezone.now())
    announcement = Announcement.objects.create(title="A news", text="It is so.", audience="x")
    known |= {"case_id": str(case.pk), "announcement_id": announcement.pk}
    known |= {"sign_in_id": sign_in.pk, "sent_to": address.address}
    notices.send_to_address(notice, address, by=person.actor, **{**FACTS, **known, **facts})
    return OutboxMail.objects.latest("pk")


def html_of(message: EmailMultiAlternatives) -> str:
    ((content, kind),) = message.alternatives
    assert kind == "text/html"
    return str(content)


@pytest.mark.parametrize("notice", NOTICES)
def test_every_notice_says_what_happened_when_from_where_and_what_to_do(
    alice: Person, notice: str
) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 13, 5, 7, tzinfo=UTC)):
        message = notices.render(mail_of(notice, alice))
    html = html_of(message)
    for content in (message.body, html):
        assert "Hello alice," in content
        assert "When: 2026-11-24 13:05:07 UTC" in content
        assert "From: 192.0.2.17" in content
        assert "With: A Browser/1" in content
        assert re.search(r"\b(If|Only people)\b", content)  # … this was not you: what to do
        assert "http://localhost:8000" in content
        assert not re.search(r"[{}]|&amp;#|&#x27;&#x27;", content)
    assert message.subject.startswith("[Indexsite] ")
    assert max(len(line) for line in message.body.splitlines() if "http" not in line) <= 72


@pytest.mark.parametrize("notice", NOTICES)
def test_the_html_of_a_notice_is_its_text_without_pictures_or_style(
    alice: Person, notice: str
) -> None:
    message = notices.render(mail_of(notice, alice))
    html = html_of(message)
    words = html_to_text(html.partition("</head>")[2]).split()
    assert words == message.body.split()
    assert not re.search(r"<(img|style|script|link|iframe)|\bstyle=|\bsrc=|\bon\w+=", html)
    links = re.findall(r'href="([^"]*)"', html)
    assert links
    assert all(link == SITE or link.startswith(f"{SITE}/") for link in links)


def test_what_a_user_typed_stands_in_a_mail_as_it_is_and_is_no_html(alice: Person) -> None:
    label = "R&D's <b>phone</b>"
    message = notices.render(queue(alice, label=label))
    assert label in " ".join(message.body.split())
    assert "R&amp;D&#x27;s &lt;b&gt;phone&lt;/b&gt;" in html_of(message)
    assert "<b>" not in html_of(message)


@pytest.mark.parametrize(
    "typed",
    [
        "https://evil.example/",
        "x\n\nhttps://evil.example/\n\nx",
        "\n\nhttp://localhost:8000.evil.example/\n\n",
        "\n\nhttp://localhost:8000@evil.example/\n\n",
        "\n\nhttp://localhost:80001/\n\n",
        '\n\nhttp://localhost:8000/"><b>\n\n',
    ],
)
def test_nothing_that_was_typed_becomes_a_link_to_another_site(alice: Person, typed: str) -> None:
    html = html_of(notices.render(queue(alice, label=typed)))
    links = re.findall(r'href="([^"]*)"', html)
    assert all(link == SITE or link.startswith(f"{SITE}/") for link in links)
    assert "<b>" not in html


def test_a_mail_about_somebody_elses_act_says_who_but_not_from_where(
    alice: Person, bob: Person
) -> None:
    notices.send("release_yanked", [alice.fresh_user], by=bob.actor, **FACTS)
    mail = OutboxMail.objects.get()
    assert mail.origin == {"actor": "bob"}
    body = notices.render(mail).body
    assert "Who: bob" in body
    assert "192.0.2.17" not in body


def test_a_mail_about_an_act_on_the_server_names_it(alice: Person) -> None:
    notices.send("setup_link_created", [alice.fresh_user], by=command("setup_link"))
    body = notices.render(OutboxMail.objects.get()).body
    assert "Who: server" in body
    assert "From:" not in body


def test_a_mail_is_in_the_language_of_its_recipient(
    alice: Person, settings: Any, tmp_path: Path
) -> None:
    write_catalogue(tmp_path, {"Hello %(username)s,": "Hallo %(username)s,"})
    settings.LOCALE_PATHS = [str(tmp_path)]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    User.objects.filter(pk=alice.user.pk).update(language="de")
    message = notices.render(queue(alice))
    assert "Hallo alice," in message.body
    assert '<html lang="de">' in html_of(message)
    assert "Hallo alice," in html_of(message)


def test_a_mail_has_both_forms_when_it_arrives(committed_db: Database, mailbox: Mailbox) -> None:
    queue(make_person("alice"), label="my <phone>")
    notices.send_due()
    (message,) = mailbox.messages
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    html = message.get_body(("html",))
    assert html is not None
    assert "my &lt;phone&gt;" in html.get_content()


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
    client.post("/account/address/send-again/")
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
    notices.send("no_such_notice", [alice.fresh_user], by=alice.actor)
    queue(alice)
    assert notices.send_due() == 1
    assert len(mailbox.messages) == 1


@pytest.mark.parametrize("has_recipient", [True, False])
def test_a_mail_about_what_is_gone_is_dropped_without_alarm(
    committed_db: Database, mailbox: Mailbox, has_recipient: bool
) -> None:
    alice = make_person("alice")
    if has_recipient:
        notices.send("verify_address", [alice.fresh_user], by=alice.actor, address_id=0)
    else:
        notices.send_unaddressed("verify_address", by=alice.actor, address_id=0)
    assert notices.send_due() == 0
    assert not OutboxMail.objects.exists()
    assert mailbox.attempts == 0


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
    assert mail.origin == {}


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
