"""Whether the description of a project can be shown as the page that it is meant to be. Pure.

What renders it can be made to take minutes, and some of it keeps all other threads waiting. So long
descriptions are rendered by a process of their own, which is ended when it takes too much.
"""

from __future__ import annotations

import io
import json
import re
import resource
import subprocess
import sys
from email.message import Message
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from readme_renderer import markdown, rst

from projects.names import shown
from uploads.problems import SHOWN, Problem

MAX_LENGTH: Final = 512 * 1024
"""Characters; an honest page of this length takes seconds to render."""
MAX_LENGTH_HERE: Final = 16 * 1024
"""Characters; even the worst of this length takes no more than two seconds."""
MAX_SECONDS: Final = 10
"""Processor time for a longer one."""
MAX_MEMORY: Final = 1024**3
"""Bytes for a longer one, with all libraries."""
_PATIENCE: Final = 120  # seconds, on a machine that has other things to do
_at_once: Final = BoundedSemaphore(2)  # so that many such uploads do not take all memory
_PYTHON: Final = (sys.executable, "-X", "utf8")
_MARKDOWN: Final = "text/markdown"
_RST: Final = "text/x-rst"
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
    header["content-type"] = content_type or _RST
    kind = header.get_content_type()
    if kind not in {_MARKDOWN, _RST}:
        return []
    try:
        fault = _fault_of(description, kind, str(header.get_param("variant") or "GFM"))
    except TimeoutError:
        text = "the description takes too long to render: shorten it, or make it plainer"
        return [Problem("description", text)]
    if fault is None:
        return []
    if kind == _MARKDOWN:
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
    render = _render if len(text) <= MAX_LENGTH_HERE else _render_apart
    return render(text, kind, variant)


def _render(text: str, kind: str, variant: str) -> str | None:
    return _fault_as_markdown(text, variant) if kind == _MARKDOWN else _fault_as_rst(text)


def _fault_as_markdown(text: str, variant: str) -> str | None:
    try:
        return None if markdown.render(text, variant=variant) is not None else ""
    except (ValueError, RecursionError):
        return ""


def _fault_as_rst(text: str) -> str | None:
    reports = io.StringIO()
    try:
        if rst.render(text, stream=reports) is not None:
            return None
    except Exception:  # docutils answers what it did not foresee with any kind of exception
        return ""
    found = _REPORT.search(reports.getvalue())
    return f" (line {found[1]}: {shown(found[2], SHOWN)[1:-1]})" if found else ""


def _render_apart(text: str, kind: str, variant: str) -> str | None:
    """As `_render`, by `main` in another process, which knows no secret of this one."""
    command = [*_PYTHON, "-m", "uploads.readmes", kind, variant, str(MAX_SECONDS)]
    try:
        with _at_once:
            done = subprocess.run(
                command,
                input=text.encode(),
                capture_output=True,
                cwd=Path(__file__).parents[1],
                env={},
                timeout=_PATIENCE,
                check=True,
            )
    except subprocess.SubprocessError as error:
        raise TimeoutError from error
    answer: str | None = json.loads(done.stdout)
    return answer


def main(kind: str, variant: str, seconds: str) -> None:
    """Read a description, render it within the limits, and write what `_render` gives."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    json.dump(_render(sys.stdin.buffer.read().decode(), kind, variant), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
