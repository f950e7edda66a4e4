"""A site that dies at one step: `gunicorn tests.support.crashing:application`.

CRASH_AT names a function as "module:name" or "module:Class.name", CRASH_CALL which of its calls
kills the whole server (SIGKILL), and CRASH_WHEN whether "before" or "after" it. The product knows
nothing of this.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
from importlib import import_module
from typing import Any

from indexsite.wsgi import application

__all__ = ["application"]


def die() -> None:
    """Kill the master and this worker, as a power cut would."""
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def arm(place: str, call: int, when: str) -> None:
    """Let a function kill the server."""
    module, _colon, name = place.partition(":")
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    function, calls = getattr(owner, last), itertools.count(1)

    @functools.wraps(function)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        is_hit = next(calls) == call
        if is_hit and when == "before":
            die()
        result = function(*args, **kwargs)
        if is_hit:
            die()
        return result

    setattr(owner, last, deadly)


arm(os.environ["CRASH_AT"], int(os.environ["CRASH_CALL"]), os.environ["CRASH_WHEN"])
