"""What is wrong with an upload, in words for its uploader; and how much work one may cost. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from projects.names import shown

SHOWN: Final = 120
"""How much of a member's path stands in a sentence, in characters."""


@dataclass(frozen=True)
class Problem:
    """One reason to refuse an upload.

    Attributes:
        code: what staff filter refusals by.
        text: the reason in one plain ASCII line, without its full stop.
    """

    code: str
    text: str


class ArtifactError(ValueError):
    """A file that cannot be read to its end; the text says why, in one plain ASCII line."""

    def __init__(self, text: str, code: str = "archive") -> None:
        super().__init__(text)
        self.code = code


class Budget:
    """What inflating one archive may cost: bytes and time.

    Args:
        limit: bytes.
        seconds: time, from now on.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self._left = limit
        self._end = time.monotonic() + seconds

    def spend(self, size: int) -> None:
        """Take note of so many inflated bytes.

        Raises:
            ArtifactError: if they are too many by now, or took too long.
        """
        self._left -= size
        if self._left < 0:
            raise ArtifactError("the archive inflates to far more than its size", "bomb")
        if time.monotonic() > self._end:
            raise ArtifactError("the archive takes too long to inflate", "bomb")


def named(paths: Iterable[str]) -> str:
    """The first of some paths, and how many more there are."""
    first, *others = sorted(paths)
    more = f" and {len(others)} more" if others else ""
    return f"{shown(first, SHOWN)}{more}"
