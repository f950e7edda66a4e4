"""Makes an invitation: `manage.py invite`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts import switches
from accounts.management.reasons import add_reason
from accounts.operations import registration
from accounts.staff_invitations import invitation_address
from audit.actors import command


class Command(BaseCommand):
    """Shows a link with which one account can be made, for 7 days."""

    help = "Make an invitation link for one new account."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer --for, and take --reason."""
        parser.add_argument("--for", dest="note", default="", help="for whom, for staff's own list")
        add_reason(parser, use="kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and show it."""
        secret = registration.create_invitation(
            note=options["note"][:100], reason=options["reason"], by=command("invite")
        )
        self.stdout.write(invitation_address(secret))
        if switches.REGISTRATION.value() == "closed":
            self.stderr.write("Registration is closed: the link works once it no longer is.")
