"""A wrong or dangerous setting stops the start with one sentence."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import (
    ERROR,
    WARNING,
    CheckMessage,
    Error,
    Tags,
    register,
    run_checks,
)
from django.core.checks import Warning as CheckWarning

from audit.checks import check_memory


def start_problems(*, with_database: bool = True) -> list[str]:
    """One sentence for each reason not to start: what settings and database have wrong."""
    found = [row for row in run_checks() if row.level >= ERROR and not row.is_silenced()]
    if with_database and not found:
        found = check_memory()
    return [f"{row.id}: {row.msg} {row.hint or ''}".strip() for row in found]


def refuse_problems(*, with_database: bool = True) -> None:
    """Print `start_problems` and end the process, if there are any."""
    problems = start_problems(with_database=with_database)
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        sys.exit(3)  # gunicorn does not start a worker again that ends so while it boots


def failing_checks() -> list[str]:
    """The names of all checks that are not content, warnings too, in a few queries.

    What the settings say cannot change while a process runs, so it is looked at once.
    """
    return [*_failing_settings(), *(str(row.id) for row in check_memory())]


@cache
def _failing_settings() -> tuple[str, ...]:
    found = [row for row in run_checks() if row.level >= WARNING and not row.is_silenced()]
    return tuple(str(row.id) for row in found)


@register()
def check_environment(**kwargs: Any) -> list[CheckMessage]:
    """Every variable could be read."""
    return [
        Error(
            f"{name} is wrong: {reason}.", hint="See the table in README.md.", id="indexsite.E001"
        )
        for name, reason in settings.ENVIRONMENT_ERRORS
    ]


@register(Tags.security)
def check_dangers(**kwargs: Any) -> list[CheckMessage]:
    """Nothing is set in a way that gives the site away."""
    found: list[CheckMessage] = []
    if settings.DEBUG and not settings.SITE_IS_LOCAL:
        found.append(
            Error(
                "DEBUG is on for a site that others can reach; it shows secrets to strangers.",
                hint="Leave DEBUG unset.",
                id="indexsite.E002",
            )
        )
    if len(settings.SECRET_KEY) < 40:
        found.append(
            Error(
                "SECRET_KEY is shorter than 40 characters.",
                hint="Leave it to `make run`, or set 50 or more random characters.",
                id="indexsite.E003",
            )
        )
    host, rp_id = settings.SITE_HOST, settings.WEBAUTHN_RP_ID
    if host != rp_id and not host.endswith(f".{rp_id}"):
        found.append(
            Error(
                f"WEBAUTHN_RP_ID is {rp_id!r}, which is neither {host!r} nor a domain above it; "
                "no browser would use security keys.",
                hint="Leave it unset, or set the domain that SITE_URL is in.",
                id="indexsite.E004",
            )
        )
    if settings.S3_BUCKET and find_spec("storages") is None:
        found.append(
            Error(
                "S3_BUCKET is set, but the package django-storages is not installed.",
                hint="Install requirements/production.txt.",
                id="indexsite.E007",
            )
        )
    if any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES):
        found.append(
            Error(
                "TRUSTED_PROXIES holds a network of all addresses, so anybody could claim any.",
                hint="Name the addresses of your own reverse proxies.",
                id="indexsite.E005",
            )
        )
    if not settings.SITE_IS_SECURE and not settings.SITE_IS_LOCAL:
        found.append(
            CheckWarning(
                f"SITE_URL is {settings.SITE_URL}: passwords and tokens travel in clear.",
                hint="Put a reverse proxy with TLS before it, and set SITE_URL to https://…",
                id="indexsite.W001",
            )
        )
    return found


@register(Tags.security)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Where TLS ends at a reverse proxy, people are told apart behind it."""
    if not settings.SITE_IS_SECURE or settings.TRUSTED_PROXIES:
        return []
    return [
        CheckWarning(
            "SITE_URL is one of TLS, and no reverse proxy is trusted: all people seem to come from "
            "the proxy's network address, and use up each other's attempts to sign in.",
            hint="Set TRUSTED_PROXIES to the network that your reverse proxy asks from.",
            id="indexsite.W002",
        )
    ]


@register()
def check_folders(**kwargs: Any) -> list[CheckMessage]:
    """Data can be written where it should go."""
    for folder in [settings.DATA, settings.FILES_ROOT, settings.INCOMING_ROOT]:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            return [
                Error(
                    f"The folder {folder} cannot be made: {error.strerror}.",
                    hint="Set INDEXSITE_DATA to a folder that this user may write to.",
                    id="indexsite.E006",
                )
            ]
        if not os.access(folder, os.W_OK):
            return [
                Error(
                    f"The folder {folder} cannot be written to.",
                    hint="Set INDEXSITE_DATA to a folder that this user may write to.",
                    id="indexsite.E006",
                )
            ]
    return []
