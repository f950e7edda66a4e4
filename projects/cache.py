"""What is remembered: bytes, by keys that hold the serial, so nothing is purged: what is old is not
asked for; and what the database said, as long as it has not changed at all.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from django.db import connection

T = TypeVar("T")

MAX_BYTES: Final = 32 * 1024 * 1024  # in each process
MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024
MOMENT: Final = 1.0  # seconds
MOST_ANSWERS: Final = 10_000


class Remembered:
    """A store of byte strings in memory that forgets the one used longest ago. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._bodies: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: Hashable) -> bytes | None:
        """The bytes of a key, if they are remembered."""
        with self._lock:
            body = self._bodies.get(key)
            if body is not None:
                self._bodies.move_to_end(key)
            return body

    def put(self, key: Hashable, body: bytes) -> None:
        """Remember. What alone would take more than all room is not kept."""
        if len(body) > self.max_bytes:
            return
        with self._lock:
            self.bytes += len(body) - len(self._bodies.pop(key, b""))
            self._bodies[key] = body
            while self.bytes > self.max_bytes:
                _key, oldest = self._bodies.popitem(last=False)
                self.bytes -= len(oldest)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._bodies.clear()
            self.bytes = 0


def version() -> int | None:
    """A number that is another one after each change of the database; None while somebody changes
    it, and where it is not known: on PostgreSQL.
    """
    ask = getattr(connection, "version", None)
    return ask() if ask is not None else None


class Known(Generic[T]):
    """What the database said, and would say again: nobody has changed it.

    Args:
        most: how many answers are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._answers: dict[Hashable, tuple[int, float, T]] = {}

    def ask(self, key: Hashable, question: Callable[[], T | None]) -> T | None:
        """The answer to a question; nothing (None) is not kept.

        An answer belongs to the version that was there before the question, so at worst it is newer
        than that. After a moment it is asked for again all the same: somebody may have changed the
        database by hand.
        """
        present, now = version(), time.monotonic()
        if present is None:
            return question()
        known = self._answers.get(key)
        if known is not None and known[0] == present and now < known[1]:
            return known[2]
        answer = question()
        if answer is not None:
            if len(self._answers) >= self.most:
                self._answers.clear()
            self._answers[key] = (present, now + MOMENT, answer)
        return answer


pages: Final = Remembered(MAX_BYTES)
# What scanners read of every release there is does not push out what installers ask for.
documents: Final = Remembered(MAX_DOCUMENT_BYTES)
serials: Final = Known[int](MOST_ANSWERS)
metadata: Final = Known[str](MOST_ANSWERS)
