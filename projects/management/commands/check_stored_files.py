"""`manage.py check_stored_files`: is each file's content there, and nothing beside?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import command
from projects.operations.contents import set_orphan_aside
from projects.stocktaking import Fault, find_faults
from projects.storage import StorageFailed

_SENTENCES = {
    "missing": "MISSING  {path}: the content of {filename}",
    "changed": "CHANGED  {path}: not the content of {filename}",
    "unreadable": "UNREADABLE {path}: the content of {filename}",
    "orphan": "ORPHAN   {path}",
}


class Command(BaseCommand):
    """Reads everything that is stored; uploads may go on meanwhile."""

    help = (
        "Compares what is stored with the files on the shelves: contents that are missing, "
        "changed, unreadable, or of no file. Ends with code 1 if it finds any that it did not "
        "repair."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the two options."""
        parser.add_argument(
            "--repair",
            action="store_true",
            help="move contents of no file away, into the folder or prefix set-aside; "
            "what is missing or changed has to come from a backup",
        )
        parser.add_argument(
            "--sizes-only",
            action="store_true",
            help="compare sizes, without reading all contents",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each fault, and how many there are.

        Raises:
            CommandError: if some are left, or the store does not answer.
        """
        try:
            self._check(reads_contents=not options["sizes_only"], repairs=options["repair"])
        except StorageFailed as error:
            raise CommandError(f"The storage does not answer: {error}") from error

    def _check(self, *, reads_contents: bool, repairs: bool) -> None:
        count = left = 0
        for fault in find_faults(reads_contents=reads_contents):
            count += 1
            is_repaired = repairs and self._repair(fault)
            left += not is_repaired
            sentence = _SENTENCES[fault.kind].format(path=fault.path, filename=fault.filename)
            self.stdout.write(sentence + (" (set aside)" if is_repaired else ""))
        if left:
            raise CommandError(f"{left} of {count} faults are left.", returncode=1)
        self.stdout.write(
            f"All is in order; {count} were set aside." if count else "All is in order."
        )

    def _repair(self, fault: Fault) -> bool:
        if fault.kind != "orphan":
            return False
        return set_orphan_aside(fault.path, fault.digest, by=command("check_stored_files"))
