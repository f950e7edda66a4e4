"""Where the threads of a process wait for what one of them can have: first come, first served."""

from __future__ import annotations

from collections import deque
from threading import Lock


class Line:
    """A lock that goes to whoever waited longest, and not to whoever asks at the right moment."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_taken = False
        self._waiting: deque[Lock] = deque()

    def enter(self, timeout: float) -> bool:
        """Wait for one's turn.

        Args:
            timeout: seconds.

        Returns:
            False if it did not come in time.
        """
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._guard:
            if turn not in self._waiting:  # it came between the two lines above
                return True
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Let the next one have its turn."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
