"""`manage.py rebuild_search`: make the search index anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from projects import search


class Command(BaseCommand):
    """Reads all projects once."""

    help = "Make the index of names and summaries anew."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        self.stdout.write(f"{search.rebuild()} projects can be found.")
