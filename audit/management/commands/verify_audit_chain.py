"""Checks the audit log: `manage.py verify_audit_chain [--expect NUMBER:SEAL …]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.log import verify
from audit.models import ChainHead


class Command(BaseCommand):
    """Names the first event that does not hold, with exit code 1."""

    help = "Check that no event was changed, removed or put in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer --expect."""
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            metavar="NUMBER:SEAL",
            help="an event's number and seal, noted elsewhere; shows if newer ones were cut off",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify the chain."""
        expected: dict[int, str] = {}
        for text in options["expect"]:
            number, _colon, seal = text.partition(":")
            if not (number.isascii() and number.isdigit() and len(seal) == 64):
                raise CommandError(f"{text!r} is not of the form NUMBER:SEAL.", returncode=2)
            expected[int(number)] = seal
        found = verify(expected=expected)
        if found is not None:
            raise CommandError(f"Event {found.number} {found.reason}.")
        head = ChainHead.objects.get(pk=1)
        self.stdout.write(f"The chain of {head.number} events holds. Head: {head}")
