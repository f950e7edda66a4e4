"""Leading people from passwords to API tokens, stage by stage, and back where that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import Campaign, User
from accounts.operations.campaigns import start_campaign
from accounts.permissions import MAY_RULE, require_staff
from accounts.sightings import changed_meanwhile
from audit.actors import Actor
from audit.log import record
from uploads import policy
from uploads.events import ENFORCEMENT_CHANGED, ENFORCEMENT_REACHED
from uploads.models import (
    MAX_NOTICE,
    Audience,
    Enforcement,
    PasswordWarning,
    Stage,
    as_stored,
    audience_name,
)

MAX_BROWN_OUTS = 20
TOLD_EVERY: Final = timedelta(days=1)
ANNOUNCED: Final = "password_uploads_announced"


@dataclass(frozen=True)
class Plan:
    """What staff decide.

    Attributes:
        audience: one of `Audience`.
        announce_from: when each stage begins; None where it is left out.
        brown_outs: from when until when passwords are refused on trial.
        notice: what refused uploaders read, one line of ASCII; "" for the usual words.
    """

    audience: str
    announce_from: datetime | None = None
    warn_from: datetime | None = None
    enforce_from: datetime | None = None
    brown_outs: Sequence[tuple[datetime, datetime]] = ()
    notice: str = ""

    @classmethod
    def of(cls, row: Enforcement) -> Plan:
        """What staff have decided so far."""
        return cls(
            audience=row.audience,
            announce_from=row.announce_from,
            warn_from=row.warn_from,
            enforce_from=row.enforce_from,
            brown_outs=row.windows(),
            notice=row.notice,
        )

    @classmethod
    def at_stage(cls, row: Enforcement, wanted: Stage) -> Plan:
        """That by which a stage holds from now on; what else the row says stays, as far as it can.

        Going on keeps what is planned for later. Going back keeps none of it: later stages lose
        their dates, and brown-outs go, those to come and one that is going on, so that nobody's
        password is refused by itself after this.
        """
        now, order = timezone.now(), list(Stage)
        goes_back = order.index(wanted) < order.index(row.stage_at(now))
        dates = dict(row.timetable())
        for stage, begins in row.timetable():
            is_to_come = begins is not None and begins > now
            if order.index(stage) < order.index(wanted) and is_to_come:
                dates[stage] = None
            if order.index(stage) > order.index(wanted) and (goes_back or not is_to_come):
                dates[stage] = None
            if stage == wanted and (begins is None or is_to_come):
                dates[stage] = now
        return replace(
            cls.of(row),
            announce_from=dates[Stage.ANNOUNCE],
            warn_from=dates[Stage.WARN],
            enforce_from=dates[Stage.ENFORCE],
            brown_outs=[] if goes_back else row.windows(),
        )

    def require_sense(self) -> None:
        """Check it.

        Raises:
            ValidationError: with what is wrong.
        """
        if self.audience not in Audience.values:
            raise ValidationError(_("There is no such audience."))
        times = [self.announce_from, self.warn_from, self.enforce_from]
        given = [moment for moment in times if moment is not None]
        if given != sorted(given):
            raise ValidationError(_("A later stage cannot begin before an earlier one."))
        if len(self.brown_outs) > MAX_BROWN_OUTS:
            raise ValidationError(_("There can be at most %d brown-outs.") % MAX_BROWN_OUTS)
        if any(begin >= end for begin, end in self.brown_outs):
            raise ValidationError(_("A brown-out has to end after it begins."))
        if len(self.notice) > MAX_NOTICE or not (
            self.notice.isascii() and self.notice.isprintable()
        ):
            raise ValidationError(
                _("The notice is one line of at most %d ASCII characters.") % MAX_NOTICE
            )


@transaction.atomic
def change_enforcement(plan: Plan, *, version: int, reason: str, by: Actor) -> None:
    """Set audience, timetable, brown-outs and notice; they hold from the next upload on.

    Args:
        version: that of the row which whoever decides has seen.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if the plan makes no sense, or somebody else was quicker.
    """
    require_staff(by, MAY_RULE)
    plan.require_sense()
    _store(_locked(version), plan, reason=reason, by=by)


@transaction.atomic
def go_back(*, version: int, reason: str, by: Actor) -> Stage:
    """Return to the stage before the present one; `Plan.at_stage` says what is lost.

    Args:
        version: as for `change_enforcement`.

    Returns:
        The stage that holds now.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it is off, or somebody else was quicker.
    """
    require_staff(by, MAY_RULE)
    row, stages = _locked(version), list(Stage)
    place = stages.index(row.stage)
    if not place:
        raise ValidationError(_("It is off: there is no stage before."), code="done")
    target = stages[place - 1]
    _store(row, Plan.at_stage(row, target), reason=reason, by=by)
    return target


def announce(*, reason: str, by: Actor) -> Campaign:
    """Begin to mail everybody who is concerned, whatever the stage.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if that mail is on its way already, or nobody is concerned.
    """
    row = Enforcement.objects.asked_of(None, None)
    return start_campaign(
        ANNOUNCED,
        audience_name(row.audience),
        facts={
            "enforce_from": _day(row.enforce_from),
            "warn_from": _day(row.warn_from),
            **_brown_out(row),
        },
        reason=reason,
        by=by,
    )


@transaction.atomic
def note_stage(*, by: Actor) -> bool:
    """Record that a stage has been reached, and tell administrators; whether one was."""
    row = Enforcement.objects.filter(pk=1).first()
    if row is None or row.recorded_stage == row.stage:
        return False
    stage, former = row.stage, row.recorded_stage
    unrecorded = Enforcement.objects.filter(pk=1, recorded_stage=former, version=row.version)
    if unrecorded.update(recorded_stage=stage) != 1:
        return False
    _tell_administrators(row, reason=_("Its time has come."), by=by)
    record(ENFORCEMENT_REACHED, by=by, stage=stage.value, former=former, audience=row.audience)
    return True


def warn_uploader(user: User, *, by: Actor) -> bool:
    """Tell somebody who uploads with a password that this will end, once a day.

    In the transaction that publishes, and before anything in it is recorded.

    Returns:
        False if they were told within a day.
    """
    now = timezone.now()
    known = PasswordWarning.objects.filter(user_id=user.pk)
    if known.filter(told_at__lte=now - TOLD_EVERY).update(told_at=now) != 1:
        if known.exists():
            return False
        try:
            with transaction.atomic():
                PasswordWarning.objects.create(user_id=user.pk, told_at=now)
        except IntegrityError:  # another upload of theirs was quicker
            return False
    row = Enforcement.objects.asked_of(None, None)
    notices.send(
        "password_upload_warned",
        [user],
        by=by,
        enforce_from=_day(row.enforce_from),
        **_brown_out(row),
    )
    return True


def _locked(version: int) -> Enforcement:
    Enforcement.objects.get_or_create(pk=1)
    row = Enforcement.objects.select_for_update(no_key=True).get(pk=1)
    if row.version != version:
        raise changed_meanwhile()
    return row


def _store(row: Enforcement, plan: Plan, *, reason: str, by: Actor) -> None:
    now, kept = timezone.now(), set(plan.brown_outs)
    dropped = [window for window in row.windows_after(now) if window not in kept]
    row.audience, row.notice = plan.audience, plan.notice
    row.announce_from, row.warn_from = plan.announce_from, plan.warn_from
    row.enforce_from, row.brown_outs = plan.enforce_from, as_stored(plan.brown_outs)
    row.version += 1
    row.recorded_stage = row.stage
    row.changed_at, row.changed_by = now, by.label
    row.save()
    _tell_administrators(row, reason=reason, by=by)
    record(
        ENFORCEMENT_CHANGED,
        by=by,
        audience=row.audience,
        stage=row.stage.value,
        announce_from=_day(row.announce_from),
        warn_from=_day(row.warn_from),
        enforce_from=_day(row.enforce_from),
        brown_outs=[" - ".join(window) for window in row.brown_outs],
        dropped_brown_outs=[" - ".join(window) for window in as_stored(dropped)],
        notice=row.notice,
        reason=reason,
    )


def _tell_administrators(row: Enforcement, *, reason: str, by: Actor) -> None:
    facts: dict[str, Any] = {
        "stage": row.stage.value,
        "audience": row.audience,
        "refusal": policy.refusal_of(row),
        "reason": reason,
    }
    notices.send("enforcement_changed", User.objects.administrators(), by=by, **facts)


def _brown_out(row: Enforcement) -> dict[str, str]:
    """When passwords are refused on trial next, for mails; empty if that is not planned."""
    begin, end = row.next_brown_out(timezone.now()) or (None, None)
    return {"brown_out_from": _day(begin), "brown_out_until": _day(end)}


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""
