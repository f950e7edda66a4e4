"""Whether the description of a project can be shown as the page that it is meant to be. Pure."""

from __future__ import annotations

import re
from email.message import Message
from functools import lru_cache
from typing import Final

from projects import rendering
from projects.names import shown
from projects.rendering import MARKDOWN, RST
from uploads.problems import SHOWN, Problem

MAX_LENGTH: Final = 512 * 1024
"""Characters of what has to be rendered; an honest page of this length takes seconds."""
_REPORT: Final = re.compile(r"<string>:(\d+): \([A-Z]+/\d\) (.*)")


def readme_problems(description: str | None, content_type: str | None) -> list[Problem]:
    """Why a description cannot be shown; nothing if it can, or there is none.

    Args:
        description: as in the metadata.
        content_type: Description-Content-Type, which is reStructuredText where it is not set.
    """
    if not description or not description.strip():
        return []
    header = Message()
    header["content-type"] = content_type or RST
    kind = header.get_content_type()
    if kind not in {MARKDOWN, RST}:
        return []
    if len(description) > MAX_LENGTH:
        text = f"the description is longer than {MAX_LENGTH >> 10} Ki characters"
        return [Problem("description", text)]
    try:
        fault = _fault_of(description, kind, str(header.get_param("variant") or "GFM"))
    except TimeoutError:
        text = "the description takes too long to render: shorten it, or make it plainer"
        return [Problem("description", text)]
    if fault is None:
        return []
    if kind == MARKDOWN:
        return [Problem("description", "the description is no Markdown")]
    hint = "" if content_type else ", as which it is taken without Description-Content-Type"
    return [Problem("description", f"the description is no valid reStructuredText{hint}{fault}")]


# A wheel and its sdist come one after the other, with one description.
@lru_cache(maxsize=8)
def _fault_of(text: str, kind: str, variant: str) -> str | None:
    """None if it can be rendered; or what to say of the first fault, as the end of a sentence.

    Raises:
        TimeoutError: if that takes too much time or memory.
    """
    rendered = rendering.render(text, kind, variant)
    if rendered.html is not None:
        return None
    found = _REPORT.search(rendered.report)
    return f" (line {found[1]}: {shown(found[2], SHOWN)[1:-1]})" if found else ""
