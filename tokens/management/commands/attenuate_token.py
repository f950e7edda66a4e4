"""`manage.py attenuate_token`: narrows a copy of an API token, without asking the site."""

from __future__ import annotations

import ipaddress
import sys
import time
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from projects.names import normalize
from tokens import caveats, diagnosis, macaroons
from tokens.caveats import Actions, Caveat, Expiration, Networks, ProjectName, ProjectPatterns

DAY = 24 * 3600  # seconds


class Command(BaseCommand):
    """Reads the token from standard input or a prompt, never from its arguments."""

    help = (
        "Prints a narrower copy of an API token, which is read from standard input or asked for. "
        "The token itself goes on as it was; nobody can undo what a copy was narrowed by."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """What the copy is limited to."""
        parser.add_argument("--project", action="append", default=[], help="only for this project")
        parser.add_argument(
            "--pattern", action="append", default=[], help="only for such projects: pyobjc-*"
        )
        parser.add_argument(
            "--network", action="append", default=[], help="only from this network: 10.0.0.0/8"
        )
        parser.add_argument(
            "--action", action="append", default=[], choices=caveats.ACTIONS, help="only for this"
        )
        parser.add_argument("--days", type=float, help="for so many days from now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Narrow, and print."""
        try:
            wanted = [caveats.dump(caveat) for caveat in _wanted(options)]
        except (ValueError, OverflowError) as error:
            raise CommandError(f"{error}.") from error
        if not wanted:
            raise CommandError("Say what the copy is to be limited to; see --help.")
        text = _read_token()
        try:
            macaroons.parse(text)
            narrowed = macaroons.attenuate(text, wanted)
        except macaroons.MalformedToken as error:
            raise CommandError(diagnosis.explain(text, str(error))) from error
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        self.stdout.write(narrowed)


def _wanted(options: dict[str, Any]) -> list[Caveat]:
    found: list[Caveat] = []
    if options["project"]:
        found.append(ProjectName(tuple(normalize(name) for name in options["project"])))
    if options["pattern"]:
        patterns = map(caveats.normalize_pattern, options["pattern"])
        found.append(ProjectPatterns(tuple(patterns)))
    if options["network"]:
        networks = (str(ipaddress.ip_network(text)) for text in options["network"])
        found.append(Networks(tuple(networks)))
    if options["action"]:
        found.append(Actions(tuple(options["action"])))
    if options["days"] is not None:
        seconds = options["days"] * DAY
        if not seconds >= 1:  # what is no number is not, either
            raise ValueError("the copy would be of no use: --days must be more than 0")
        now = int(time.time())
        found.append(Expiration(now + int(seconds), now))
    return found


def _read_token() -> str:
    if sys.stdin.isatty():
        return getpass("API token: ").strip()
    return sys.stdin.readline().strip()
