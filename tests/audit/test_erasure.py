"""Where old events came from can be forgotten, and the chain still holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.log import verify
from audit.models import Event, EventOrigin
from tests.audit.words import record_done


@pytest.fixture
def old_and_new(db: None) -> tuple[Event, Event]:
    """An event of 40 days ago, and one of now."""
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        old = record_done("old")
    return old, record_done("new")


def test_origins_are_erased_by_their_age(old_and_new: tuple[Event, Event], capsys: Any) -> None:
    call_command("erase_origins", "--older-than", "30")
    assert "Erased the origins of 1 events." in capsys.readouterr().out
    left = EventOrigin.objects.filter(event_number__in=[event.number for event in old_and_new])
    assert [origin.event_number for origin in left] == [old_and_new[1].number]


def test_the_chain_holds_after_an_erasure(old_and_new: tuple[Event, Event]) -> None:
    call_command("erase_origins", "--older-than", "0")
    assert verify() is None


def test_an_erasure_is_recorded(old_and_new: tuple[Event, Event]) -> None:
    call_command("erase_origins", "--older-than", "30")
    event = Event.objects.get(kind="audit:origins:erased")
    assert event.fields["count"] == 1
    assert event.credential_label == "erase_origins"
    before = datetime.fromisoformat(event.fields["before"])
    assert abs(timezone.now() - timedelta(days=30) - before) < timedelta(minutes=1)


@pytest.mark.parametrize("arguments", [[], ["--older-than", "-1"], ["--older-than", "soon"]])
def test_an_age_that_is_none_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("erase_origins", *arguments)
