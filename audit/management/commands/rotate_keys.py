"""Moves to a new SECRET_KEY: `manage.py rotate_keys`, the old one being in SECRET_KEY_FALLBACKS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit import keyring
from audit.actors import command
from audit.events import KEYS_ROTATED
from audit.log import record


class Command(BaseCommand):
    """Wraps the purpose keys anew; nothing else needs to change."""

    help = "Wrap the stored keys under the present SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate."""
        try:
            with transaction.atomic():
                count = keyring.rotate()
                record(KEYS_ROTATED, by=command("rotate_keys"), count=count)
        except keyring.WrongSecretKey as error:
            raise CommandError(
                "Neither SECRET_KEY nor SECRET_KEY_FALLBACKS opens the stored keys."
            ) from error
        self.stdout.write(f"Wrapped {count} keys. SECRET_KEY_FALLBACKS can now be emptied.")
