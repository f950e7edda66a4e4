"""Descriptions as clean HTML, by readme_renderer, which is PyPI's own. Pure.

What renders a description can be made to take minutes, and some of it keeps all other threads
waiting. So long ones are rendered by a process of their own, which is ended when it takes too much.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final, NamedTuple

from readme_renderer import markdown, rst

MARKDOWN: Final = "text/markdown"
RST: Final = "text/x-rst"
LONG: Final = 16 * 1024
"""Characters; even the worst of this length takes no more than two seconds."""
MAX_SECONDS: Final = 10
"""Processor time for a longer one."""
MAX_MEMORY: Final = 1024**3
"""Bytes for a longer one, with all libraries."""
_PATIENCE: Final = 120  # seconds, on a machine that has other things to do
_at_once: Final = BoundedSemaphore(2)  # so that many such descriptions do not take all memory
_PYTHON: Final = (sys.executable, "-X", "utf8")


class Rendered(NamedTuple):
    """What became of a description.

    Attributes:
        html: clean HTML; None if it is not what it says it is.
        report: what docutils says of that, a line for each fault.
    """

    html: str | None
    report: str


def render(text: str, kind: str, variant: str, *, here: int = LONG) -> Rendered:
    """Make HTML of a description.

    Args:
        kind: MARKDOWN or RST.
        variant: of Markdown, "GFM" or "CommonMark".
        here: up to which length that is done in this process, in characters.

    Raises:
        TimeoutError: if it takes too much time or memory.
    """
    if len(text) <= here:
        return _render_here(text, kind, variant)
    command = [*_PYTHON, "-m", "projects.rendering", kind, variant, str(MAX_SECONDS)]
    try:
        with _at_once:  # it knows no secret of this process
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
    return Rendered(*json.loads(done.stdout))


def _render_here(text: str, kind: str, variant: str) -> Rendered:
    reports = io.StringIO()
    try:
        if kind == MARKDOWN:
            html = markdown.render(text, variant=variant)
        else:
            html = rst.render(text, stream=reports)
    except Exception:  # docutils answers what it did not foresee with any kind of exception
        return Rendered(None, "")
    return Rendered(html, reports.getvalue())


def main(kind: str, variant: str, seconds: str) -> None:
    """Read a description, render it within the limits, and write what became of it."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    json.dump(_render_here(sys.stdin.buffer.read().decode(), kind, variant), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
