"""Choosing one's mail: on a page, with the link of a mail, and by the mail program itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.core.exceptions import ValidationError
from django.test import Client

from accounts import notices, switches, topics
from accounts.events import MAIL_CHOSEN
from accounts.links import sign_mail_stop, sign_recovery
from accounts.models import EmailAddress, MailChoice, OutboxMail, User
from accounts.operations.address_ranges import block_range
from accounts.operations.mail_choices import choose_mail
from accounts.operations.switches import turn
from audit.actors import command
from audit.models import Event
from projects.models import Project
from tests.accounts.doors import count_events, text_of_page
from tests.support.clone import Database, race
from tests.support.mailbox import Mailbox, link_in
from tests.support.people import Person, make_person
from tests.support.uploading import token_of, upload
from tests.tokens.keys import project_of

Browser = Callable[..., Client]
CHOICES = "/account/mail/"
STOP = "/account/mail/stop/"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def account_page(person: Person) -> str:
    return f"/admin/accounts/user/{person.user.pk}/change/"


def stop_link(person: Person, topic: str = "releases") -> str:
    return f"{STOP}?link={sign_mail_stop(str(person.user.pk), topic)}"


def chosen(person: Person) -> dict[str, str]:
    return {topic.name: topic.choice_of(person.user) for topic in topics.all_topics()}


def release_mail(person: Person) -> Any:
    """A mail about a release, as this person gets it."""
    address = EmailAddress.objects.get(user=person.user)
    facts = {"project": "foo", "normalized_name": "foo", "version": "1.0", "actor": "bob"}
    return notices.render(notices.compose("release_created", address, by=person.actor, **facts))


# The page


def test_the_page_shows_and_keeps_what_was_chosen(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    page = text_of_page(client.get(CHOICES))
    assert page.count("checked") == 2
    assert re.search(r'name="releases" value="by others"[^>]* checked', page)
    response = client.post(CHOICES, {"releases": "always", "announcements": "never"}, follow=True)
    assert "Your choice is kept." in text_of_page(response)
    assert chosen(alice) == {"releases": "always", "announcements": "never"}
    assert re.search(r'name="releases" value="always"[^>]* checked', text_of_page(response))


def test_each_change_is_recorded_once(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    for _time in range(2):
        client.post(CHOICES, {"releases": "never", "announcements": "always"})
    event = Event.objects.get(kind=MAIL_CHOSEN.name)
    assert event.fields == {"topic": "releases", "choice": "never", "former": "by others"}
    assert event.actor_label == "alice"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"releases": "sometimes", "announcements": "never"},
        {"releases": "never"},
        {"releases": "never", "announcements": ""},
    ],
)
def test_what_is_no_choice_changes_nothing(
    browser: Browser, alice: Person, fields: dict[str, str]
) -> None:
    response = browser(alice).post(CHOICES, fields)
    assert "This was not accepted yet" in text_of_page(response)
    assert not MailChoice.objects.exists()


@pytest.mark.parametrize("choices", [{"security": "never"}, {"releases": "x"}, {"": ""}])
def test_there_is_no_way_to_do_without_mail_about_security(
    alice: Person, choices: dict[str, str]
) -> None:
    with pytest.raises(ValidationError):
        choose_mail(alice.user, choices, by=alice.actor)
    assert not MailChoice.objects.exists()


def test_an_account_that_is_gone_chooses_nothing(alice: Person) -> None:
    actor = alice.actor
    User.objects.filter(pk=alice.user.pk).delete()
    with pytest.raises(ValidationError, match="was deleted"):
        choose_mail(alice.user, {"releases": "never"}, by=actor)


def test_only_what_is_no_mail_about_security_can_be_done_without() -> None:
    named = {notice for topic in topics.all_topics() for notice in topic.notices}
    assert named == {"announcement", "release_created"}


def test_a_security_mail_comes_whatever_was_chosen(alice: Person) -> None:
    everything = {topic.name: topics.NEVER for topic in topics.all_topics()}
    choose_mail(alice.user, everything, by=alice.actor)
    notices.send("password_changed", [alice.fresh_user], by=alice.actor)
    mail = OutboxMail.objects.get()
    assert notices._is_wanted(mail)
    message = notices.render(mail)
    assert "List-Unsubscribe" not in message.message()
    assert STOP not in message.body


def test_choices_are_in_the_download_of_all_data(browser: Browser, alice: Person) -> None:
    choose_mail(alice.user, {"releases": "never"}, by=alice.actor)
    data = b"".join(browser(alice).get("/account/data/").streaming_content)  # type: ignore[attr-defined]
    assert b'"releases": "never"' in data


def test_two_choices_at_once_leave_one_row(committed_db: Database) -> None:
    alice = make_person("alice")
    race(4, lambda: choose_mail(alice.user, {"releases": "never"}, by=alice.actor))
    assert MailChoice.objects.count() == 1
    assert count_events(MAIL_CHOSEN) == 1


# The link


def test_opening_the_link_changes_nothing(browser: Browser, alice: Person) -> None:
    page = browser().get(stop_link(alice))
    assert "Get no more of these mails?" in text_of_page(page)
    assert "New releases of projects that you own" in text_of_page(page)
    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]
    assert not page.cookies
    assert not MailChoice.objects.exists()


@pytest.mark.parametrize("body", [{}, ONE_CLICK], ids=["the button", "a mail program"])
def test_a_post_without_cookies_or_token_ends_the_topic(
    alice: Person, body: dict[str, str]
) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    for _time in range(2):
        response = client.post(stop_link(alice), body)
        assert response.status_code == 200
        assert "You get no more of these mails" in text_of_page(response)
        assert not response.cookies
    assert chosen(alice) == {"releases": "never", "announcements": "always"}
    event = Event.objects.get(kind=MAIL_CHOSEN.name)
    assert (event.actor_label, event.credential) == ("alice", "link")


def test_the_link_of_another_purpose_ends_nothing(browser: Browser, alice: Person) -> None:
    others = [
        "",
        "x",
        sign_recovery(str(alice.user.pk)),
        signing.dumps([str(alice.user.pk), "releases"]),
        sign_mail_stop(str(alice.user.pk), "releases")[:-1],
        sign_mail_stop(str(alice.user.pk), "security"),
    ]
    for link in others:
        for response in (
            browser().get(STOP, {"link": link}),
            browser().post(f"{STOP}?link={link}", ONE_CLICK),
        ):
            assert response.status_code == 400
            assert "This link is not complete" in text_of_page(response)
    assert not MailChoice.objects.exists()


@pytest.fixture(params=["read-only", "a blocked address"])
def closed(request: pytest.FixtureRequest, db: None) -> None:
    """A site that takes changes from nobody, or none from where the browsers of the tests are."""
    by = command("a test")
    if request.param == "read-only":
        turn(switches.CHANGES, "off", banner="Back at noon.", reason="A move.", by=by)
    else:
        block_range("192.0.2.0/24", reason="Passwords are guessed from there.", by=by)


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("body", [{}, ONE_CLICK], ids=["the button", "a mail program"])
def test_mail_can_be_stopped_whatever_staff_have_closed(
    browser: Browser, alice: Person, body: dict[str, str]
) -> None:
    response = browser().post(stop_link(alice), body)
    assert response.status_code == 200
    assert "You get no more of these mails" in text_of_page(response)
    assert chosen(alice) == {"releases": "never", "announcements": "always"}


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("topic", ["releases", "security"])
def test_the_door_that_stays_open_takes_nothing_but_a_link_for_it(
    browser: Browser, alice: Person, topic: str
) -> None:
    """The first link is of another purpose, the second of a topic that there is not."""
    link = signing.dumps([str(alice.user.pk), topic])
    link = link if topic == "releases" else sign_mail_stop(str(alice.user.pk), topic)
    response = browser().post(f"{STOP}?link={link}", {"releases": "never"})
    assert response.status_code == 400
    assert not MailChoice.objects.exists()
    assert browser().post(CHOICES, {"releases": "never"}).status_code != 200
    assert not MailChoice.objects.exists()


def test_a_link_ends_its_own_topic_for_its_own_account(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser(bob).post(stop_link(alice, "announcements"))
    assert chosen(bob) == {"releases": "by others", "announcements": "always"}
    assert chosen(alice) == {"releases": "by others", "announcements": "never"}


def test_the_link_of_an_account_that_is_gone_says_so(browser: Browser, alice: Person) -> None:
    link = stop_link(alice)
    User.objects.filter(pk=alice.user.pk).delete()
    response = browser().post(link, ONE_CLICK)
    assert response.status_code == 400
    assert "This account was deleted" in text_of_page(response)


# What staff see of it


@pytest.mark.parametrize("group", ["Support", "Auditor", "Administrator"])
def test_staff_who_see_an_account_see_its_choices(
    browser: Browser, alice: Person, group: str
) -> None:
    choose_mail(alice.user, {"releases": "never"}, by=alice.actor)
    MailChoice.objects.update(chosen_at=datetime(2026, 5, 4, 3, 2, tzinfo=UTC))
    MailChoice.objects.create(user=alice.user, topic="gone", choice="x")  # of another version
    page = text_of_page(browser(make_person("kim", group=group)).get(account_page(alice)))
    panel = re.sub(r"<[^>]+>", "|", page[page.index("Mail choices") : page.index("Last events")])
    cells = [part for part in panel.split("|") if part.strip()]
    assert cells[4:] == [
        *("Announcements of this site", "All of them", "by default"),
        *("New releases of projects that you own", "None", "2026-05-04 03:02 UTC"),
    ]


def test_staff_who_do_not_see_accounts_do_not_see_choices(browser: Browser, alice: Person) -> None:
    kim = make_person("kim", group="Projects")
    assert browser(kim).get(account_page(alice)).status_code == 403


def test_the_choice_of_another_version_is_named_as_it_is_kept(
    browser: Browser, alice: Person, sam: Person
) -> None:
    MailChoice.objects.create(user=alice.user, topic="releases", choice="on Sundays")
    assert "<td>on Sundays</td>" in text_of_page(browser(sam).get(account_page(alice)))


# What mails carry


def test_a_mail_that_one_can_do_without_says_how(alice: Person) -> None:
    message = release_mail(alice)
    (link,) = re.findall(rf"http://localhost:8000{STOP}\S+", message.body)
    assert f'href="{link}"' in str(message.alternatives[0][0])
    assert message.message()["List-Unsubscribe"] == f"<{link}>"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_mail_programs_are_offered_one_click_where_there_is_tls(
    alice: Person, settings: Any, scheme: str
) -> None:
    settings.SITE_URL = f"{scheme}://index.example.org"
    message = release_mail(alice).message()
    assert message["List-Unsubscribe"].startswith(f"<{scheme}://index.example.org{STOP}?link=")
    expected = "List-Unsubscribe=One-Click" if scheme == "https" else None
    assert message["List-Unsubscribe-Post"] == expected


def test_the_headers_arrive_whole_and_lead_to_the_end_of_the_topic(
    committed_db: Database, mailbox: Mailbox, settings: Any
) -> None:
    settings.SITE_URL = "https://localhost:8000"
    alice, bob = make_person("alice"), make_person("bob")
    project_of(alice, "foo")
    notices.send(
        "release_created",
        [alice.user],
        by=bob.actor,
        project="foo",
        normalized_name="foo",
        version="1.0",
        actor="bob",
    )
    assert notices.send_due() == 1
    (mail,) = mailbox.messages
    url = str(mail["List-Unsubscribe"]).strip().strip("<>")
    assert url == link_in(mail, below=STOP)
    name, _equals, value = str(mail["List-Unsubscribe-Post"]).partition("=")
    parts = urlsplit(url)
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    assert client.post(f"{parts.path}?{parts.query}", {name: value}).status_code == 200
    assert chosen(alice)["releases"] == "never"


def test_a_mail_from_before_there_were_choices_is_still_sent(alice: Person) -> None:
    mail = OutboxMail(notice="release_created", recipient=alice.email, facts={})
    assert notices._is_wanted(mail)
    facts = {"project": "foo", "normalized_name": "foo", "version": "1.0", "actor": "bob"}
    mail.facts = facts
    assert "List-Unsubscribe" not in notices.render(mail).message()


# Releases


@pytest.mark.parametrize(
    ("choice", "own", "others"),
    [("", 0, 1), ("by others", 0, 1), ("always", 1, 1), ("never", 0, 0)],
)
def test_owners_hear_of_releases_as_they_chose(
    alice: Person, bob: Person, choice: str, own: int, others: int
) -> None:
    if choice:
        choose_mail(alice.user, {"releases": choice}, by=alice.actor)
    project = project_of(alice, "foo")
    project.roles.create(user=bob.user, kind="owner")
    choose_mail(bob.user, {"releases": "never"}, by=bob.actor)

    def mails() -> int:
        return OutboxMail.objects.filter(notice="release_created", recipient=alice.email).count()

    assert upload(token_of(alice), release="1.0").status_code == 200
    assert mails() == own
    assert upload(token_of(bob), release="1.1").status_code == 200
    assert mails() == own + others
    assert upload(token_of(bob, name="b"), release="1.1", is_sdist=True).status_code == 200
    assert mails() == own + others
    assert Project.objects.count() == 1
    assert not OutboxMail.objects.filter(notice="release_created", recipient=bob.email).exists()
