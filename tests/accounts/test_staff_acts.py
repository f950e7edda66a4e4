from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts import notices, switches
from accounts.events import EMAIL_VERIFIED_BY_STAFF, LIMIT_CLEARED, STAFF_ACT_REFUSED, SWITCHED
from accounts.limits import FACTOR_USER
from accounts.models import (
    AccountLink,
    AuthenticatorApp,
    EmailAddress,
    OutboxMail,
    RateCount,
    User,
)
from accounts.operations import emails, limits, registration
from accounts.operations.switches import turn
from audit.actors import Actor
from audit.models import Event
from tests.accounts.doors import count_events, hidden_fields, newcomer, text_of_page
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
REASON = {"reason": "She showed me the mailbox on the phone."}


@pytest.fixture
def person(db: None) -> Person:
    """Somebody whose address is not verified."""
    return newcomer(is_verified=False)


def act_on(person: Person) -> str:
    address = EmailAddress.objects.get(user=person.user)
    return f"/admin/accounts/emailaddress/{address.pk}/verify/"


def is_verified(person: Person) -> bool:
    return person.fresh_user.has_verified_email


def test_an_administrator_declares_an_address_verified(
    browser: Browser, sam: Person, person: Person
) -> None:
    response = browser(sam).post(act_on(person), REASON)
    assert response["Location"] == act_on(person).replace("/verify/", "/change/")
    assert is_verified(person)


def test_the_act_is_in_the_history_of_the_account_with_its_reason(
    browser: Browser, sam: Person, person: Person
) -> None:
    browser(sam).post(act_on(person), REASON)
    event = Event.objects.for_user(person.user).get()
    assert event.kind == EMAIL_VERIFIED_BY_STAFF.name
    assert event.fields == REASON
    assert (event.actor_label, event.credential) == ("sam", "session")


@pytest.mark.parametrize("reason", ["", "short", "         .         ", "x" * 501])
def test_an_act_without_a_reason_is_not_done(
    browser: Browser, sam: Person, person: Person, reason: str
) -> None:
    assert browser(sam).post(act_on(person), {"reason": reason}).status_code == 200
    assert not is_verified(person)


def test_looking_at_the_page_does_nothing(browser: Browser, sam: Person, person: Person) -> None:
    page = browser(sam).get(act_on(person))
    assert person.email in text_of_page(page)
    assert not is_verified(person)


def test_another_site_cannot_act(browser: Browser, sam: Person, person: Person) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.cookies = browser(sam).cookies
    assert client.post(act_on(person), REASON).status_code == 403
    assert not is_verified(person)


@pytest.mark.parametrize("group", ["Auditor", "Projects"])
def test_staff_of_another_group_are_refused_and_this_is_recorded(
    browser: Browser, db: None, person: Person, group: str
) -> None:
    client = browser(make_person("staff", group=group))
    assert client.get(act_on(person)).status_code == 403
    assert client.post(act_on(person), REASON).status_code == 403
    assert not is_verified(person)
    assert count_events(STAFF_ACT_REFUSED) == 1


@pytest.mark.parametrize("group", ["", "Moderator", "administrator"])
def test_staff_of_no_known_group_do_not_get_in(
    browser: Browser, db: None, person: Person, group: str
) -> None:
    staff = make_person("staff")
    User.objects.filter(pk=staff.user.pk).update(is_staff=True)
    if group:
        staff.user.groups.add(Group.objects.create(name=group))
    client = browser(staff)
    assert client.get("/admin/").status_code == 403
    assert client.post(act_on(person), REASON).status_code == 403
    assert not is_verified(person)


def test_the_group_without_being_staff_is_not_enough(
    browser: Browser, mallory: Person, person: Person
) -> None:
    mallory.user.groups.add(Group.objects.get_or_create(name="Administrator")[0])
    browser(mallory).post(act_on(person), REASON)
    assert not is_verified(person)


def test_staff_who_were_dismissed_are_refused_at_once(
    browser: Browser, sam: Person, person: Person
) -> None:
    client = browser(sam)
    User.objects.filter(pk=sam.user.pk).update(is_staff=False)
    client.post(act_on(person), REASON)
    assert not is_verified(person)


def test_an_old_sign_in_is_asked_for_a_second_factor_and_the_reason_is_kept(
    browser: Browser, sam: Person, person: Person
) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(sam)
        clock.shift(30 * 60)
        response = client.post(act_on(person), REASON)
        assert response.status_code == 403
        assert "Confirm it is you" in text_of_page(response)
        assert not is_verified(person)
        client.post(act_on(person), hidden_fields(response) | {"sudo-code": code_for(sam)})
    assert is_verified(person)
    assert Event.objects.for_user(person.user).get().fields == REASON


def test_the_password_alone_does_not_make_an_old_sign_in_fresh(
    browser: Browser, sam: Person, person: Person
) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(sam)
        clock.shift(31 * 60)
        carried = hidden_fields(client.post(act_on(person), REASON))
        client.post(act_on(person), carried | {"sudo-password": sam.password})
        client.post(act_on(person), REASON)
    assert not is_verified(person)


def test_a_session_without_verified_factor_is_not_enough(
    browser: Browser, sam: Person, person: Person
) -> None:
    app = sam.app
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=False)
    client = browser(sam)
    AuthenticatorApp.objects.filter(pk=app.pk).update(confirmed=True)
    client.post(act_on(person), REASON)
    assert not is_verified(person)


def test_staff_without_any_factor_are_led_to_where_one_is_added(
    browser: Browser, sam: Person, person: Person
) -> None:
    AuthenticatorApp.objects.filter(user=sam.user).delete()
    client = browser(sam)
    assert client.get("/admin/")["Location"] == "/account/security/"
    client.post(act_on(person), REASON)
    assert not is_verified(person)


def test_an_address_that_another_account_has_is_refused_with_the_reason(
    browser: Browser, sam: Person, person: Person
) -> None:
    EmailAddress.objects.filter(user=person.user).update(
        address="SAM@example.org", address_key="sam@example.org"
    )
    page = browser(sam).post(act_on(person), REASON)
    assert "Another account has verified this address" in text_of_page(page)
    assert count_events(EMAIL_VERIFIED_BY_STAFF) == 0


def test_an_address_that_does_not_exist_is_not_found(browser: Browser, sam: Person) -> None:
    response = browser(sam).post("/admin/accounts/emailaddress/999999/verify/", REASON)
    assert response.status_code == 404


# The operations ask for themselves, whatever page or command calls them


def test_the_account_is_told_with_the_reason(browser: Browser, sam: Person, person: Person) -> None:
    browser(sam).post(act_on(person), REASON)
    mail = OutboxMail.objects.get(notice="address_verified_by_staff")
    assert (mail.recipient, mail.facts) == (person.email, {"address": person.email, **REASON})
    body = notices.render(mail).body
    assert person.email in body
    assert "mailbox on the phone" in " ".join(body.split())


def second_factor_limit(person: Person) -> RateCount:
    """The count of somebody's wrong codes."""
    FACTOR_USER.take(str(person.user.pk))
    return next(row for row in RateCount.objects.all() if row.user == person.user)


def verify_of(person: Person, by: Actor) -> None:
    address = EmailAddress.objects.create(user=person.user, address="second@example.org")
    emails.verify_address_as_staff(address, reason="because", by=by)


def clear_of(person: Person, by: Actor) -> None:
    limits.clear_limit(second_factor_limit(person), reason="because", by=by)


HELP = [verify_of, clear_of]


@pytest.mark.parametrize("act", HELP)
def test_support_helps_people_and_neither_itself_nor_staff(
    act: Callable[[Person, Actor], None], db: None, sam: Person, alice: Person
) -> None:
    helper = make_person("helper", group="Support")
    for person, refusal in {helper: "their own account", sam: "only administrators"}.items():
        with pytest.raises(PermissionDenied, match=refusal):
            act(person, helper.actor)
    assert count_events(EMAIL_VERIFIED_BY_STAFF) == count_events(LIMIT_CLEARED) == 0
    act(alice, helper.actor)
    assert count_events(EMAIL_VERIFIED_BY_STAFF) + count_events(LIMIT_CLEARED) == 1


@pytest.mark.parametrize("act", HELP)
@pytest.mark.parametrize("group", ["Auditor", "Projects"])
def test_other_groups_help_nobody(
    act: Callable[[Person, Actor], None], group: str, db: None, alice: Person
) -> None:
    with pytest.raises(PermissionDenied, match="Your staff group"):
        act(alice, make_person("other", group=group).actor)


@pytest.mark.parametrize("group", ["Auditor", "Support", "Projects", ""])
def test_only_administrators_let_people_in(sam: Person, group: str) -> None:
    other = make_person("other", group=group) if group else make_person("other")
    registration.create_invitation(reason=REASON["reason"], by=sam.actor)
    link = AccountLink.objects.get()
    for act in (
        lambda: registration.create_invitation(reason=REASON["reason"], by=other.actor),
        lambda: registration.cancel_link(link, reason="because", by=other.actor),
        lambda: turn(switches.REGISTRATION, "open", reason="because", by=other.actor),
    ):
        with pytest.raises(PermissionDenied, match="Your staff group"):
            act()
    assert AccountLink.objects.get().is_open(timezone.now())
    assert count_events(SWITCHED) == 0
