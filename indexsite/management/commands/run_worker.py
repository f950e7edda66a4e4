"""Runs a worker: `manage.py run_worker`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from indexsite.checks import start_problems
from indexsite.worker import Worker


class Command(BaseCommand):
    """Sends mail and runs timed work until it is stopped."""

    help = "Send mail and run timed work."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer --once."""
        parser.add_argument("--once", action="store_true", help="do what is due, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work."""
        problems = start_problems()
        if problems:
            raise CommandError("\n".join(problems))
        worker = Worker()
        if options["once"]:
            while worker.run_once():
                pass
        else:
            worker.run()
