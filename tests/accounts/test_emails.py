from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import time_machine
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts.events import EMAIL_ADDED, EMAIL_VERIFICATION_SENT, EMAIL_VERIFIED
from accounts.limits import LimitReached
from accounts.links import VERIFY_LASTS, read_address, sign_address
from accounts.models import EmailAddress, OutboxMail
from accounts.operations import emails
from audit.models import Event, EventOrigin
from tests.accounts.doors import (
    count_events,
    find_recipients,
    hidden_fields,
    leads_to_sign_in,
    newcomer,
    text_of_page,
)
from tests.support.clone import Database, race_all
from tests.support.people import Person

Browser = Callable[..., Client]
VERIFY = "/account/verify/"
ADDRESS = "/account/address/"
AGAIN = "/account/address/send-again/"


def address_of(person: Person) -> EmailAddress:
    return EmailAddress.objects.get(user=person.user)


def link_to(address: EmailAddress) -> str:
    return f"{VERIFY}?{urlencode({'link': sign_address(address)})}"


def is_verified(person: Person) -> bool:
    return person.fresh_user.has_verified_email


# The link


def test_the_link_verifies_the_address_of_its_owner(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    client = browser(person)
    assert client.post(link_to(address_of(person)))["Location"] == "/account/security/"
    assert is_verified(person)
    assert count_events(EMAIL_VERIFIED) == 1


def test_opening_the_link_alone_verifies_nothing(browser: Browser, db: None) -> None:
    # Programs that look through mail open every link
    person = newcomer(is_verified=False)
    client = browser(person)
    link = link_to(address_of(person))
    for answer in (client.get(link), client.head(link), client.options(link)):
        assert answer.status_code == 200
    assert not is_verified(person)


def test_the_link_does_not_work_without_signing_in(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    link = link_to(address_of(person))
    assert leads_to_sign_in(browser().get(link))
    assert leads_to_sign_in(browser().post(link))
    assert not is_verified(person)


def test_the_way_through_the_sign_in_page_keeps_the_link(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    link = link_to(address_of(person))
    sign_in = browser().get(link)["Location"]
    client = browser()
    response = client.post(
        sign_in,
        {
            "sign_in_view-current_step": "auth",
            "auth-username": person.username,
            "auth-password": person.password,
        },
    )
    assert response["Location"] == link


def test_another_account_cannot_use_the_link(browser: Browser, mallory: Person) -> None:
    person = newcomer(is_verified=False)
    link = link_to(address_of(person))
    client = browser(mallory)
    assert "belongs to another account" in text_of_page(client.get(link))
    assert client.post(link).status_code == 400
    assert not is_verified(person)
    with pytest.raises(PermissionDenied):
        emails.verify_address(address_of(person), by=mallory.actor)


def test_the_page_for_another_account_does_not_name_the_address(
    browser: Browser, mallory: Person
) -> None:
    person = newcomer(is_verified=False)
    page = text_of_page(browser(mallory).get(link_to(address_of(person))))
    assert person.email not in page


def test_the_link_ends_after_six_hours(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    link = link_to(address_of(person))
    with time_machine.travel(time.time() + VERIFY_LASTS + 2):
        response = browser(person).post(link)
    assert response.status_code == 400
    assert "has ended" in text_of_page(response)
    assert not is_verified(person)


@pytest.mark.parametrize("link", ["", "x", "a:b:c", "\x00", "é" * 500, ":::::"])
def test_links_that_this_site_did_not_make_are_refused(
    browser: Browser, db: None, link: str
) -> None:
    person = newcomer(is_verified=False)
    response = browser(person).post(f"{VERIFY}?{urlencode({'link': link})}")
    assert response.status_code == 400
    assert not is_verified(person)


def test_a_text_signed_for_another_purpose_is_no_link(db: None) -> None:
    address = address_of(newcomer(is_verified=False))
    for salt in ("django.core.signing", "accounts.reset-password", ""):
        other = signing.dumps([address.pk, address.address_key], salt=salt)
        with pytest.raises(signing.BadSignature):
            read_address(other)


def test_the_link_to_an_address_that_was_replaced_is_refused(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    link = link_to(address_of(person))
    EmailAddress.objects.filter(user=person.user).update(
        address="other@example.org", address_key="other@example.org"
    )
    assert browser(person).post(link).status_code == 400
    assert not is_verified(person)


def test_the_page_tells_no_other_site_its_address(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    response = browser(person).get(link_to(address_of(person)))
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]


def test_verifying_twice_is_one_event(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    client, link = browser(person), link_to(address_of(person))
    client.post(link)
    client.post(link)
    assert count_events(EMAIL_VERIFIED) == 1


# One account for each verified address


def with_address(username: str, address: str) -> Person:
    person = newcomer(username, is_verified=False)
    EmailAddress.objects.filter(user=person.user).update(
        address=address, address_key=address.lower()
    )
    return person


def test_an_address_that_another_account_has_verified_is_refused(
    browser: Browser, db: None
) -> None:
    first, second = with_address("one", "me@example.org"), with_address("two", "ME@example.org")
    browser(first).post(link_to(address_of(first)))
    response = browser(second).post(link_to(address_of(second)))
    assert "Another account has verified this address" in text_of_page(response)
    assert not is_verified(second)


def test_whoever_only_typed_an_address_does_not_keep_its_owner_from_it(
    browser: Browser, db: None
) -> None:
    with_address("squatter", "me@example.org")
    owner = with_address("owner", "me@example.org")
    browser(owner).post(link_to(address_of(owner)))
    assert is_verified(owner)


def test_of_two_accounts_that_verify_one_address_at_once_one_has_it(
    committed_db: Database,
) -> None:
    people = [with_address(f"person{number}", "me@example.org") for number in range(4)]

    def verify(person: Person) -> Callable[[], bool]:
        address, by = address_of(person), person.actor

        def run() -> bool:
            try:
                return emails.verify_address(address, by=by)
            except ValidationError:
                return False

        return run

    assert race_all([verify(person) for person in people]).count(True) == 1
    assert EmailAddress.objects.filter(verified_at__isnull=False).count() == 1


# Another mail, another address


def test_another_mail_can_be_asked_for_three_times(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    client = browser(person)
    with time_machine.travel(time.time(), tick=False):
        for _number in range(4):
            client.post(AGAIN)
    assert OutboxMail.objects.filter(notice="verify_address").count() == 3
    assert count_events(EMAIL_VERIFICATION_SENT) == 3


def test_changing_the_address_gives_no_further_mails(browser: Browser, db: None) -> None:
    # Otherwise this page could be used to send mail to strangers
    person = newcomer(is_verified=False)
    client = browser(person)
    with time_machine.travel(time.time(), tick=False):
        for number in range(6):
            client.post(ADDRESS, {"email": f"stranger{number}@example.org"})
            client.post(AGAIN)
    mails = ["account:email:added", "account:email:verification-sent"]
    assert Event.objects.filter(kind__in=mails).count() == 3
    # Only the last address still has a mail on its way
    assert OutboxMail.objects.count() == 1


def test_no_mail_is_sent_for_a_verified_address(browser: Browser, alice: Person) -> None:
    browser(alice).post(AGAIN)
    assert not OutboxMail.objects.exists()


def test_a_mistyped_address_can_be_put_right(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    former = link_to(address_of(person))
    browser(person).post(ADDRESS, {"email": "right@example.org"})
    assert address_of(person).address == "right@example.org"
    find_recipients()
    assert OutboxMail.objects.get().recipient == "right@example.org"
    assert browser(person).post(former).status_code == 400
    assert count_events(EMAIL_ADDED) == 1


def test_another_address_asks_again_after_five_minutes_and_another_mail_does_not(
    browser: Browser, db: None
) -> None:
    person = newcomer(is_verified=False)
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(person)
        clock.shift(5 * 60)
        assert client.post(AGAIN)["Location"] == "/account/security/"
        page = client.post(ADDRESS, {"email": "right@example.org"})
        assert "more than 5 minutes old" in text_of_page(page)
        assert address_of(person).address == person.email
        client.post(ADDRESS, hidden_fields(page) | {"sudo-password": person.password})
    assert address_of(person).address == "right@example.org"


def test_a_mail_to_a_mistyped_address_is_not_sent(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    client = browser(person)
    client.post(AGAIN)
    client.post(ADDRESS, {"email": "right@example.org"})
    find_recipients()
    assert [mail.recipient for mail in OutboxMail.objects.all()] == ["right@example.org"]


def test_changing_an_address_takes_no_mail_from_another_account(browser: Browser, db: None) -> None:
    squatter = with_address("squatter", "me@example.org")
    owner = with_address("owner", "me@example.org")
    emails.send_verification(address_of(owner), by=owner.actor)
    browser(squatter).post(ADDRESS, {"email": "other@example.org"})
    assert OutboxMail.objects.filter(facts={"address_id": address_of(owner).pk}).exists()


def test_a_verified_address_cannot_be_replaced_by_an_unverified_one(
    browser: Browser, alice: Person
) -> None:
    browser(alice).post(ADDRESS, {"email": "mallory@example.org"})
    assert address_of(alice).address == alice.email
    with pytest.raises(PermissionDenied):
        emails.change_unverified_address(alice.user, "mallory@example.org", by=alice.actor)


def test_an_address_that_is_verified_meanwhile_is_not_replaced(db: None) -> None:
    person = newcomer(is_verified=False)
    assert not person.user.has_verified_email
    EmailAddress.objects.filter(user=person.user).update(verified_at=timezone.now())
    with pytest.raises(PermissionDenied):
        emails.change_unverified_address(person.user, "new@example.org", by=person.actor)


@pytest.mark.parametrize(
    "email",
    [
        "bad",
        "foo]bar@example.com",
        "</body></html>",
        "a@b",
        "a\x00@example.org",
        "",
        "x@" + "y" * 300,
        "a@example.org\nBcc: b@example.org",
        "a@example.org,b@example.org",
    ],
)
def test_addresses_that_are_none_are_refused(browser: Browser, db: None, email: str) -> None:
    person = newcomer(is_verified=False)
    browser(person).post(ADDRESS, {"email": email})
    assert address_of(person).address == person.email
    assert not OutboxMail.objects.exists()


def test_addresses_stand_in_the_erasable_part_of_events_only(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    browser(person).post(ADDRESS, {"email": "private@example.org"})
    browser(person).post(link_to(address_of(person)))
    assert "private@example.org" not in str(list(Event.objects.values()))
    assert "private@example.org" in str(list(EventOrigin.objects.values("mail_addresses")))


def test_the_fourth_mail_is_refused_by_the_operation(db: None) -> None:
    person = newcomer(is_verified=False)
    address = address_of(person)
    with time_machine.travel(time.time(), tick=False):
        for _number in range(3):
            emails.send_verification(address, by=person.actor)
        with pytest.raises(LimitReached):
            emails.send_verification(address, by=person.actor)


def test_the_stored_mail_holds_no_link(browser: Browser, db: None) -> None:
    person = newcomer(is_verified=False)
    browser(person).post(AGAIN)
    mail = OutboxMail.objects.get()
    assert mail.facts == {"address_id": address_of(person).pk}


def test_the_page_that_the_unverified_are_led_to_says_why_once(browser: Browser, db: None) -> None:
    client = browser(newcomer(is_verified=False))
    response = client.get("/account/tokens/", follow=True)
    assert list(response.context["messages"]) == []
    page = text_of_page(response)
    assert page.count("Your mail address is not verified") == 1
    assert "you cannot add a second factor, make API tokens or do anything else" in page


def test_the_unverified_are_offered_nothing_that_leads_back_to_the_same_page(
    browser: Browser, db: None
) -> None:
    client = browser(newcomer(is_verified=False))
    page = client.get("/account/security/").content.decode()
    main = page[page.index("<main") : page.index("</main")]
    assert re.findall(r'href="(/account/[^"]*)"', main) == []
    assert re.findall(r'action="([^"]*)"', main) == [AGAIN, ADDRESS]


def test_whoever_gets_no_mail_is_told_who_else_can_verify_the_address(
    browser: Browser, db: None
) -> None:
    page = text_of_page(browser(newcomer(is_verified=False)).get("/account/security/"))
    assert "ask the people who run this site: they can verify the address, too" in page
    assert "was sent" not in page  # to whom an import made an account, none was
