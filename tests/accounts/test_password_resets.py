from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import time_machine
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import notices
from accounts.events import (
    PASSWORD_RESET,
    PASSWORD_RESET_ASKED,
    PASSWORD_RESET_REFUSED,
)
from accounts.links import RESET_LASTS, sign_address, sign_reset
from accounts.models import EmailAddress, OutboxMail, PasswordReset, User, UserSession
from accounts.operations import passwords
from audit.models import Event, EventOrigin
from tests.accounts.doors import (
    SIGN_IN,
    count_events,
    give_code,
    give_password,
    is_signed_in,
    leads_to_sign_in,
    newcomer,
    text_of_page,
)
from tests.support.clone import Database, race
from tests.support.mailbox import Mailbox, link_in, text_of
from tests.support.people import Person, code_for
from tests.support.uploading import token_of, upload

Browser = Callable[..., Client]
CHANGE = "/account/password/"
ASK = "/account/password/reset/"
NEW = "/account/password/reset/new/"
PASSWORD = "ferry lantern gravel teapot"
DAY = timedelta(days=1)


def ask(client: Client, text: str) -> Any:
    return client.post(ASK, {"account": text})


def link_of(reset: PasswordReset) -> str:
    return f"{NEW}?{urlencode({'link': sign_reset(str(reset.pk))})}"


def answer_requests() -> None:
    """What the worker does with requests before it sends mails."""
    for mail in OutboxMail.objects.filter(notice="password_reset", recipient=""):
        notices._find_recipient(mail)


def asked_link(person: Person) -> str:
    """The link in the mail of somebody who has just asked for it."""
    before = set(PasswordReset.objects.values_list("pk", flat=True))
    ask(Client(SERVER_NAME="localhost"), person.username)
    answer_requests()
    return link_of(PasswordReset.objects.exclude(pk__in=before).get())


def has_password(person: Person, password: str) -> bool:
    return person.fresh_user.check_password(password)


def recipients(notice: str) -> list[str]:
    return list(OutboxMail.objects.filter(notice=notice).values_list("recipient", flat=True))


def give_address(person: Person, name: str, *, age: timedelta, **fields: Any) -> EmailAddress:
    verified_at = timezone.now() - age
    return EmailAddress.objects.create(
        user=person.user, address=f"{name}@example.org", verified_at=verified_at, **fields
    )


# Asking for a reset


ANSWERS = ["alice", "ALICE", "nobody", "alice@example.org", "x@example.org", "unverified", "closed"]


def test_the_answer_is_the_same_for_every_input(browser: Browser, alice: Person) -> None:
    newcomer("unverified", is_verified=False)
    User.objects.filter(pk=newcomer("closed").user.pk).update(is_active=False)
    pages = {ask(browser(), text).content for text in ANSWERS}
    assert len(pages) == 1
    answer_requests()
    assert recipients("password_reset") == [alice.email] * 3


def test_the_answer_looks_nothing_up_so_its_time_tells_nothing(
    browser: Browser, alice: Person
) -> None:
    newcomer("unverified", is_verified=False)
    asked = set()
    ask(browser(), "the first, which opens a window of the limit")
    for text in ANSWERS:
        with CaptureQueriesContext(connection) as queries:
            ask(browser(), text)
        asked.add(tuple(" ".join(row["sql"].split()[:3]) for row in queries))
    assert len(asked) == 1
    assert not any(f'FROM "accounts_{table}' in str(asked) for table in ("user", "email"))


def test_what_was_typed_is_gone_once_it_was_answered(browser: Browser, alice: Person) -> None:
    for text in ("alice", "a password in the wrong field"):
        ask(browser(), text)
    answer_requests()
    assert "wrong field" not in str(list(OutboxMail.objects.values()))
    assert OutboxMail.objects.get().facts == {"reset_id": str(PasswordReset.objects.get().pk)}


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "a\x00b", "x" * 255, "alice\n", "'; --", "@", "a@"]
)
def test_odd_input_is_answered_in_words(browser: Browser, alice: Person, text: str) -> None:
    assert ask(browser(), text).status_code == 200
    answer_requests()
    assert len(recipients("password_reset")) == (text == "alice\n")


def test_a_request_is_recorded_with_where_it_came_from(browser: Browser, alice: Person) -> None:
    ask(browser(), "alice")
    answer_requests()
    event = Event.objects.get(kind=PASSWORD_RESET_ASKED.name)
    origin = EventOrigin.objects.get(event_number=event.number)
    assert (event.actor_kind, origin.network_address) == ("anonymous", "192.0.2.17")
    assert "example.org" not in str(Event.objects.values())


def test_a_request_for_an_unknown_name_is_kept_as_a_digest(browser: Browser, db: None) -> None:
    ask(browser(), "my secret typed in the wrong field")
    answer_requests()
    event = Event.objects.get(kind=PASSWORD_RESET_REFUSED.name)
    assert "secret" not in str(event.fields)
    assert event.fields["reason"] == "unknown account"


def test_one_network_address_asks_ten_times_an_hour(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False):
        pages = [text_of_page(ask(browser(), text)) for text in ["nobody", "alice"] * 6]
    assert ["too many attempts" in page for page in pages] == [False] * 10 + [True] * 2


def test_one_account_gets_five_mails_a_day_and_nobody_is_told(
    browser: Browser, alice: Person
) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 3, tzinfo=UTC), tick=False):
        pages = {ask(browser(), "alice").content for _number in range(8)}
        answer_requests()
    assert len(pages) == 1
    assert len(recipients("password_reset")) == 5


# Which address it goes to


def row(key: str, age: float | None, *, is_primary: bool = False) -> EmailAddress:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    verified_at = None if age is None else now - timedelta(days=age)
    return EmailAddress(
        pk=len(key), address=key, address_key=key, verified_at=verified_at, is_primary=is_primary
    )


@pytest.mark.parametrize(
    ("addresses", "typed", "expected"),
    [
        # a sole verified address always gets it
        ([row("a", 0, is_primary=True)], "", "a"),
        ([row("a", 0, is_primary=True)], "a", "a"),
        ([row("a", 500, is_primary=True)], "", "a"),
        # the primary one for a user name, the typed one for an address
        ([row("a", 500, is_primary=True), row("bb", 400)], "", "a"),
        ([row("a", 500, is_primary=True), row("bb", 400)], "bb", "bb"),
        ([row("a", 500), row("bb", 400, is_primary=True)], "", "bb"),
        # one that was verified in the last 7 days waits, while an older one is there
        ([row("a", 500, is_primary=True), row("bb", 6.9)], "bb", "a"),
        ([row("a", 500), row("bb", 6.9, is_primary=True)], "", "a"),
        ([row("a", 500), row("bb", 7, is_primary=True)], "", "bb"),
        ([row("a", 500, is_primary=True), row("bb", 7)], "bb", "bb"),
        # "older" is by verification, however new both are: the account is new itself
        ([row("a", 3, is_primary=True), row("bb", 2)], "bb", "a"),
        ([row("a", 3, is_primary=True), row("bb", 2)], "a", "a"),
        ([row("a", 2, is_primary=True), row("bb", 3)], "", "bb"),
        # somebody signed in from an unknown device 3 days ago, and verified an address since
        ([row("a", 30, is_primary=True), row("bb", 2.9)], "bb", "a"),
        ([row("a", 30), row("bb", 2.9, is_primary=True)], "", "a"),
        # nothing to send it to
        ([], "", None),
        ([], "a", None),
    ],
)
def test_a_new_address_waits_while_an_older_one_is_there(
    addresses: list[EmailAddress], typed: str, expected: str | None
) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    for order in (addresses, addresses[::-1]):
        chosen = passwords.choose_address(order, typed, now=now)
        assert (chosen.address_key if chosen else None) == expected


def test_a_verified_address_that_is_not_primary_gets_the_mail_asked_for_it(
    browser: Browser, alice: Person
) -> None:
    give_address(alice, "second", age=30 * DAY)
    ask(browser(), "SECOND@example.org")
    answer_requests()
    assert recipients("password_reset") == ["second@example.org"]


def test_whoever_took_an_account_over_gets_no_reset_to_a_new_address(
    browser: Browser, alice: Person
) -> None:
    EmailAddress.objects.filter(user=alice.user).update(
        is_primary=False, verified_at=timezone.now() - 30 * DAY
    )
    give_address(alice, "thief", age=2 * DAY, is_primary=True)
    for text in ("thief@example.org", "alice"):
        ask(browser(), text)
    answer_requests()
    assert recipients("password_reset") == [alice.email] * 2


def test_neither_held_nor_unverified_addresses_get_the_mail(
    browser: Browser, alice: Person
) -> None:
    give_address(alice, "held", age=30 * DAY, held_at=timezone.now())
    EmailAddress.objects.create(user=alice.user, address="typed@example.org")
    for text in ("held@example.org", "typed@example.org"):
        ask(browser(), text)
    answer_requests()
    assert not PasswordReset.objects.exists()


@pytest.mark.parametrize("text", ["Typed@example.org", "newcomer@example.org", "newcomer"])
def test_an_unverified_address_is_told_that_it_resets_nothing(
    browser: Browser, alice: Person, text: str
) -> None:
    newcomer(is_verified=False)
    EmailAddress.objects.create(user=alice.user, address="typed@example.org")
    EmailAddress.objects.create(user=alice.user, address="held@example.org", held_at=timezone.now())
    for asked_for in (text, "held@example.org"):
        ask(browser(), asked_for)
    answer_requests()
    mail = OutboxMail.objects.get()
    expected = f"{text}@example.org" if "@" not in text else text.lower()
    assert (mail.notice, mail.recipient, mail.facts) == ("reset_unverified", expected, {})
    assert not PasswordReset.objects.exists()
    assert NEW not in str(notices.render(mail).body)


def test_an_unverified_address_is_told_so_three_times_a_day(browser: Browser, db: None) -> None:
    newcomer(is_verified=False)
    with time_machine.travel(datetime(2026, 11, 24, 3, tzinfo=UTC), tick=False):
        for text in ("newcomer", "newcomer@example.org") * 3:
            ask(browser(), text)
        answer_requests()
    assert recipients("reset_unverified") == ["newcomer@example.org"] * 3
    assert not OutboxMail.objects.filter(notice="password_reset").exists()


def test_the_worker_mails_a_link_that_works(
    committed_db: Database, mailbox: Mailbox, browser: Browser, alice: Person
) -> None:
    ask(browser(), "nobody")
    ask(browser(), "alice")
    assert notices.send_due() == 1
    assert notices.send_due() == 0
    (message,) = mailbox.messages
    assert message["To"] == alice.email
    assert "From: 192.0.2.17" in text_of(message)
    path = link_in(message, below=NEW).removeprefix("http://localhost:8000")
    assert browser().post(path, {"password": PASSWORD}).status_code == 302
    assert has_password(alice, PASSWORD)


def test_a_request_whose_worker_died_is_answered_by_the_next(
    committed_db: Database, mailbox: Mailbox, browser: Browser, alice: Person
) -> None:
    ask(browser(), "alice")
    mail = OutboxMail.objects.get()
    assert notices._lease_next(timezone.now()) is not None
    assert notices._find_recipient(mail)  # and here the worker dies
    assert notices.send_due(timezone.now() + notices.LEASE) == 1
    assert PasswordReset.objects.count() == 1


# Using the link


def test_the_link_sets_a_new_password(browser: Browser, alice: Person) -> None:
    link = asked_link(alice)
    client = browser()
    assert "alice" in text_of_page(client.get(link))
    response = client.post(link, {"password": PASSWORD})
    assert response["Location"].startswith(SIGN_IN)
    assert has_password(alice, PASSWORD)
    event = Event.objects.get(kind=PASSWORD_RESET.name)
    assert (event.actor_label, event.credential) == ("alice", "link")
    assert recipients("password_changed") == [alice.email]


def test_the_link_signs_nobody_in_and_skips_no_second_factor(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    client.post(asked_link(alice), {"password": PASSWORD})
    assert not is_signed_in(client)
    give_password(client, alice, PASSWORD)
    assert not is_signed_in(client)
    give_code(client, code_for(alice))
    assert is_signed_in(client)


def test_the_link_ends_all_sessions(browser: Browser, alice: Person) -> None:
    other = browser(alice)
    link = asked_link(alice)
    browser().post(link, {"password": PASSWORD})
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert not is_signed_in(other)


def test_the_link_works_once(browser: Browser, alice: Person) -> None:
    link = asked_link(alice)
    browser().post(link, {"password": PASSWORD})
    response = browser().post(link, {"password": f"{PASSWORD} again"})
    assert response.status_code == 403
    assert "has ended" in text_of_page(response)
    assert has_password(alice, PASSWORD)


def test_of_eight_who_use_one_link_at_once_one_succeeds(
    committed_db: Database, browser: Browser, alice: Person
) -> None:
    link = asked_link(alice)
    codes = race(8, lambda: browser().post(link, {"password": PASSWORD}).status_code)
    assert sorted(codes, key=str) == [302] + [403] * 7
    assert count_events(PASSWORD_RESET) == 1


def test_a_reset_that_was_found_open_is_asked_again_when_it_is_used(alice: Person) -> None:
    asked_link(alice)
    reset = PasswordReset.objects.get()
    passwords.reset_password(reset, PASSWORD, by=alice.actor)
    with pytest.raises(PermissionDenied):
        passwords.reset_password(reset, f"{PASSWORD} again", by=alice.actor)


def test_looking_at_the_page_uses_nothing_up(browser: Browser, alice: Person) -> None:
    link = asked_link(alice)
    for method in ("get", "head", "options"):
        getattr(browser(), method)(link)
    assert browser().post(link, {"password": "password"}).status_code == 200
    assert browser().post(link, {"password": PASSWORD}).status_code == 302


def test_the_link_ends_with_any_sign_in(browser: Browser, alice: Person) -> None:
    link = asked_link(alice)
    browser(alice)
    assert browser().get(link).status_code == 403
    assert browser().post(link, {"password": PASSWORD}).status_code == 403
    assert has_password(alice, alice.password)


def test_the_link_of_somebody_who_never_signed_in_works(browser: Browser, db: None) -> None:
    person = newcomer()
    assert person.user.last_login is None
    link = asked_link(person)
    assert browser().post(link, {"password": PASSWORD}).status_code == 302


def test_the_link_ends_with_a_change_of_the_password(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    link = asked_link(alice)
    client.post(CHANGE, {"password": PASSWORD})
    assert browser().post(link, {"password": f"{PASSWORD} again"}).status_code == 403


def test_a_second_link_ends_once_the_first_was_used(browser: Browser, alice: Person) -> None:
    first, second = asked_link(alice), asked_link(alice)
    browser().post(first, {"password": PASSWORD})
    assert browser().get(second).status_code == 403


def test_the_link_ends_after_six_hours(browser: Browser, alice: Person) -> None:
    link = asked_link(alice)
    with time_machine.travel(time.time() + RESET_LASTS + 2):
        assert browser().post(link, {"password": PASSWORD}).status_code == 403


def test_the_link_ends_with_its_address_and_with_the_account(
    browser: Browser, alice: Person
) -> None:
    link = asked_link(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert browser().post(link, {"password": PASSWORD}).status_code == 403
    User.objects.filter(pk=alice.user.pk).update(is_active=True)
    EmailAddress.objects.filter(user=alice.user).delete()
    assert browser().post(link, {"password": PASSWORD}).status_code == 403


def test_texts_for_other_purposes_open_nothing(browser: Browser, alice: Person) -> None:
    asked_link(alice)
    reset, address = PasswordReset.objects.get(), EmailAddress.objects.get(user=alice.user)
    texts = [
        "",
        "x",
        "\x00",
        str(reset.pk),
        sign_address(address),
        sign_reset(str(uuid4())),
        signing.dumps([str(reset.pk)]),
        signing.dumps([str(reset.pk)], salt="accounts.verify-address"),
    ]
    for text in texts:
        assert browser().get(f"{NEW}?{urlencode({'link': text})}").status_code in {400, 403}, text


def test_a_link_to_reset_verifies_no_address(browser: Browser, db: None) -> None:
    person = newcomer()
    link = asked_link(person)
    EmailAddress.objects.update(verified_at=None)
    text = link.partition("?")[2]
    browser(person).post(f"/account/verify/?{text}")
    assert not person.fresh_user.has_verified_email


def test_the_page_tells_no_other_site_its_address(browser: Browser, alice: Person) -> None:
    response = browser().get(asked_link(alice))
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]


# What a reset does not end


def test_tokens_stay_and_are_listed_to_be_revoked_after_a_full_sign_in(
    browser: Browser, alice: Person
) -> None:
    token = token_of(alice, name="release job")
    client = browser()
    response = client.post(asked_link(alice), {"password": PASSWORD})
    assert response["Location"].endswith("next=%2Faccount%2Fpassword%2Freset%2Fdone%2F")
    assert leads_to_sign_in(client.get("/account/password/reset/done/"))
    assert upload(token, "foo", "1.0").status_code == 200
    page = text_of_page(browser(alice).get("/account/password/reset/done/"))
    assert "release job" in page
    assert f"/account/tokens/{alice.fresh_user.api_tokens.get().pk}/revoke/" in page


def test_only_active_tokens_are_listed(browser: Browser, alice: Person, bob: Person) -> None:
    token_of(alice, name="former job")
    token_of(bob, name="of bob")
    alice.fresh_user.api_tokens.update(revoked_at=timezone.now())
    page = text_of_page(browser(alice).get("/account/password/reset/done/"))
    assert "former job" not in page
    assert "of bob" not in page
    assert "Nothing else acts in your name" in page


def test_old_rows_are_forgotten(alice: Person) -> None:
    asked_link(alice)
    assert passwords.forget_old_resets() == 0
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert passwords.forget_old_resets() == 1
