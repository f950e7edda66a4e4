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

DATES: Final = ("announce_from", "warn_from", "enforce_from")
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
            help="the stage from now on; a former one takes the dates of later stages, and the "
            "brown-outs, as --back does",
        )
        stage.add_argument(
            "--back",
            action="store_true",
            help="one stage back; later stages lose their dates, and brown-outs are dropped",
        )
        parser.add_argument("--audience", choices=Audience.values, help="whom it concerns")
        for name in DATES:
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
    given = {name: options[name] for name in DATES if options[name]}
    words = {name: options[name] for name in ("audience", "notice") if options[name] is not None}
    if not (given or words or options["stage"]):
        raise CommandError("Say what to change: --stage, --back, --audience, a date or --notice.")
    stage = options["stage"]
    plan = Plan.at_stage(row, Stage(stage)) if stage else Plan.of(row)
    moments: dict[str, Any] = {name: _moment(text) for name, text in given.items()}
    return replace(plan, **words, **moments)


def _moment(text: str) -> datetime | None:
    if text == NEVER:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a time such as 2026-11-24T10:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _require_nothing_else(options: dict[str, Any]) -> None:
    others = [*DATES, "audience"]
    if any(options[name] for name in others) or options["notice"] is not None:
        raise CommandError("--back takes nothing but a reason.")
