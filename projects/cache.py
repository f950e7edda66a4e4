"""Remembered bytes. Keys hold the serial, so nothing is purged: what is old is not asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

MAX_BYTES: Final = 32 * 1024 * 1024  # in each process
MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024


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


pages: Final = Remembered(MAX_BYTES)
# What scanners read of every release there is does not push out what installers ask for.
documents: Final = Remembered(MAX_DOCUMENT_BYTES)
