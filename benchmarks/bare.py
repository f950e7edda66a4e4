"""A WSGI application that only hands out bytes: what the web server itself costs.

Serves the files of the folder BARE_FOLDER, each by its name, from memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_PAGES = {f"/{path.name}": path.read_bytes() for path in Path(os.environ["BARE_FOLDER"]).iterdir()}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the bytes of that name."""
    body = _PAGES.get(environ["PATH_INFO"], b"")
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]
