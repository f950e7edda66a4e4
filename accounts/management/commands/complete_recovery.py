"""Completes a recovery case: `manage.py complete_recovery USER --reason TEXT`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.reasons import add_reason
from accounts.models import RecoveryCase
from accounts.operations import recovery
from audit.actors import command


class Command(BaseCommand):
    """The second pair of eyes, where only one member of the staff may complete recovery cases."""

    help = (
        "Complete the recovery case of one account, when its waiting time is over: its second "
        "factors are removed. Recorded, and mailed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a user name and a reason."""
        parser.add_argument("user", help="a user name")
        add_reason(parser, use="kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Complete it, and say what comes next."""
        key = options["user"].lower()
        case = RecoveryCase.objects.open().filter(user__username_key=key).first()
        if case is None:
            raise CommandError(f"No recovery case is open for {options['user']}.")
        by = command("complete_recovery")
        try:
            count = recovery.complete_case(case, reason=options["reason"], by=by)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(
            f"{count} second factors of {case.user.username} were removed, and all its sessions "
            "ended. Its password alone signs in now: let its owner add a second factor at once."
        )
