"""Breaks the glass: `manage.py reset_second_factors USER --reason TEXT`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.reasons import add_reason
from accounts.models import User
from accounts.operations import second_factors
from audit.actors import command


class Command(BaseCommand):
    """Lets somebody in with the password alone who has lost every factor and every code."""

    help = "Remove all second factors and recovery codes of one account. Recorded, and mailed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a user name and a reason."""
        parser.add_argument("user", help="a user name")
        add_reason(parser, use="kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Remove them, and say what comes next."""
        try:
            user = User.objects.get_by_natural_key(options["user"])
        except User.DoesNotExist as error:
            raise CommandError(f"There is no account {options['user']}.") from error
        by = command("reset_second_factors")
        count = second_factors.reset_second_factors(user, reason=options["reason"], by=by)
        self.stdout.write(
            f"{count} second factors of {user.username} were removed, and all its sessions ended. "
            "Its password alone signs in now: let its owner add a second factor at once."
        )
