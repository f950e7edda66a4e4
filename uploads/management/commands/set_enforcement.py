"""`manage.py set_enforcement`: leads people from passwords to API tokens, as the staff pages do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.reasons import add_reason
from audit.actors import command
from uploads.models import Audience, Enforcement, Stage
from uploads.operations.enforcement import Plan, change_enforcement, go_back

DATES: Final = {
    Stage.ANNOUNCE: "announce_from",
    Stage.WARN: "warn_from",
    Stage.ENFORCE: "enforce_from",
}
NEVER: Final = "never"


class Command(BaseCommand):
    """Changes what is given, and leaves the rest as it is."""

    help = (
        "Sets the stage, the audience, the dates or the notice of the move from passwords to API "
        "tokens. What is not given stays. All administrators are told by mail, with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What to change, and why."""
        add_reason(parser, use="kept in the audit log, and mailed")
        stage = parser.add_mutually_exclusive_group()
        stage.add_argument(
            "--stage",
            choices=Stage.values,
            help="the stage from now on; later stages that have begun lose their dates",
        )
        stage.add_argument(
            "--back", action="store_true", help="one stage back; later stages lose their dates"
        )
        parser.add_argument("--audience", choices=Audience.values, help="whom it concerns")
        for name in DATES.values():
            parser.add_argument(
                f"--{name.replace('_', '-')}",
                metavar="YYYY-MM-DD[THH:MM]",
                help="when the stage begins (UTC), or 'never'",
            )
        parser.add_argument("--notice", help="what refused uploaders read; '' for the usual words")

    def handle(self, *args: Any, **options: Any) -> None:
        """Change it, and say how it stands."""
        row, reason = Enforcement.objects.asked_of(None, None), options["reason"]
        by = command("set_enforcement")
        try:
            if options["back"]:
                _require_nothing_else(options)
                go_back(version=row.version, reason=reason, by=by)
            else:
                plan = _plan(row, options)
                change_enforcement(plan, version=row.version, reason=reason, by=by)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self._tell(Enforcement.objects.asked_of(None, None))

    def _tell(self, row: Enforcement) -> None:
        self.stdout.write(f"Audience: {row.get_audience_display()}")
        self.stdout.write(f"Stage now: {row.stage.label}")
        for stage, begins in row.timetable():
            moment = f"{begins:%Y-%m-%d %H:%M} UTC" if begins else NEVER
            self.stdout.write(f"  {stage.value} from: {moment}")
        for begin, end in row.windows_after(timezone.now()):
            times = f"{begin:%Y-%m-%d %H:%M} - {end:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"  refused on trial: {times}")


def _plan(row: Enforcement, options: dict[str, Any]) -> Plan:
    """How it stands, with what is given in the place of what is there.

    Raises:
        CommandError: if nothing is given, or a date is none.
    """
    plan = Plan(
        audience=options["audience"] or row.audience,
        announce_from=row.announce_from,
        warn_from=row.warn_from,
        enforce_from=row.enforce_from,
        brown_outs=row.windows(),
        notice=row.notice if options["notice"] is None else options["notice"],
    )
    given = {name: options[name] for name in DATES.values() if options[name]}
    if options["stage"]:
        plan = _at_stage(plan, row, Stage(options["stage"]))
    elif not (given or options["audience"] or options["notice"] is not None):
        raise CommandError("Say what to change: --stage, --back, --audience, a date or --notice.")
    moments: dict[str, Any] = {name: _moment(text) for name, text in given.items()}
    return replace(plan, **moments)


def _at_stage(plan: Plan, row: Enforcement, wanted: Stage) -> Plan:
    """The plan by which a stage holds from now on; later stages keep dates that are to come."""
    now, order = timezone.now(), list(Stage)
    dates = dict(row.timetable())
    for stage, begins in row.timetable():
        is_to_come = begins is not None and begins > now
        if order.index(stage) < order.index(wanted) and is_to_come:
            dates[stage] = None
        if order.index(stage) > order.index(wanted) and not is_to_come:
            dates[stage] = None
    if wanted in dates and row.stage_at(now) != wanted:
        dates[wanted] = now
    return replace(
        plan,
        announce_from=dates[Stage.ANNOUNCE],
        warn_from=dates[Stage.WARN],
        enforce_from=dates[Stage.ENFORCE],
    )


def _moment(text: str) -> datetime | None:
    if text == NEVER:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a time such as 2026-11-24T10:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _require_nothing_else(options: dict[str, Any]) -> None:
    others = [*DATES.values(), "audience"]
    if any(options[name] for name in others) or options["notice"] is not None:
        raise CommandError("--back takes nothing but a reason.")
