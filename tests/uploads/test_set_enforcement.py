"""Leading people to API tokens from the command line: by the operations of the staff pages."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import OutboxMail
from audit.models import Event
from tests.support.people import Person
from tests.support.uploading import basic, upload
from tests.uploads.stages import stand_at
from uploads.events import ENFORCEMENT_CHANGED
from uploads.models import Enforcement, Stage, as_stored

pytestmark = pytest.mark.django_db
REASON = "The pages of the staff cannot be reached."
DAY = timedelta(days=1)


def run(*arguments: str, reason: str = REASON) -> str:
    out = io.StringIO()
    call_command("set_enforcement", *arguments, "--reason", reason, stdout=out)
    return out.getvalue()


def row() -> Enforcement:
    return Enforcement.objects.get()


def test_a_stage_holds_at_once_and_is_recorded_with_its_reason(alice: Person, sam: Person) -> None:
    header = basic(alice.password, username=alice.username)
    assert upload("", header=header).status_code == 403
    said = run("--stage", "warn", "--audience", "everybody")
    assert upload("", header=header).status_code == 200
    assert "Stage now: warn:" in said
    assert "enforce from: never" in said
    event = Event.objects.get(kind=ENFORCEMENT_CHANGED.name)
    assert (event.credential, event.credential_label) == ("command", "set_enforcement")
    assert (event.fields["stage"], event.fields["reason"]) == ("warn", REASON)
    assert OutboxMail.objects.get(notice="enforcement_changed").recipient == sam.email


@pytest.mark.parametrize("former", list(Stage))
@pytest.mark.parametrize("wanted", list(Stage))
def test_every_stage_is_reached_from_every_other(former: Stage, wanted: Stage) -> None:
    stand_at(former)
    run("--stage", wanted.value)
    assert row().stage == wanted


def test_a_later_stage_keeps_a_date_that_is_to_come() -> None:
    later = timezone.now() + 30 * DAY
    stand_at(Stage.OFF)
    Enforcement.objects.update(warn_from=timezone.now() + DAY, enforce_from=later)
    run("--stage", "warn")
    assert (row().stage, row().enforce_from) == (Stage.WARN, later)
    Enforcement.objects.update(announce_from=None, warn_from=later - DAY)
    run("--stage", "announce")
    assert row().enforce_from == later


def planned() -> tuple[list[list[str]], datetime]:
    """Brown-outs of which one goes on and one is to come, and a date that is to come."""
    now = timezone.now()
    return as_stored([(now - DAY, now + DAY), (now + 2 * DAY, now + 3 * DAY)]), now + 30 * DAY


@pytest.mark.parametrize("arguments", [["--back"], ["--stage", "announce"]])
def test_a_former_stage_is_reached_in_one_way_and_refuses_nobody_by_itself(
    alice: Person, arguments: list[str]
) -> None:
    windows, later = planned()
    former = stand_at(Stage.WARN, brown_outs=windows, enforce_from=later)
    header = basic(alice.password, username=alice.username)
    assert upload("", header=header).status_code == 403
    said = run(*arguments)
    assert "refused on trial" not in said
    assert upload("", header=header).status_code == 200
    assert (row().stage, row().brown_outs) == (Stage.ANNOUNCE, [])
    assert (row().announce_from, row().enforce_from) == (former.announce_from, None)
    fields = Event.objects.get(kind=ENFORCEMENT_CHANGED.name).fields
    assert fields["dropped_brown_outs"] == [" - ".join(window) for window in windows]


def test_what_is_given_with_a_former_stage_holds(alice: Person) -> None:
    windows, later = planned()
    stand_at(Stage.ENFORCE, brown_outs=windows)
    run("--stage", "warn", "--audience", "critical", "--enforce-from", f"{later:%Y-%m-%dT%H:%M}")
    assert (row().stage, row().audience, row().brown_outs) == (Stage.WARN, "critical", [])
    assert row().enforce_from == later.replace(second=0, microsecond=0)


@pytest.mark.parametrize("wanted", ["announce", "warn"])
def test_what_is_no_step_back_keeps_brown_outs_and_dates_to_come(wanted: str) -> None:
    windows, later = planned()
    stand_at(Stage.ANNOUNCE, brown_outs=windows, enforce_from=later)
    run("--stage", wanted)
    assert (row().stage, row().brown_outs, row().enforce_from) == (wanted, windows, later)
    fields = Event.objects.get(kind=ENFORCEMENT_CHANGED.name).fields
    assert fields["dropped_brown_outs"] == []


def test_dates_audience_and_notice_are_set_and_the_rest_stays() -> None:
    stand_at(Stage.OFF)
    windows = [["2030-01-01T00:00:00+00:00", "2030-01-01T01:00:00+00:00"]]
    Enforcement.objects.update(brown_outs=windows, notice="Old words.")
    said = run("--warn-from", "2030-01-01", "--enforce-from", "2030-02-01T10:30")
    assert "enforce from: 2030-02-01 10:30 UTC" in said
    assert row().warn_from == datetime(2030, 1, 1, tzinfo=UTC)
    assert (row().brown_outs, row().notice) == (windows, "Old words.")
    run("--audience", "critical", "--notice", "", "--enforce-from", "never")
    assert (row().audience, row().notice, row().enforce_from) == ("critical", "", None)
    assert row().warn_from == datetime(2030, 1, 1, tzinfo=UTC)


def test_one_stage_back() -> None:
    run("--back")
    assert row().stage == Stage.WARN


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Say what to change"),
        (["--enforce-from", "soon"], "is not a time"),
        (["--back", "--audience", "critical"], "nothing but a reason"),
        (["--stage", "warn", "--back"], "not allowed with"),
        (["--stage", "hard"], "invalid choice"),
        (["--warn-from", "2031-01-01", "--enforce-from", "2030-01-01"], "later stage"),
        (["--notice", "zwei\nZeilen"], "one line"),
    ],
)
def test_what_makes_no_sense_changes_nothing(arguments: list[str], said: str) -> None:
    former = row().version
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert row().version == former


def test_without_a_reason_nothing_is_changed() -> None:
    for reason in ("", "short", "         .         ", "x" * 501):
        with pytest.raises(CommandError, match="reason"):
            run("--stage", "off", reason=reason)
    with pytest.raises(CommandError, match="--reason"):
        call_command("set_enforcement", "--stage", "off")
    assert row().stage == Stage.ENFORCE
