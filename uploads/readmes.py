"""Whether the description of a project can be shown as the page that it is meant to be. Pure."""

from __future__ import annotations

import io
import re
from email.message import Message
from functools import lru_cache
from typing import Final

from readme_renderer import markdown, rst

from projects.names import shown
from uploads.problems import SHOWN, Problem

MAX_LENGTH: Final = 512 * 1024
"""Characters; a page of this length takes seconds to render."""
_REPORT: Final = re.compile(r"<string>:(\d+): \([A-Z]+/\d\) (.*)")


def readme_problems(description: str | None, content_type: str | None) -> list[Problem]:
    """Why a description cannot be shown; nothing if it can, or there is none.

    Args:
        description: as in the metadata.
        content_type: Description-Content-Type, which is reStructuredText where it is not set.
    """
    if not description or not description.strip():
        return []
    if len(description) > MAX_LENGTH:
        text = f"the description is longer than {MAX_LENGTH >> 10} Ki characters"
        return [Problem("description", text)]
    header = Message()
    header["content-type"] = content_type or "text/x-rst"
    kind = header.get_content_type()
    if kind == "text/markdown":
        is_shown = _renders_as_markdown(description, str(header.get_param("variant") or "GFM"))
        return [] if is_shown else [Problem("description", "the description is no Markdown")]
    if kind != "text/x-rst":
        return []
    fault = _fault_as_rst(description)
    hint = "" if content_type else ", as which it is taken without Description-Content-Type"
    text = f"the description is no valid reStructuredText{hint}{fault}"
    return [] if fault is None else [Problem("description", text)]


# A wheel and its sdist come one after the other, with one description.
@lru_cache(maxsize=8)
def _renders_as_markdown(text: str, variant: str) -> bool:
    try:
        return markdown.render(text, variant=variant) is not None
    except (ValueError, RecursionError):
        return False


@lru_cache(maxsize=8)
def _fault_as_rst(text: str) -> str | None:
    """None if it can be rendered; or what to say of the first fault, as the end of a sentence."""
    reports = io.StringIO()
    try:
        if rst.render(text, stream=reports) is not None:
            return None
    except Exception:  # docutils answers what it did not foresee with any kind of exception
        return ""
    found = _REPORT.search(reports.getvalue())
    return f" (line {found[1]}: {shown(found[2], SHOWN)[1:-1]})" if found else ""
