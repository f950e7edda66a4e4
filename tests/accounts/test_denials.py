"""“This was not me”: what the link in the mail about an unknown device does, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import limits, notices
from accounts.events import SIGN_IN_DENIED, UPLOADS_RESUMED
from accounts.links import read_denial, sign_denial, sign_reset
from accounts.models import (
    AuthenticatorApp,
    EmailAddress,
    KnownDevice,
    OutboxMail,
    UnknownSignIn,
    User,
    UserSession,
)
from accounts.operations import denials, emails, second_factors
from audit.models import Event
from tests.accounts.denying import add_address, add_app, break_in, deny, link_in_mail, recovered
from tests.accounts.doors import (
    count_events,
    give_code,
    give_password,
    is_signed_in,
    offer_of,
    text_of_page,
)
from tests.support.clone import Database, race
from tests.support.people import STEP, Person, code_for, make_person, totp
from tests.support.uploading import token_of, upload

Browser = Callable[..., Client]
HOUR = timedelta(hours=1)


@pytest.fixture
def intruder(browser: Browser, alice: Person) -> Client:
    """Somebody who got in to alice's account."""
    return break_in(browser, alice)


# The mail and its link


def test_the_mail_says_what_happened_and_holds_the_link(intruder: Client, alice: Person) -> None:
    message = notices.render(OutboxMail.objects.get(notice="unknown_device"))
    body = " ".join(str(message.body).split())
    assert message.to == [alice.email]
    assert "Firefox on Linux" in body
    assert "192.0.2.17" in body
    assert "7 days" in body
    link = parse_qs(urlsplit(link_in_mail()).query)["link"][0]
    assert read_denial(link) == (UnknownSignIn.objects.get().pk, alice.email)


def test_the_outbox_does_not_hold_the_link(intruder: Client, alice: Person) -> None:
    link_in_mail()
    assert "not-me" not in str(OutboxMail.objects.values())


def test_opening_the_link_does_nothing(browser: Browser, intruder: Client, alice: Person) -> None:
    visitor = browser()
    for method in (visitor.get, visitor.head):
        response = method(link_in_mail())
        assert response.status_code == 200
    assert is_signed_in(intruder)
    assert User.objects.get(pk=alice.user.pk).uploads_suspended_at is None
    assert "This was not me" in text_of_page(visitor.get(link_in_mail()))
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]


def test_the_button_cannot_be_pressed_by_another_site(intruder: Client) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    assert client.post(link_in_mail()).status_code == 403
    assert is_signed_in(intruder)


@pytest.mark.parametrize(
    "make",
    [
        lambda pk, address: "",
        lambda pk, address: "nonsense",
        lambda pk, address: sign_denial(pk, address)[:-1] + "x",
        lambda pk, address: sign_denial(pk + 1, address),
        lambda pk, address: sign_reset(str(pk)),  # of another purpose
        lambda pk, address: signing.dumps([pk, address]),
        lambda pk, address: sign_denial(pk, address) + "☎",
    ],
)
def test_another_link_does_nothing(
    browser: Browser, intruder: Client, alice: Person, make: Callable[[int, str], str]
) -> None:
    link = make(UnknownSignIn.objects.get().pk, alice.email)
    client = browser()
    for method in (client.get, client.post):
        response = method("/account/not-me/", query_params={"link": link})
        assert response.status_code == 400
    assert is_signed_in(intruder)


def test_the_link_works_for_seven_days_whenever_it_was_sent(
    browser: Browser, intruder: Client
) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=7)):
        response = browser().post(link_in_mail())  # sent late, and opened at once
    assert response.status_code == 400
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23)):
        deny(browser)


def test_the_link_works_once(browser: Browser, intruder: Client, alice: Person) -> None:
    link = link_in_mail()
    deny(browser)
    recovered(browser, alice)
    response = browser().post(link)
    assert response.status_code == 400
    assert "was used or has ended" in text_of_page(response)
    assert User.objects.get(pk=alice.user.pk).has_usable_password()
    assert count_events(SIGN_IN_DENIED) == 1


def test_of_eight_who_press_the_button_one_is_first(committed_db: Database) -> None:
    alice = make_person("alice")
    row = UnknownSignIn.objects.create(user=alice.user)

    def press() -> None:
        sign_in = UnknownSignIn.objects.get(pk=row.pk)
        denials.deny_sign_in(sign_in, address=alice.email, by=alice.actor)

    outcomes = race(8, press)
    assert outcomes.count(None) == 1
    assert sum(isinstance(row, PermissionDenied) for row in outcomes) == 7
    assert count_events(SIGN_IN_DENIED) == 1


# What it does


def test_all_sessions_end_and_all_devices_are_forgotten(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    of_alice, half_open = browser(alice), browser()
    give_password(half_open, alice)
    deny(browser)
    assert not is_signed_in(intruder)
    assert not is_signed_in(of_alice)
    give_code(half_open, code_for(alice))
    assert not is_signed_in(half_open)
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert not KnownDevice.objects.filter(user=alice.user).exists()


def test_the_password_no_longer_works(browser: Browser, intruder: Client, alice: Person) -> None:
    deny(browser)
    assert not User.objects.get(pk=alice.user.pk).has_usable_password()
    response = give_password(browser(), alice)
    assert "is wrong" in text_of_page(response)


def test_uploads_are_refused_with_a_sentence_until_they_are_resumed(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    token = token_of(alice)
    assert upload(token, "foo", "1.0").status_code == 200
    deny(browser)
    response = upload(token, "foo", "2.0")
    assert response.status_code == 403
    assert response.reason_phrase.startswith("Uploads of the account alice are suspended")
    client = recovered(browser, alice)
    client.post("/account/held/", {"resume": "1"})
    assert upload(token, "foo", "2.0").status_code == 200
    assert count_events(UPLOADS_RESUMED) == 1
    assert OutboxMail.objects.filter(notice="uploads_resumed").count() == 1


def test_what_was_added_since_counts_no_more_and_what_is_older_does(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    app = add_app(alice, "of the intruder")
    address = add_address(alice, "intruder@example.com")
    deny(browser)
    app.refresh_from_db()
    address.refresh_from_db()
    assert app.held_at is not None
    assert address.held_at is not None
    assert alice.app.held_at is None
    assert [row.name for row in alice.fresh_user.second_factors] == ["phone"]
    User.objects.update(password=make_password(alice.password))
    client = browser()
    give_password(client, alice)
    give_code(client, totp(b"twenty bytes of tea!", int(timezone.now().timestamp() // STEP)))
    assert not is_signed_in(client)


def test_an_app_that_was_only_offered_is_offered_no_more(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    _app, secret = offer_of(alice)  # the intruder has seen it
    deny(browser)
    assert not AuthenticatorApp.objects.filter(user=alice.user, confirmed=False).exists()
    assert offer_of(alice)[1] != secret


def test_recovery_codes_that_were_made_since_end(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    second_factors.create_recovery_codes(alice.fresh_user, by=alice.actor)
    deny(browser)
    assert alice.fresh_user.recovery_codes is None


def test_older_recovery_codes_stay(browser: Browser, intruder: Client, alice: Person) -> None:
    deny(browser)
    codes = alice.fresh_user.recovery_codes
    assert codes is not None
    assert codes.unused == 8


def test_a_primary_address_of_the_intruder_gives_way_to_the_old_one(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    old = EmailAddress.objects.get(user=alice.user)
    new = add_address(alice, "intruder@example.com")
    EmailAddress.objects.filter(pk=old.pk).update(is_primary=False)
    EmailAddress.objects.filter(pk=new.pk).update(is_primary=True)
    deny(browser)
    assert alice.fresh_user.primary_email == old


def test_an_address_that_the_intruder_removed_comes_back(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    EmailAddress.objects.filter(user=alice.user).delete()
    new = add_address(alice, "intruder@example.com")
    EmailAddress.objects.filter(pk=new.pk).update(is_primary=True)
    deny(browser)
    primary = alice.fresh_user.primary_email
    assert primary is not None
    assert primary.address == alice.email
    assert primary.verified_at is not None
    assert primary.added_at < new.added_at - 24 * 8 * HOUR  # it resets the password at once
    assert alice.email in {mail.recipient for mail in denied_mails()}


def test_an_address_that_the_intruder_removed_and_added_again_is_verified_again(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    own = EmailAddress.objects.get(user=alice.user)
    emails.make_primary(add_address(alice, "intruder@example.com"), by=alice.actor)
    emails.remove_address(own, by=alice.actor)
    emails.add_address(alice.fresh_user, alice.email, by=alice.actor)
    deny(browser)
    [usable] = alice.fresh_user.email_addresses.usable()
    assert (usable.address, usable.is_primary) == (alice.email, True)
    assert usable.added_at < timezone.now() - 24 * 8 * HOUR


def test_a_removed_address_comes_back_beside_an_old_primary_one(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    other = add_address(alice, "other@example.org")
    EmailAddress.objects.filter(pk=other.pk).update(added_at=timezone.now() - 100 * HOUR)
    EmailAddress.objects.filter(address=alice.email).delete()
    EmailAddress.objects.filter(pk=other.pk).update(is_primary=True)
    deny(browser)
    usable = alice.fresh_user.email_addresses.usable()
    assert [row.address for row in usable] == ["other@example.org", alice.email]


def sign_in_once_more(browser: Browser, person: Person) -> None:
    """The intruder, with another browser, a minute later."""
    with time_machine.travel(timezone.now() + HOUR / 60):
        count, client = UnknownSignIn.objects.count(), browser()
        give_password(client, person)
        give_code(client, code_for(person))
        assert UnknownSignIn.objects.count() == count + 1


def test_signing_in_once_more_does_not_make_what_was_added_before_look_old(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    sign_in_once_more(browser, alice)
    app, address = add_app(alice, "of the intruder"), add_address(alice, "intruder@example.com")
    second_factors.create_recovery_codes(alice.fresh_user, by=alice.actor)
    assert app.created_at < UnknownSignIn.objects.latest("happened_at").happened_at
    with time_machine.travel(timezone.now() + HOUR):
        deny(browser)
    app.refresh_from_db()
    address.refresh_from_db()
    assert app.held_at is not None
    assert address.held_at is not None
    assert alice.fresh_user.recovery_codes is None
    assert alice.fresh_user.has_verified_email


def test_a_denial_by_the_intruder_keeps_the_owners_link_and_makes_nothing_theirs(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    link = link_in_mail()
    own, theirs = EmailAddress.objects.get(), add_address(alice, "intruder@example.com")
    emails.make_primary(theirs, by=alice.actor)
    emails.remove_address(own, by=alice.actor)
    sign_in_once_more(browser, alice)
    link_of_intruder = link_in_mail()
    sign_in_once_more(browser, alice)
    last_link = link_in_mail()
    with time_machine.travel(timezone.now() + HOUR):
        assert browser().post(link_of_intruder).status_code == 200
        assert not alice.fresh_user.email_addresses.usable().exists()
        assert browser().post(link).status_code == 200
        assert browser().post(last_link).status_code == 400  # nor is it after the owner's
    assert [row.address for row in alice.fresh_user.email_addresses.usable()] == [alice.email]


def test_a_denial_by_the_intruder_leaves_the_owner_a_primary_address(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    emails.make_primary(add_address(alice, "intruder@example.com"), by=alice.actor)
    sign_in_once_more(browser, alice)
    with time_machine.travel(timezone.now() + HOUR):
        deny(browser)
        primary = alice.fresh_user.primary_email
        assert primary is not None
        assert primary.address == alice.email
        assert recovered(browser, alice).get("/account/held/").status_code == 200


def test_the_owner_gets_a_reset_mail_though_the_intruder_has_used_them_up(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    key = str(alice.user.pk)
    for _number in range(limits.RESET_USER[0].times):
        limits.RESET_USER.take(key)
    with pytest.raises(limits.LimitReached):
        limits.RESET_USER.take(key)
    deny(browser)
    limits.RESET_USER.take(key)


def test_a_removed_address_that_another_account_has_now_does_not_come_back(
    browser: Browser, intruder: Client, alice: Person, bob: Person
) -> None:
    EmailAddress.objects.filter(user=alice.user).delete()
    EmailAddress.objects.create(user=bob.user, address=alice.email, verified_at=timezone.now())
    deny(browser)
    assert not EmailAddress.objects.filter(user=alice.user).exists()


def denied_mails() -> list[OutboxMail]:
    return list(OutboxMail.objects.filter(notice="sign_in_denied"))


def test_all_verified_addresses_are_told(browser: Browser, intruder: Client, alice: Person) -> None:
    second = add_address(alice, "second@example.org")
    EmailAddress.objects.filter(pk=second.pk).update(added_at=timezone.now() - 100 * HOUR)
    EmailAddress.objects.create(user=alice.user, address="unverified@example.org")
    add_address(alice, "new@example.org")  # held, and the owner's own perhaps
    deny(browser)
    told = {mail.recipient for mail in denied_mails()}
    assert told == {alice.email, "second@example.org", "new@example.org"}
    body = str(notices.render(denied_mails()[0]).body)
    assert "http://localhost:8000/account/password/reset/" in body


def test_it_is_recorded_as_the_owners_act_by_a_link(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    add_app(alice, "of the intruder")
    deny(browser)
    event = Event.objects.get(kind=SIGN_IN_DENIED.name)
    assert (event.actor_label, event.credential) == ("alice", "link")
    assert event.fields["held"] == 1


def test_nobody_waits_for_a_row_once_the_memory_is_held(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    browser(alice)
    with CaptureQueriesContext(connection) as queries:
        deny(browser)
    asked = [query["sql"] for query in queries]
    held = next(n for n, sql in enumerate(asked) if 'UPDATE "audit_chainhead"' in sql)
    later = [
        sql for sql in asked[held:] if sql.startswith(("DELETE", "UPDATE")) and "audit_" not in sql
    ]
    assert not [sql for sql in later if "django_session" not in sql and "accounts_" in sql]
    assert not KnownDevice.objects.filter(user=alice.user).exists()
