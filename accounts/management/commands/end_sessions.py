"""Ends sessions from the server: `manage.py end_sessions USER` or `--all`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.operations import sessions
from audit.actors import command


class Command(BaseCommand):
    """Signs one account, or all accounts, out of every browser."""

    help = "End all sessions of one account, or of all; remembered devices are asked again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a user name or --all."""
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("user", nargs="?", help="a user name")
        who.add_argument("--all", action="store_true", help="the sessions of all accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        """End them, and say how many there were."""
        by = command("end_sessions")
        if options["all"]:
            count = sessions.end_all_sessions(by=by)
        else:
            try:
                user = User.objects.get_by_natural_key(options["user"])
            except User.DoesNotExist as error:
                raise CommandError(f"There is no account {options['user']}.") from error
            count = sessions.end_sessions(user, keep=None, by=by)
        self.stdout.write(f"{count} sessions were ended.")
