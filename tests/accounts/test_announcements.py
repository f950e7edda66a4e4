"""Announcements: written, looked at, tried, and sent to those who want them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audiences, notices, topics
from accounts.jobs import queue_campaign_mail
from accounts.models import Announcement, Campaign, EmailAddress, MailChoice, OutboxMail, User
from accounts.operations import announcements
from accounts.operations.announcements import (
    MAX_TEXT,
    rewrite_announcement,
    send_announcement,
    send_test,
    write_announcement,
)
from accounts.operations.mail_choices import choose_mail
from audit.log import verify
from audit.models import Event
from projects.models import Role
from tests.accounts.doors import newcomer, text_of_page
from tests.support.clone import race
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens.grants import Scope
from tokens.models import APIToken

Browser = Callable[..., Client]
REASON = "People have to know before it happens."
TITLE = "We move on Saturday"
TEXT = """The site is down from 10:00 to 12:00.

See https://status.example.org/?a=1&b=2. Tokens go on working."""


def write(by: Person, text: str = TEXT, audience: str = "all accounts") -> Announcement:
    return write_announcement(TITLE, text, audience, reason=REASON, by=by.actor)


def send(row: Announcement, by: Person) -> Campaign:
    people = announcements.find_recipients(row.audience)
    return send_announcement(row, version=row.version, people=people, reason=REASON, by=by.actor)


def recipients() -> set[str]:
    """Whom the outbox writes to, each once."""
    found = list(
        OutboxMail.objects.filter(notice="announcement").values_list("recipient", flat=True)
    )
    assert len(found) == len(set(found))
    return set(found)


def rendered(row: Announcement, to: Person) -> Any:
    address = to.fresh_user.primary_email
    assert address is not None
    return notices.render(
        notices.compose("announcement", address, by=to.actor, announcement_id=row.pk)
    )


def html_of(message: Any) -> str:
    ((content, _kind),) = message.alternatives
    return str(content)


# Its words


def test_the_text_is_plain_whatever_it_looks_like(sam: Person) -> None:
    typed = "{{ settings.SECRET_KEY }} {% load x %} <b>bold</b> & <script>alert(1)</script>"
    message = rendered(write(sam, typed), sam)
    assert typed in " ".join(message.body.split())
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;" in html_of(message)
    assert "{{ settings.SECRET_KEY }}" in html_of(message)
    assert "<b>" not in html_of(message)
    assert "<script" not in html_of(message)


def test_addresses_of_pages_become_links_in_the_html(sam: Person) -> None:
    html = html_of(rendered(write(sam), sam))
    assert '<a href="https://status.example.org/?a=1&amp;b=2">' in html
    assert ">https://status.example.org/?a=1&amp;b=2</a>. Tokens" in html


@pytest.mark.parametrize(
    "typed",
    [
        'https://a.example/"><b>x</b>',
        "https://a.example/'onmouseover='x",
        "javascript:alert(1)",
        "data:text/html,<b>x</b>",
        "https://a.example/<script>",
    ],
)
def test_no_address_breaks_out_of_its_link(sam: Person, typed: str) -> None:
    html = html_of(rendered(write(sam, typed), sam))
    assert not re.search(r"<(b|script)\b|<a [^>]*\bon\w+=", html)
    assert all(
        link.startswith(("https://a.example/", "http://localhost:8000"))
        for link in re.findall(r'href="([^"]*)"', html)
    )


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("", TEXT),
        ("two\nlines", TEXT),
        ("x" * 151, TEXT),
        ("bell \x07", TEXT),
        (TITLE, " \n "),
        (TITLE, "x" * (MAX_TEXT + 1)),
        (TITLE, "nul \x00"),
    ],
)
def test_words_that_make_no_mail_are_refused(sam: Person, title: str, text: str) -> None:
    with pytest.raises(ValidationError):
        write_announcement(title, text, "all accounts", reason=REASON, by=sam.actor)
    assert not Announcement.objects.exists()


@pytest.mark.parametrize("audience", ["nobody", "", "password uploads: everybody"])
def test_an_announcement_goes_to_audiences_that_are_offered(sam: Person, audience: str) -> None:
    with pytest.raises(ValidationError, match="no such audience"):
        write(sam, audience=audience)


def test_a_subject_cannot_add_headers(sam: Person) -> None:
    row = write(sam)
    Announcement.objects.filter(pk=row.pk).update(title="x\nBcc: eve@example.org")
    message = rendered(row, sam).message()
    assert message["Bcc"] is None
    assert "\n" not in str(message["Subject"])


# To whom it goes


def test_each_audience_has_the_right_people(sam: Person, alice: Person, bob: Person) -> None:
    plain, frozen = newcomer("plain"), newcomer("frozen")
    newcomer("unverified", is_verified=False)
    User.objects.filter(pk=frozen.user.pk).update(is_active=False)
    second = EmailAddress(user=plain.user, address="second@example.org", verified_at=timezone.now())
    second.save()
    project = project_of(alice, "seagull")
    Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    make(bob, "one", [project])
    make(sam, "all")
    reached = {
        audience.name: {row.address for row in audience.addresses(topics.ANNOUNCEMENTS)}
        for audience in audiences.for_announcements()
    }
    assert reached == {
        "all accounts": {sam.email, alice.email, bob.email, plain.email},
        "no second factor": {plain.email},
        "owners": {alice.email},
        "all-project tokens": {sam.email},
    }


def test_tokens_for_all_projects_are_those_whose_caveats_speak_of_none(alice: Person) -> None:
    project = project_of(alice, "seagull")
    scopes = [
        grant_for(is_wide=True),
        grant_for(project),
        grant_for(scope=Scope.PATTERNS, patterns=("sea*",)),
        grant_for(scope=Scope.NEW, new_project="gull", actions=("upload", "create")),
        grant_for(is_wide=True, networks=("192.0.2.0/24",)),
        grant_for(is_wide=True, expires_at=timezone.now() + timedelta(days=9)),
    ]
    for number, grant in enumerate(scopes):
        make(alice, f"token {number}", grant=grant)
    rows = APIToken.objects.all()
    expected = {token.name for token in rows if token.allowance.is_for_all_projects}
    found = APIToken.objects.for_all_projects().values_list("name", flat=True)
    assert set(found) == expected == {"token 0", "token 4", "token 5"}


def test_holders_of_tokens_that_are_over_are_not_written_to(sam: Person) -> None:
    token, _text = make(sam, "all")
    audience = audiences.find("all-project tokens")
    assert audience.people().count() == 1
    APIToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert audience.people().count() == 0


# Sending


def test_it_reaches_everybody_who_wants_it_once(sam: Person, alice: Person, bob: Person) -> None:
    choose_mail(bob.user, {"announcements": "never"}, by=bob.actor)
    campaign = send(write(sam), sam)
    assert campaign.total == 2
    queue_campaign_mail()
    assert recipients() == {sam.email, alice.email}
    started = Event.objects.get(kind="staff:mail:started")
    assert started.fields["title"] == TITLE
    assert started.fields["digest"] == Announcement.objects.get().digest
    assert verify() is None


def test_whoever_unsubscribes_while_the_mail_is_on_its_way_gets_none(
    sam: Person, bob: Person
) -> None:
    send(write(sam), sam)
    queue_campaign_mail()
    choose_mail(bob.user, {"announcements": "never"}, by=bob.actor)
    mail = OutboxMail.objects.get(recipient=bob.email)
    assert notices._send(mail) is False
    assert not OutboxMail.objects.filter(pk=mail.pk).exists()


def test_an_account_that_was_frozen_in_between_gets_none(sam: Person, bob: Person) -> None:
    send(write(sam), sam)
    queue_campaign_mail()
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    mail = OutboxMail.objects.get(recipient=bob.email)
    assert notices._send(mail) is False


def test_it_is_sent_once(sam: Person) -> None:
    row = write(sam)
    send(row, sam)
    queue_campaign_mail()
    with pytest.raises(ValidationError, match="It was sent"):
        send(row, sam)
    with pytest.raises(ValidationError, match="It was sent"):
        rewrite_announcement(
            row, "Other", TEXT, row.audience, version=row.version, reason=REASON, by=sam.actor
        )
    assert Announcement.objects.get().title == TITLE


def test_of_four_who_send_it_at_once_one_does(committed_db: Any) -> None:
    sam = make_person("sam", is_administrator=True)
    row = write(sam)
    outcomes = race(4, lambda: send(Announcement.objects.get(), sam))
    assert sum(isinstance(outcome, Campaign) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ValidationError) for outcome in outcomes) == 3
    queue_campaign_mail()
    assert recipients() == {sam.email}
    assert row.pk


def test_what_somebody_else_rewrote_is_not_sent_unseen(sam: Person) -> None:
    row = write(sam)
    seen = row.version
    rewrite_announcement(
        row, "Other", TEXT, "all accounts", version=seen, reason=REASON, by=sam.actor
    )
    with pytest.raises(ValidationError, match="rewrote it"):
        send_announcement(row, version=seen, people=1, reason=REASON, by=sam.actor)
    assert not Campaign.objects.exists()


def test_it_is_not_sent_to_more_people_than_expected(sam: Person) -> None:
    row = write(sam)
    newcomer()
    with pytest.raises(ValidationError, match="2 people get it now, and not 1"):
        send_announcement(row, version=row.version, people=1, reason=REASON, by=sam.actor)
    assert Announcement.objects.get().sent_at is None


def test_a_test_goes_to_whoever_acts_alone_and_is_the_mail_itself(
    sam: Person, alice: Person
) -> None:
    choose_mail(sam.user, {"announcements": "never"}, by=sam.actor)
    row = write(sam)
    assert send_test(row, reason=REASON, by=sam.actor) == sam.email
    mail = OutboxMail.objects.get()
    assert (mail.recipient, mail.campaign) == (sam.email, None)
    assert notices._is_wanted(mail)
    message = notices.render(mail)
    assert message.subject == f"[Indexsite] {TITLE}"
    assert "Who: the staff of this site" in message.body
    assert "192.0.2.17" not in message.body
    assert Announcement.objects.get().sent_at is None


@pytest.mark.parametrize("group", ["", "Support", "Projects", "Auditor"])
def test_only_administrators_announce(sam: Person, group: str) -> None:
    row, somebody = write(sam), make_person("somebody", group=group)
    for act in (
        lambda: write(somebody),
        lambda: send(row, somebody),
        lambda: send_test(row, reason=REASON, by=somebody.actor),
        lambda: rewrite_announcement(
            row, TITLE, TEXT, "owners", version=1, reason=REASON, by=somebody.actor
        ),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert not OutboxMail.objects.exists()


# The pages


def test_an_administrator_writes_looks_tries_and_sends(
    browser: Browser, sam: Person, alice: Person
) -> None:
    client = browser(sam)
    fields = {"audience": "all accounts", "title": TITLE, "text": TEXT, "reason": REASON}
    written = client.post(reverse("admin:act-write-announcement"), fields)
    row = Announcement.objects.get()
    page = text_of_page(client.get(written["Location"]))
    assert "2 get it. 0 want no announcements; 0 have no verified mail address." in page
    assert f"[Indexsite] {TITLE}" in page
    assert "Hello sam," in page
    assert "/account/mail/stop/?link=" in page
    assert "It was not sent yet." in page

    names = ("test", "send")
    act = {name: reverse(f"admin:act-{name}-announcement", args=[row.pk]) for name in names}
    assert "It is on its way to sam@example.org" in text_of_page(
        client.post(act["test"], {"reason": REASON}, follow=True)
    )
    asked = text_of_page(client.get(act["send"]))
    assert "2 people get this mail (all accounts)." in asked
    wrong = client.post(act["send"], {"reason": REASON, "people": "1", "version": "1"})
    assert "2 people get it now, and not 1." in text_of_page(wrong)
    sent = client.post(act["send"], {"reason": REASON, "people": "2", "version": "1"}, follow=True)
    assert "The mail to 2 people has begun." in text_of_page(sent)
    queue_campaign_mail()
    OutboxMail.objects.filter(recipient=alice.email).update(sent_at=timezone.now())

    campaign = Campaign.objects.get()
    progress = client.get(reverse("admin:accounts_campaign_change", args=[campaign.pk]))
    assert "1 sent, 0 failed, 1 to go" in text_of_page(progress)
    kinds = Event.objects.filter(kind__startswith="staff:").order_by("number")
    assert [event.kind for event in kinds] == [
        "staff:announcement:written",
        "staff:announcement:tested",
        "staff:mail:started",
        "staff:mail:finished",
    ]


def test_a_rewritten_draft_shows_its_new_words(browser: Browser, sam: Person) -> None:
    row, client = write(sam), browser(sam)
    address = reverse("admin:act-rewrite-announcement", args=[row.pk])
    assert TITLE in text_of_page(client.get(address))
    fields = {"audience": "owners", "title": "Sunday", "text": "Later.", "reason": REASON}
    page = text_of_page(client.post(address, fields | {"version": "1"}, follow=True))
    assert "[Indexsite] Sunday" in page
    assert "owners of projects" in page
    late = text_of_page(client.post(address, fields | {"version": "1"}))
    assert "somebody else rewrote it" in late


def test_html_in_an_announcement_is_no_html_of_the_staff_page(
    browser: Browser, sam: Person
) -> None:
    row = write(sam, '<script>alert(1)</script>\n\nhttps://a.example/"><b>x</b>')
    page = browser(sam).get(reverse("admin:accounts_announcement_change", args=[row.pk]))
    assert "<script>alert" not in page.content.decode()
    assert "<b>x" not in page.content.decode()


def test_staff_without_a_mail_address_see_the_mail_too(browser: Browser, sam: Person) -> None:
    row, auditor = write(sam), make_person("auditor", group="Auditor")
    client = browser(auditor)
    EmailAddress.objects.filter(user=auditor.user).delete()
    page = client.get(reverse("admin:accounts_announcement_change", args=[row.pk]))
    assert "Hello auditor," in text_of_page(page)
    assert "Send to all" not in text_of_page(page)


def test_choices_are_kept_by_account(sam: Person, bob: Person) -> None:
    choose_mail(bob.user, {"announcements": "never"}, by=bob.actor)
    assert topics.ANNOUNCEMENTS.choice_of(sam.user) == "always"
    assert MailChoice.objects.get().user == bob.user
