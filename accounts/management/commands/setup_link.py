"""Makes the link with which an administrator's account is made: `manage.py setup_link`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from accounts.operations import registration
from audit.actors import command


class Command(BaseCommand):
    """Shows a link that lasts one hour; each new one ends the one before."""

    help = "Make a set-up link for an administrator's account."

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer --if-needed and --file."""
        parser.add_argument(
            "--if-needed", action="store_true", help="only if there was never an administrator"
        )
        parser.add_argument("--file", help="where to write the link if nobody watches the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and show it on the terminal or in a file that only this user can read."""
        path = options["file"]
        if options["if_needed"] and registration.has_ever_had_administrator():
            if path:
                Path(path).unlink(missing_ok=True)
            return
        secret = registration.create_setup_link(by=command("setup_link"))
        query = urlencode({"link": secret})
        link = f"{settings.SITE_URL}{reverse('accounts:set-up')}?{query}"
        if path and not self.stdout.isatty():
            _write_privately(Path(path), f"{link}\n")
            self.stdout.write(f"The set-up link for the first administrator is in {path}")
        else:
            self.stdout.write(f"Set-up link for an administrator, for one hour:\n  {link}")


def _write_privately(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
