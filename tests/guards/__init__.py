"""Lines that protect somebody, each with the test that misses it; one file for each floor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """A line that protects somebody.

    Attributes:
        name: what it guards against.
        path: the file it is in.
        line: the text that is the guard, exactly once in that file.
        without: the text in its place.
        test: the test that must turn red, as pytest names it.
        database: the kind on which it must.
    """

    name: str
    path: str
    line: str
    without: str
    test: str
    database: str = "sqlite"
