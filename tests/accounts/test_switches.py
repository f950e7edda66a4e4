from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts import switches
from accounts.events import SWITCHED
from accounts.models import SwitchState
from accounts.operations import registration
from accounts.operations.switches import turn
from audit.models import Event
from tests.accounts.doors import count_events
from tests.support.people import Person


@pytest.mark.parametrize("setting", ["open", "invitation", "closed"])
@pytest.mark.parametrize("value", ["", "open", "invitation", "closed"])
def test_the_switch_holds_whatever_the_environment_says(
    settings: Any, sam: Person, setting: str, value: str
) -> None:
    settings.REGISTRATION = setting
    SwitchState.objects.filter(name="registration").update(value=value)
    assert registration.registration_mode() == (value or setting)


def test_turning_the_switch_is_recorded_with_its_reason(settings: Any, sam: Person) -> None:
    settings.REGISTRATION = "invitation"
    turn(switches.REGISTRATION, "open", reason="a sprint today", by=sam.actor)
    event = Event.objects.get(kind=SWITCHED.name)
    assert event.fields == {
        "switch": "registration",
        "former": "invitation",
        "value": "open",
        "reason": "a sprint today",
    }


@pytest.mark.parametrize("value", ["wide open", "OPEN", "", "\x00"])
def test_a_switch_takes_only_values_that_change_it(sam: Person, value: str) -> None:
    with pytest.raises(ValidationError):
        turn(switches.REGISTRATION, value, reason="just trying", by=sam.actor)
    assert count_events(SWITCHED) == 0
