"""`manage.py invalidate_tokens`: ends many API tokens at once, and mails owners what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from audit.actors import command
from tokens.models import APIToken
from tokens.operations.invalidation import invalidate_token


class Command(BaseCommand):
    """By format, by date, or by a list of ids. What several say must all be so."""

    help = (
        "Revokes API tokens by format, by the day they were made, or by a list of their ids, and "
        "mails each owner. Their next use is refused with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which tokens, and why."""
        parser.add_argument("--format", type=int, help="tokens of this format")
        parser.add_argument("--made-before", metavar="YYYY-MM-DD", help="tokens made before it")
        parser.add_argument("--list", metavar="FILE", help="tokens whose ids are in it, one a line")
        parser.add_argument(
            "--reason",
            required=True,
            help="for the mails and for refusals, such as 'tokens of format 1 are not accepted'",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say which")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find, and revoke."""
        reason = " ".join(options["reason"].split()).rstrip(".")
        if not (reason.isascii() and 10 <= len(reason) <= 200):
            raise CommandError("The reason must have 10 to 200 ASCII characters.")
        tokens = _chosen(options).select_related("user").order_by("user__username_key", "name")
        done = 0
        for token in tokens:
            if options["dry_run"]:
                self.stdout.write(f"{token.pk}  {token.user.username}  {token.name}")
                done += 1
            else:
                done += invalidate_token(token, reason=reason, by=command("invalidate_tokens"))
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(f"{done} API token{'' if done == 1 else 's'} {would}revoked.")


def _chosen(options: dict[str, Any]) -> QuerySet[APIToken]:
    """An option that is there and empty, as of a variable that is not set, is a mistake."""
    tokens: QuerySet[APIToken] = APIToken.objects.active()
    if all(options[name] is None for name in ("format", "made_before", "list")):
        raise CommandError("Say which: --format, --made-before or --list.")
    if options["format"] is not None:
        tokens = tokens.filter(format=options["format"])
    if options["made_before"] is not None:
        tokens = tokens.filter(created_at__lt=_day(options["made_before"]))
    if options["list"] is not None:
        tokens = tokens.filter(pk__in=_ids(Path(options["list"])))
    return tokens


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day such as 2026-11-24.") from error


def _ids(path: Path) -> list[UUID]:
    try:
        return [UUID(line.strip()) for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CommandError(f"{path} holds a line that is not the id of a token.") from error
