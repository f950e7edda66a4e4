"""Makes an invitation: `manage.py invite`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from accounts.operations import registration
from audit.actors import command


class Command(BaseCommand):
    """Shows a link with which one account can be made, for 7 days."""

    help = "Make an invitation link for one new account."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, and show it."""
        secret = registration.create_invitation(by=command("invite"))
        query = urlencode({"link": secret})
        self.stdout.write(f"{settings.SITE_URL}{reverse('accounts:register')}?{query}")
