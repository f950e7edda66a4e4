"""Whether the site can start: `manage.py check_start`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indexsite.checks import start_problems


class Command(BaseCommand):
    """Says what is wrong, one sentence for each thing, with exit code 1."""

    help = "Check settings and database before a start."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Check."""
        problems = start_problems()
        if problems:
            raise CommandError("\n".join(problems))
