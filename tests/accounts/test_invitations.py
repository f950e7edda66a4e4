"""What staff decide about who can make an account."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import switches
from accounts.events import INVITATION_CREATED, LINK_CANCELLED, SWITCHED
from accounts.models import AccountLink, SwitchState, User, UserSession
from accounts.operations import registration
from accounts.operations.switches import turn
from audit.actors import command
from audit.models import Event
from tests.accounts.doors import count_events, hidden_fields, text_of_page
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
LINKS = "/admin/accounts/accountlink/"
MAKE = f"{LINKS}make/"
SWITCHES = "/admin/accounts/switchstate/"
REASON = "Somebody has come to the company or left it."
FORM = {"username": "zoe", "email": "zoe@example.org", "password": "ferry lantern gravel teapot"}


def shown_link(page: str) -> str:
    found = re.search(r">http://localhost:8000(/account/register/\?link=[^<]+)<", page)
    assert found
    return found.group(1)


def switch_page() -> str:
    return f"{SWITCHES}{SwitchState.objects.get(name='registration').pk}/turn/"


def turn_on_page(client: Client, **fields: str) -> Any:
    return client.post(switch_page(), fields | hidden_fields(client.get(switch_page())))


@pytest.fixture
def dismissed(sam: Person) -> Person:
    """Staff without a group."""
    sam.user.groups.clear()
    return sam


# Making invitations


def test_an_invitation_is_shown_to_be_copied_and_works(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    assert "For whom" in text_of_page(client.get(MAKE))
    response = client.post(MAKE, {"note": "Zoe of the printing house", "reason": REASON})
    assert "no-store" in response["Cache-Control"]
    link = shown_link(response.content.decode())
    assert browser().post(link, FORM).status_code == 302
    row = AccountLink.objects.get()
    assert (row.note, row.created_by, row.spent_by) == ("Zoe of the printing house", "sam", "zoe")
    page = text_of_page(client.get(LINKS))
    assert "Zoe of the printing house" in page
    assert "Make an invitation" in page


def test_the_link_is_kept_nowhere(browser: Browser, sam: Person) -> None:
    page = browser(sam).post(MAKE, {"note": "Zoe", "reason": REASON}).content.decode()
    secret = shown_link(page).partition("=")[2]
    kept = [*AccountLink.objects.values(), *Event.objects.values(), *UserSession.objects.values()]
    assert secret not in str(kept)
    decoded = [row.get_decoded() for row in UserSession.objects.all()]
    assert secret not in str(decoded)
    assert secret not in browser(sam).get(LINKS).content.decode()


@pytest.mark.parametrize("note", ["", " ", "x" * 101, "\x00"])
def test_an_invitation_says_for_whom_it_is(browser: Browser, sam: Person, note: str) -> None:
    assert browser(sam).post(MAKE, {"note": note, "reason": REASON}).status_code == 200
    assert not AccountLink.objects.exists()


@pytest.mark.parametrize("reason", ["", "too short", "         .         "])
def test_no_invitation_is_made_without_a_reason(browser: Browser, sam: Person, reason: str) -> None:
    assert browser(sam).post(MAKE, {"note": "Zoe", "reason": reason}).status_code == 200
    assert not AccountLink.objects.exists()
    assert count_events(INVITATION_CREATED) == 0
    with pytest.raises(CommandError, match="--reason"):
        call_command("invite", "--reason", reason, stdout=StringIO())


def test_the_reason_of_an_invitation_is_kept(browser: Browser, sam: Person) -> None:
    browser(sam).post(MAKE, {"note": "Zoe", "reason": REASON})
    assert Event.objects.get(kind=INVITATION_CREATED.name).fields["reason"] == REASON


def test_only_administrators_make_end_and_turn(browser: Browser, dismissed: Person) -> None:
    registration.create_invitation(reason=REASON, by=command("invite"))
    dismissed.user.groups.add(Group.objects.get_or_create(name="Moderator")[0])
    client = browser(dismissed)
    doors = {
        MAKE: {"note": "me", "reason": REASON},
        f"{LINKS}{AccountLink.objects.get().pk}/cancel/": {"reason": REASON},
        switch_page(): {"value": "open", "reason": REASON},
    }
    for door, fields in doors.items():
        assert client.get(door).status_code == 403
        assert client.post(door, fields).status_code == 403
    assert count_events(INVITATION_CREATED) == 1
    assert count_events(LINK_CANCELLED) == count_events(SWITCHED) == 0


def test_the_command_says_for_whom(db: None) -> None:
    printed = StringIO()
    call_command("invite", "--for", "Zoe", "--reason", REASON, stdout=printed)
    assert AccountLink.objects.get().note == "Zoe"
    assert AccountLink.objects.get().created_by == "server"


def test_the_command_says_where_a_link_does_not_work_yet(sam: Person) -> None:
    SwitchState.objects.filter(name="registration").update(value="closed")
    errors = StringIO()
    call_command("invite", "--reason", REASON, stdout=StringIO(), stderr=errors)
    assert "Registration is closed" in errors.getvalue()


# Ending them


def test_a_link_that_was_ended_makes_no_account(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    link = shown_link(client.post(MAKE, {"note": "Zoe", "reason": REASON}).content.decode())
    row = AccountLink.objects.get()
    client.post(f"{LINKS}{row.pk}/cancel/", {"reason": REASON})
    assert browser().post(link, FORM).status_code == 403
    assert not User.objects.filter(username="zoe").exists()
    event = Event.objects.get(kind=LINK_CANCELLED.name)
    assert event.fields == {"purpose": "invitation", "reason": REASON}


def test_what_was_used_or_has_ended_cannot_be_ended(sam: Person) -> None:
    registration.create_invitation(reason=REASON, by=sam.actor)
    row = AccountLink.objects.get()
    with time_machine.travel(timezone.now() + timedelta(days=8)), pytest.raises(ValidationError):
        registration.cancel_link(row, reason=REASON, by=sam.actor)
    AccountLink.objects.update(spent_at=timezone.now())
    with pytest.raises(ValidationError):
        registration.cancel_link(row, reason=REASON, by=sam.actor)
    assert count_events(LINK_CANCELLED) == 0


# The switch


def test_an_administrator_turns_registration(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    assert "By invitation" in text_of_page(client.get(SWITCHES))
    page = text_of_page(client.get(switch_page()))
    assert "As the environment says, which is now: By invitation" in page
    turn_on_page(client, value="open", reason=REASON)
    assert registration.registration_mode() == "open"
    page = text_of_page(client.get(SWITCHES))
    assert "Open: anybody can make an account" in page
    assert REASON in page
    turn_on_page(client, value="environment", reason=REASON)
    assert registration.registration_mode() == "invitation"


def test_a_switch_that_was_turned_meanwhile_is_looked_at_again(
    browser: Browser, sam: Person
) -> None:
    tina = make_person("tina", is_administrator=True)
    client = browser(sam)
    form = {"value": "open", "reason": REASON} | hidden_fields(client.get(switch_page()))
    turn(switches.REGISTRATION, "closed", reason="Too many accounts.", by=tina.actor)
    page = client.post(switch_page(), form)
    assert "Somebody else changed this in the meantime" in text_of_page(page)
    assert re.search(r'value="closed"[^>]*checked', page.content.decode())
    assert registration.registration_mode() == "closed"
    assert client.post(switch_page(), form | hidden_fields(page)).status_code == 302
    assert registration.registration_mode() == "open"


@pytest.mark.parametrize(
    "fields",
    [{"value": "open"}, {"value": "open", "reason": "short"}, {"value": "x", "reason": REASON}],
)
def test_the_switch_is_not_turned_without_value_and_reason(
    browser: Browser, sam: Person, fields: dict[str, str]
) -> None:
    assert turn_on_page(browser(sam), **fields).status_code == 200
    assert registration.registration_mode() == "invitation"


def test_a_switch_of_a_newer_version_breaks_no_page(browser: Browser, sam: Person) -> None:
    SwitchState.objects.create(name="teleport", value="on")
    assert "teleport" not in text_of_page(browser(sam).get(SWITCHES))
