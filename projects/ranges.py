"""Parts of a content (RFC 9110, 14). Pure.

A single range is understood. Several at once, other units and what is malformed are ignored, as the
RFC allows; the whole content is then the answer.
"""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*\Z", re.ASCII)


class Unsatisfiable(ValueError):
    """The range lies outside of the content."""


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """What a Range header asks for.

    Args:
        header: its value, "" if there was none.
        size: length of the content in bytes.

    Returns:
        The first and the last position, in bytes; None for the whole content.

    Raises:
        Unsatisfiable: if none of the range is inside the content (416).
    """
    match = _RANGE.match(header)
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(size - int(last), 0), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1
