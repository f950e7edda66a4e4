"""Asks a list of breached passwords, by the range protocol of Have I Been Pwned.

Only the first 5 of 40 hexadecimal digits of a SHA-1 digest leave the site, and hundreds of
passwords share them. Whatever goes wrong, a password counts as not breached: a list that is down
keeps nobody out.
"""

from __future__ import annotations

import hashlib
import logging
import time
from http.client import HTTPException
from urllib.request import Request, urlopen

from django.conf import settings

logger = logging.getLogger(__name__)
TIMEOUT = 2  # seconds, for all of it
_LONGEST_ANSWER = 1024 * 1024  # bytes; a real one has about 40,000


def is_breached(password: str) -> bool:
    """Whether the list has the password; False where no list is configured or it does not answer.

    Takes up to 2 seconds, so it is never called inside a transaction.
    """
    if not settings.BREACHED_PASSWORDS_URL:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = _ask(digest[:5])
    except (OSError, HTTPException, ValueError) as error:
        logger.warning("The list of breached passwords did not answer: %s", type(error).__name__)
        return False
    return any(_names(line, digest[5:]) for line in answer.splitlines())


def _ask(prefix: str) -> str:
    request = Request(  # noqa: S310  (the settings accept http and https only)
        f"{settings.BREACHED_PASSWORDS_URL}{prefix}",
        headers={"Add-Padding": "true", "User-Agent": "indexsite"},
    )
    end = time.monotonic() + TIMEOUT
    content = b""
    with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        while part := answer.read1(65536):
            content += part
            if time.monotonic() > end or len(content) > _LONGEST_ANSWER:
                raise TimeoutError
    return content.decode("ascii")


def _names(line: str, rest: str) -> bool:
    """Whether a line has this digest, and a count above the 0 of padding."""
    digest, _colon, count = line.partition(":")
    return digest.strip().upper() == rest and count.strip() != "0"
