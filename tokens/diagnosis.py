"""What is wrong with a text that should be an API token, in words that help its owner. Pure."""

from __future__ import annotations

import re
from typing import Final

from tokens.macaroons import MAX_LENGTH, PREFIX

QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
"""What shells, and programs that write texts, leave around a value."""
_OLD_PREFIX: Final = re.compile(r"@?pypi:", re.IGNORECASE)
_BODY: Final = re.compile(r"Ag[E-H][A-Za-z0-9_-]{60,}")
"""How every token goes on after its prefix: the format's number, and the field of the location."""
_SPECIAL: Final = ("older format", "third-party", "unreadable", "restrictions")
"""In reasons that are no slip of the hand."""
_COPY: Final = "Copy all of it from where it is kept."


def explain(text: str, reason: str) -> str:
    """Return one ASCII sentence about a text that `macaroons.parse` refused.

    Args:
        text: what was sent as the token, without white space around it.
        reason: what `macaroons.parse` said.
    """
    if text.strip(QUOTES) != text:
        return (
            "The API token has quotation marks around it. Leave them out: some shells, such as cmd "
            "on Windows, keep them as a part of the value."
        )
    plain = "".join(text.split())
    if plain != text and (PREFIX in plain or _BODY.match(plain)):
        return (
            "The API token has a space or line break inside it: it was wrapped when it was copied, "
            "or something else was copied with it. It is one line without spaces."
        )
    if _OLD_PREFIX.match(text):
        return (
            "API tokens are no longer written with 'pypi:'. Write the token as it was shown, from "
            "'pypi-' on, and the user name as __token__."
        )
    if text.startswith(PREFIX):
        return _explain_token(text, reason)
    if text.lower().startswith(PREFIX):
        return (
            "An API token starts with 'pypi-' in small letters. Write it exactly as it was shown."
        )
    if _BODY.match(text):
        return f"The beginning of the API token, 'pypi-', is missing. {_COPY}"
    if PREFIX in text:
        return f"Something stands before the API token, which starts with 'pypi-'. {_COPY}"
    return "This is not an API token. API tokens start with 'pypi-' and are made on this site."


def _explain_token(text: str, reason: str) -> str:
    if text.count(PREFIX) > 1:
        if text.removeprefix(PREFIX).startswith(PREFIX):
            return "The API token starts with 'pypi-' twice. Leave one of them out."
        return "The API token is there twice. Send it once."
    if len(text) > MAX_LENGTH:
        return f"The API token is longer than {MAX_LENGTH} characters. {_COPY}"
    if text.endswith("="):
        return "The API token has an equals sign at its end that does not belong to it."
    if not _BODY.match(text.removeprefix(PREFIX)) and len(text) > 64:
        return f"This is not an API token of a package index, though it starts like one. {_COPY}"
    if any(words in reason for words in _SPECIAL):
        return f"This API token cannot be used here: {reason}."
    return (
        "The API token is cut off, or was changed since it was made: it cannot be read to its end. "
        f"{_COPY}"
    )
