"""Forgets where old events came from: `manage.py erase_origins --older-than DAYS`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actors import command
from audit.erasure import erase_origins


class Command(BaseCommand):
    """Erases origins; the chain still verifies."""

    help = "Erase network addresses, agents and mail addresses of old events."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the age."""
        parser.add_argument("--older-than", type=int, required=True, metavar="DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase."""
        if options["older_than"] < 0:
            raise CommandError("--older-than takes a number of days, 0 or more.")
        before = timezone.now() - timedelta(days=options["older_than"])
        count = erase_origins(before=before, by=command("erase_origins"))
        self.stdout.write(f"Erased the origins of {count} events.")
