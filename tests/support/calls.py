"""How often a function is called meanwhile: what a page costs, whatever the machine is doing."""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile
from typing import Any


def calls_of(function: Any, during: Callable[[], object]) -> int:
    """How many calls of a Python function something makes."""
    profile = Profile()
    profile.runcall(during)
    entries: Any = profile.getstats()  # type: ignore[attr-defined]
    return sum(entry.callcount for entry in entries if entry.code is function.__code__)
