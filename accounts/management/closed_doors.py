"""Commands of Django that would bypass second factor and memory: they say what to use instead."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError


class ClosedCommand(BaseCommand):
    """A command that does nothing, whatever arguments it is given.

    Attributes:
        instead: a sentence with what to use.
    """

    instead: ClassVar[str]
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Drop the arguments, so that the answer to any of them is the refusal."""
        super().run_from_argv(argv[:2])

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuse.

        Raises:
            CommandError: always.
        """
        raise CommandError(self.instead)

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Refuse, if it were ever called by another way.

        Raises:
            CommandError: always.
        """
        raise CommandError(self.instead)
