"""What staff can switch, and that registration follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts import switches
from accounts.events import SWITCHED
from accounts.models import SwitchState
from accounts.operations import registration
from accounts.operations.switches import turn
from audit.actors import command
from audit.models import Event
from tests.accounts.doors import count_events, text_of_page
from tests.support.people import Person

Browser = Callable[..., Client]
REGISTER = "/account/register/"
FORM = {"username": "zoe", "email": "z@example.org", "password": "ferry lantern gravel teapot"}


def invite() -> str:
    return registration.create_invitation(reason="She is new here.", by=command("invite"))


@pytest.fixture
def _invited_site(settings: Any, sam: Person) -> None:
    """A site with an administrator, where accounts are made by invitation."""
    settings.REGISTRATION = "invitation"


@pytest.mark.parametrize("setting", ["open", "invitation", "closed"])
@pytest.mark.parametrize("value", ["", "open", "invitation", "closed"])
def test_the_switch_holds_whatever_the_environment_says(
    settings: Any, sam: Person, setting: str, value: str
) -> None:
    settings.REGISTRATION = setting
    SwitchState.objects.filter(name="registration").update(value=value)
    assert registration.registration_mode() == (value or setting)


@pytest.mark.usefixtures("_invited_site")
def test_a_closed_site_takes_no_invitation(browser: Browser, sam: Person) -> None:
    address = f"{REGISTER}?link={invite()}"
    turn(switches.REGISTRATION, "closed", reason="too many accounts", by=sam.actor)
    assert browser().get(address).status_code == 403
    assert browser().post(address, FORM).status_code == 403
    turn(switches.REGISTRATION, "", reason="all is quiet again", by=sam.actor)
    assert browser().post(address, FORM).status_code == 302


@pytest.mark.usefixtures("_invited_site")
def test_turning_the_switch_is_recorded_with_its_reason(sam: Person) -> None:
    turn(switches.REGISTRATION, "open", reason="a sprint today", by=sam.actor)
    event = Event.objects.get(kind=SWITCHED.name)
    assert event.fields == {
        "switch": "registration",
        "former": "invitation",
        "value": "open",
        "reason": "a sprint today",
        "banner": "",
        "ends_at": "",
    }


@pytest.mark.parametrize("value", ["wide open", "OPEN", "", "\x00"])
def test_a_switch_takes_only_values_that_change_it(sam: Person, value: str) -> None:
    with pytest.raises(ValidationError):
        turn(switches.REGISTRATION, value, reason="just trying", by=sam.actor)
    assert count_events(SWITCHED) == 0


@pytest.mark.usefixtures("_invited_site")
def test_the_sign_in_page_says_how_to_get_an_account(browser: Browser, sam: Person) -> None:
    assert "by invitation" in text_of_page(browser().get("/account/sign-in/"))
    turn(switches.REGISTRATION, "open", reason="a sprint today", by=sam.actor)
    assert 'href="/account/register/"' in text_of_page(browser().get("/account/sign-in/"))
