"""Which texts can be user names; pure."""

from __future__ import annotations

import re

MAX_LENGTH = 50  # characters
_FORM = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z", re.IGNORECASE | re.ASCII)
_SEPARATORS = str.maketrans("", "", "._-")

# Names that others would take for the people who run the site, or that programs give a meaning
_PROHIBITED = """
    abuse admin administrator administrators anonymous audit deleteduser everybody everyone
    helpdesk hostmaster indexsite mailerdaemon maintainers moderator moderators nobody noc noreply
    official operator owner postmaster pypi root security securityteam server site staff sudo
    superuser support supportteam sysadmin sysop system team token tokens trust webmaster
"""
PROHIBITED = frozenset(_PROHIBITED.split())


def is_well_formed(username: str) -> bool:
    """Whether it has only ASCII letters, digits, dots, dashes and underscores, and a good end."""
    return len(username) <= MAX_LENGTH and bool(_FORM.match(username))


def is_prohibited(username: str) -> bool:
    """Whether it would be mistaken for somebody in charge, however it is spaced: `Sup-Port`."""
    return squeeze(username) in PROHIBITED


def squeeze(username: str) -> str:
    """What a name comes to without case and separators: `Sup-Port` gives `support`."""
    return username.lower().translate(_SEPARATORS)
