"""Takes over the accounts of another site: `manage.py import_users FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import importing
from accounts.importing import ImportedAccount, Problem
from accounts.operations import imports
from audit.actors import command

_MOST_SHOWN = 50


class Command(BaseCommand):
    """Imports all lines of a file, or none."""

    help = (
        "Import accounts from comma-separated values (with a header) or JSON lines. Columns: "
        "username, email, email_verified, name, password_hash, joined_at; the first two are "
        "needed. Password hashes of bcrypt, bcrypt_sha256, PBKDF2 and Argon2, as Django and "
        "passlib write them, go on working. If one line is wrong, nothing is imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, and --dry-run."""
        parser.add_argument("file", help="a path that ends with .csv, .jsonl or .ndjson")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then import.

        Raises:
            CommandError: if anything is wrong, with the numbers of the lines.
        """
        accounts, problems = _read(Path(options["file"]))
        problems = sorted(
            [*problems, *imports.find_conflicts(accounts)], key=lambda row: (row.line, row.column)
        )
        if problems:
            raise CommandError(_refusal(problems))
        without = sum(not row.password_hash for row in accounts)
        if without:
            self.stdout.write(f"{without} have no password: their owners reset it by mail.")
        if options["dry_run"]:
            self.stdout.write(f"{len(accounts)} accounts would be imported. Nothing was changed.")
            return
        try:
            count = imports.import_accounts(accounts, by=command("import_users"))
        except ValidationError as error:
            raise CommandError(error.messages[0]) from error
        self.stdout.write(f"{count} accounts were imported. No mail was sent.")


def _read(path: Path) -> tuple[list[ImportedAccount], list[Problem]]:
    reader = {
        ".csv": importing.read_csv,
        ".jsonl": importing.read_json_lines,
        ".ndjson": importing.read_json_lines,
    }.get(path.suffix.lower())
    if reader is None:
        raise CommandError("The name of the file must end with .csv, .jsonl or .ndjson.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return importing.read_accounts(reader(file))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8.") from error
    except ValueError as error:
        raise CommandError(f"{error}.") from error


def _refusal(problems: list[Problem]) -> str:
    lines = [f"Nothing was imported. {len(problems)} problems:"]
    lines += [f"  {problem}" for problem in problems[:_MOST_SHOWN]]
    if len(problems) > _MOST_SHOWN:
        lines.append(f"  … and {len(problems) - _MOST_SHOWN} more")
    return "\n".join(lines)
