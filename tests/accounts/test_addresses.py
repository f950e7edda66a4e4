"""Several mail addresses of one account."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts.events import (
    EMAIL_ADDED,
    EMAIL_IN_USE,
    EMAIL_PRIMARY_CHANGED,
    EMAIL_REMOVED,
    EMAIL_VERIFIED,
)
from accounts.links import sign_address
from accounts.models import EmailAddress, OutboxMail
from accounts.operations import emails
from audit.models import Event, EventOrigin
from tests.accounts.doors import count_events, find_recipients, newcomer, text_of_page
from tests.support.clone import Database, race_all
from tests.support.people import Person

Browser = Callable[..., Client]
ADD = "/account/addresses/add/"
SECURITY = "/account/security/"


def give_address(person: Person, name: str = "second", **fields: Any) -> EmailAddress:
    facts = {"verified_at": timezone.now()} | fields
    return EmailAddress.objects.create(user=person.user, address=f"{name}@example.org", **facts)


def door(address: EmailAddress, act: str) -> str:
    return f"/account/addresses/{address.pk}/{act}/"


def primary_of(person: Person) -> str:
    return EmailAddress.objects.get(user=person.user, is_primary=True).address


def told(notice: str) -> set[str]:
    find_recipients()
    return set(OutboxMail.objects.filter(notice=notice).values_list("recipient", flat=True))


# Adding one


def test_an_added_address_counts_once_its_link_was_opened(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    assert client.post(ADD, {"email": "second@example.org"})["Location"] == SECURITY
    address = EmailAddress.objects.get(address="second@example.org")
    assert (address.is_primary, address.verified_at) == (False, None)
    assert told("verify_address") == {"second@example.org"}
    client.post(f"/account/verify/?{urlencode({'link': sign_address(address)})}")
    address.refresh_from_db()
    assert address.verified_at is not None
    assert count_events(EMAIL_ADDED) == count_events(EMAIL_VERIFIED) == 1


def test_all_verified_addresses_are_told_of_a_new_one(browser: Browser, alice: Person) -> None:
    give_address(alice)
    give_address(alice, "unverified", verified_at=None)
    give_address(alice, "held", held_at=timezone.now())
    browser(alice).post(ADD, {"email": "third@example.org"})
    assert told("address_added") == {alice.email, "second@example.org"}


@pytest.mark.parametrize("email", ["ALICE@example.org", "bad", "", "a@b", "x" * 250 + "@y.org"])
def test_what_cannot_be_added_is_refused_in_words(
    browser: Browser, alice: Person, email: str
) -> None:
    page = browser(alice).post(ADD, {"email": email})
    assert "This was not accepted yet" in text_of_page(page)
    assert EmailAddress.objects.filter(user=alice.user).count() == 1


def test_an_account_without_a_verified_address_adds_none(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    browser(person).post(ADD, {"email": "second@example.org"})
    assert EmailAddress.objects.filter(user=person.user).count() == 1
    with pytest.raises(PermissionDenied):
        emails.add_address(person.user, "second@example.org", by=person.actor)


def test_an_account_has_at_most_ten_addresses(alice: Person) -> None:
    for number in range(9):
        give_address(alice, f"number{number}")
    with pytest.raises(ValidationError, match="at most 10"):
        emails.add_address(alice.user, "eleventh@example.org", by=alice.actor)


def test_three_addresses_are_added_in_six_hours(browser: Browser, alice: Person) -> None:
    # Otherwise this page could be used to send mail to strangers
    client = browser(alice)
    with time_machine.travel(time.time(), tick=False):
        for number in range(5):
            client.post(ADD, {"email": f"stranger{number}@example.org"})
    assert len(told("verify_address")) == 3


# An address that another account has


def test_an_address_in_use_gets_the_same_answer_and_a_mail_that_says_so(
    browser: Browser, alice: Person, bob: Person
) -> None:
    client, moment = browser(alice), time.time() + 30
    pages = []
    for email in (bob.email, "free@example.org"):
        with time_machine.travel(moment, tick=False):
            page = text_of_page(client.post(ADD, {"email": email}, follow=True))
        page = page.replace(email, "…")
        pages.append(re.sub(r'value="\w{64}"|addresses/\d+|datetime="[^"]+"', "", page))
        find_recipients()
        EmailAddress.objects.filter(user=alice.user, is_primary=False).delete()
    assert pages[0] == pages[1]
    assert "A mail is on its way to …" in pages[0]
    assert told("verify_address") == {"free@example.org"}
    assert told("address_in_use") == {bob.email}


def test_the_mail_about_an_address_in_use_does_not_say_where_somebody_sits(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser(alice).post(ADD, {"email": bob.email})
    find_recipients()
    mail = OutboxMail.objects.get(notice="address_in_use")
    assert mail.facts == {"typed_for": "alice"}
    assert "192.0.2.17" not in str(mail.origin)


def test_its_owner_has_it_in_the_history_without_the_other_account(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser(alice).post(ADD, {"email": bob.email})
    assert not Event.objects.for_user(bob.user).exists()  # numbers of events would tell
    find_recipients()
    event = Event.objects.for_user(bob.user).get()
    assert (event.kind, event.actor_label) == (EMAIL_IN_USE.name, "")


def test_an_address_in_use_gets_three_such_mails_a_day(
    browser: Browser, alice: Person, bob: Person
) -> None:
    with time_machine.travel(time.time() // 86400 * 86400 + 60, tick=False) as clock:
        for _number in range(5):
            browser(alice).post(ADD, {"email": bob.email})
            find_recipients()
            EmailAddress.objects.filter(user=alice.user, is_primary=False).delete()
            clock.shift(3 * 3600)
    assert OutboxMail.objects.filter(notice="address_in_use").count() == 3


def test_an_address_in_use_cannot_be_verified_for_another_account(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser(alice).post(ADD, {"email": bob.email})
    address = EmailAddress.objects.get(user=alice.user, is_primary=False)
    page = browser(alice).post(f"/account/verify/?{urlencode({'link': sign_address(address)})}")
    assert "Another account has verified this address" in text_of_page(page)


# The primary one


def test_a_verified_address_becomes_the_primary_one(browser: Browser, alice: Person) -> None:
    address = give_address(alice)
    client = browser(alice)
    assert "second@example.org" in text_of_page(client.get(door(address, "primary")))
    client.post(door(address, "primary"))
    assert primary_of(alice) == "second@example.org"
    event = Event.objects.get(kind=EMAIL_PRIMARY_CHANGED.name)
    origin = EventOrigin.objects.get(event_number=event.number)
    assert origin.mail_addresses == [alice.email, "second@example.org"]


def test_the_former_primary_address_and_all_others_are_told(
    browser: Browser, alice: Person
) -> None:
    address = give_address(alice)
    give_address(alice, "third")
    browser(alice).post(door(address, "primary"))
    expected = {alice.email, "second@example.org", "third@example.org"}
    assert told("primary_address_changed") == expected


@pytest.mark.parametrize("wrong", ["unverified", "held", "without a second factor"])
def test_what_cannot_be_the_primary_address(browser: Browser, alice: Person, wrong: str) -> None:
    person = newcomer() if wrong == "without a second factor" else alice
    fields = {"unverified": {"verified_at": None}, "held": {"held_at": timezone.now()}}
    address = give_address(person, **fields.get(wrong, {}))
    browser(person).post(door(address, "primary"))
    assert primary_of(person) == person.email
    assert not OutboxMail.objects.exists()
    with pytest.raises(PermissionDenied):
        emails.make_primary(address, by=person.actor)


def test_the_primary_address_stays_so_without_a_word(browser: Browser, alice: Person) -> None:
    address = EmailAddress.objects.get(user=alice.user)
    browser(alice).post(door(address, "primary"))
    assert primary_of(alice) == alice.email
    assert count_events(EMAIL_PRIMARY_CHANGED) == 0


def test_of_several_who_choose_a_primary_address_at_once_one_is_left(
    committed_db: Database, alice: Person
) -> None:
    rows = [give_address(alice, f"number{number}") for number in range(4)]
    by = alice.actor
    outcomes = race_all([lambda row=row: emails.make_primary(row, by=by) for row in rows])
    assert [value for value in outcomes if isinstance(value, BaseException)] == []
    assert EmailAddress.objects.filter(user=alice.user, is_primary=True).count() == 1


# Removing one


def test_a_removed_address_is_told_and_so_are_the_others(browser: Browser, alice: Person) -> None:
    address = give_address(alice)
    client = browser(alice)
    assert "second@example.org" in text_of_page(client.get(door(address, "remove")))
    client.post(door(address, "remove"))
    assert not EmailAddress.objects.filter(pk=address.pk).exists()
    assert told("address_removed") == {alice.email, "second@example.org"}
    assert count_events(EMAIL_REMOVED) == 1


def test_the_primary_address_is_not_removed(browser: Browser, alice: Person) -> None:
    address = EmailAddress.objects.get(user=alice.user)
    page = browser(alice).post(door(address, "remove"), follow=True)
    assert "cannot be removed" in text_of_page(page)
    assert primary_of(alice) == alice.email


def test_a_link_to_an_address_that_was_removed_and_added_again_is_void(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    client.post(ADD, {"email": "second@example.org"})
    former = EmailAddress.objects.get(address="second@example.org")
    link = f"/account/verify/?{urlencode({'link': sign_address(former)})}"
    client.post(door(former, "remove"))
    client.post(ADD, {"email": "second@example.org"})
    assert client.post(link).status_code == 400
    assert EmailAddress.objects.get(address="second@example.org").verified_at is None


def test_removing_withdraws_the_mail_that_was_not_sent(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    client.post(ADD, {"email": "second@example.org"})
    client.post(door(EmailAddress.objects.get(address="second@example.org"), "remove"))
    assert told("verify_address") == set()


# Whose they are


@pytest.mark.parametrize("act", ["remove", "primary", "resend"])
def test_addresses_of_others_are_not_there(
    browser: Browser, alice: Person, mallory: Person, act: str
) -> None:
    address = give_address(alice, verified_at=None if act == "resend" else timezone.now())
    assert browser(mallory).post(door(address, act)).status_code == 404
    verb = {
        "remove": emails.remove_address,
        "primary": emails.make_primary,
        "resend": emails.send_verification,
    }
    with pytest.raises(PermissionDenied):
        verb[act](address, by=mallory.actor)
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize("act", ["remove", "primary"])
def test_changing_addresses_needs_sudo_mode(browser: Browser, alice: Person, act: str) -> None:
    address = give_address(alice)
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(timedelta(minutes=5))
        assert client.post(door(address, act)).status_code == 403
        assert client.post(ADD, {"email": "third@example.org"}).status_code == 403
    assert EmailAddress.objects.filter(user=alice.user).count() == 2
    assert primary_of(alice) == alice.email


def test_another_mail_for_an_address_that_was_added(browser: Browser, alice: Person) -> None:
    address = give_address(alice, verified_at=None)
    browser(alice).post(door(address, "resend"))
    assert told("verify_address") == {"second@example.org"}


def test_an_address_that_is_verified_gets_no_other_mail(browser: Browser, alice: Person) -> None:
    browser(alice).post(door(give_address(alice), "resend"))
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize("pk", ["x", "-1", "1.5", "9" * 30])
def test_ids_that_are_none_are_not_found(browser: Browser, alice: Person, pk: str) -> None:
    assert browser(alice).post(f"/account/addresses/{pk}/remove/").status_code == 404


def test_the_page_of_a_link_that_was_used_says_so(browser: Browser, alice: Person) -> None:
    address = EmailAddress.objects.get(user=alice.user)
    page = browser(alice).get(f"/account/verify/?{urlencode({'link': sign_address(address)})}")
    assert "is verified already" in text_of_page(page)


def test_a_link_is_bound_to_the_owner_of_its_address(browser: Browser, alice: Person) -> None:
    # The row of an address is never given to another account; the link would not follow it
    person = newcomer(is_verified=False)
    address = EmailAddress.objects.get(user=person.user)
    link = f"/account/verify/?{urlencode({'link': sign_address(address)})}"
    EmailAddress.objects.filter(pk=address.pk).update(user=alice.user, is_primary=False)
    assert browser(alice).post(link).status_code == 400
