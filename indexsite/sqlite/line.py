"""Where those who want what one can have at a time wait for it: first come, first served; and how
all others learn that somebody had it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import struct
import time
from collections import deque
from threading import Lock
from typing import Final

_LOOK_AGAIN: Final = 0.0005  # seconds
_PLACE, _GATE = 0, 1  # bytes of the file
_COUNT: Final = struct.Struct("q")


class Line:
    """A lock for threads that goes to whoever waited longest, not to whoever asks just then."""

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


def _open_beside(path: str, beside: str) -> int:
    """Open a file of all processes of a site, which is made if it is not there.

    Args:
        beside: the file whose owner it gets where root makes it, as SQLite does with its own.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if beside and os.geteuid() == 0:
        owner = os.stat(beside)
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


class Changes:
    """A count of changes that all processes see: memory that they share through a file.

    It is odd from before a change until it is done, and stays odd if whoever makes it dies. Only
    whoever went through the gate counts.

    Args:
        path, beside: as for `Gate`.
    """

    def __init__(self, path: str, beside: str = "") -> None:
        file = _open_beside(path, beside)
        try:
            if os.fstat(file).st_size < _COUNT.size:  # unlike that of any other database
                os.pwrite(file, _COUNT.pack(2 * secrets.randbits(60)), 0)
            self._memory = mmap.mmap(file, _COUNT.size)
        finally:
            os.close(file)

    @property
    def count(self) -> int:
        """The count as it is now."""
        return int(_COUNT.unpack_from(self._memory)[0])

    def begin(self) -> None:
        """Something may be another thing from now on."""
        _COUNT.pack_into(self._memory, 0, (self.count + 1) | 1)

    def end(self) -> None:
        """All of it can be seen by everybody."""
        _COUNT.pack_into(self._memory, 0, (self.count + 1) & ~1)

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


class Gate:
    """A lock for processes, of which one thread at a time may come.

    It is two locks on one file: who waits at the gate has the place before it, so nobody goes
    through twice while another waits. A process that dies leaves both (fcntl(2), F_SETLK).

    Args:
        path: the file, which is made if it is not there.
        beside: the file whose owner it gets where root makes it.
    """

    def __init__(self, path: str, beside: str = "") -> None:
        self._file = _open_beside(path, beside)

    def enter(self, timeout: float) -> bool:
        """Wait for one's turn; as for `Line`."""
        end = time.monotonic() + timeout
        if not self._take(_PLACE, end):
            return False
        came = self._take(_GATE, end)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _PLACE)
        return came

    def _take(self, which: int, end: float) -> bool:
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, which)
            except BlockingIOError:
                if time.monotonic() >= end:
                    return False
                time.sleep(_LOOK_AGAIN)
            else:
                return True

    def close(self) -> None:
        """Leave, and keep nothing open."""
        os.close(self._file)
