"""The worker: sends mail and runs timed work, any number of them at once."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from accounts import notices
from audit import timetable
from indexsite.sqlite.base import copy_log
from indexsite.troubles import tell_troubles

logger = logging.getLogger(__name__)
PAUSE = 1.0  # seconds between two looks at the outbox


class Worker:
    """Runs until it is told to stop, and finishes what it is at."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """End after the present piece of work."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        self._tell_of_the_past()
        while not self._stopping.is_set():
            if not self.run_once():
                self._stopping.wait(PAUSE)
        connections.close_all()

    def _tell_of_the_past(self) -> None:
        """Tell administrators how late everything is, before it is caught up."""
        try:
            tell_troubles()
        except DatabaseError:
            logger.exception("The database did not answer.")

    def run_once(self) -> bool:
        """Do what is due; whether there was anything."""
        close_old_connections()
        try:
            copy_log()
            sent = notices.send_due(limit=10)
            return bool(timetable.run_due() or sent)
        except DatabaseError:
            logger.exception("The database did not answer; the worker tries again.")
            self._stopping.wait(5 * PAUSE)
            return False
