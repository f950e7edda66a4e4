"""Events for log shippers: `manage.py export_audit_log [--since-id NUMBER]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.exports import export_since


class Command(BaseCommand):
    """Writes JSON lines to standard output, oldest first; the last one is the head of the chain.

    Its number is what `--since-id` takes the next time. Not recorded: who has a shell on the server
    has the database, and a shipper that runs each minute would ship its own traces.
    """

    help = "Write the events after a number as JSON lines; the last line is the chain's head."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer --since-id."""
        parser.add_argument(
            "--since-id",
            type=int,
            default=0,
            metavar="NUMBER",
            help="the last event that is known already",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Export."""
        if options["since_id"] < 0:
            raise CommandError("--since-id takes the number of an event, or 0.", returncode=2)
        for line in export_since(options["since_id"]):
            self.stdout.write(line, ending="")
