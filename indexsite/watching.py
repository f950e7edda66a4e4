"""The web server looks whether the worker works: a worker that hangs tells nobody of it.

Each process that answers requests looks every few minutes, after an answer was sent and in a thread
of its own, so that no request waits for it. The mail goes past the outbox, which is the worker's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.core.signals import request_finished
from django.db import Error as DatabaseError
from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import notices
from accounts.models import User
from audit import timetable
from audit.actors import system
from audit.log import record
from indexsite.events import LATE_WORKER_TOLD
from indexsite.models import Incident
from indexsite.troubles import NOTICE, WORKER, late_worker

logger = logging.getLogger(__name__)
PAUSE: Final = 300.0  # seconds between two looks of a process, and before the first
LEASE = timedelta(minutes=4)  # in which one process tells of it, or another one may
SLOWEST_ANSWER = 10  # seconds that the mail server may let one question stand


def tell_of_late_worker() -> int:
    """Mail administrators if the worker is late and nobody has; how many mails went out.

    Of any number of processes one does. If it does not reach the mail server, it is done again.
    A worker that was never started is late, too, some time after the first look.
    """
    timetable.expect_jobs()
    late = timetable.late_jobs()
    if not late or not _becomes_teller():
        return 0
    trouble = late_worker(late)
    sent = notices.send_at_once(
        NOTICE,
        User.objects.administrators(),
        by=system(),
        timeout=SLOWEST_ANSWER,
        key=trouble.key,
        trouble=trouble.sentence,
    )
    if sent:
        with transaction.atomic():
            Incident.objects.filter(key=WORKER).update(told_at=timezone.now(), leased_until=None)
            record(LATE_WORKER_TOLD, by=system(), jobs=late, mails=sent)
    return sent


def _becomes_teller() -> bool:
    """Whether this process is the one that tells, of all that found it out."""
    now = timezone.now()
    Incident.objects.get_or_create(key=WORKER)
    untold = Incident.objects.filter(key=WORKER, told_at=None)
    with transaction.atomic():  # so that it stands in line, on SQLite
        free = untold.filter(Q(leased_until=None) | Q(leased_until__lte=now))
        return free.update(leased_until=now + LEASE) == 1


class Watch:
    """Looks after requests of one process, at most once in so many seconds.

    Args:
        look: what a thread then does.
        pause: the seconds.
    """

    def __init__(self, look: Callable[[], object], pause: float = PAUSE) -> None:
        self.pause = pause
        self.next_at = 0.0
        self._tell = look
        self._turn = threading.Lock()

    def begin(self) -> None:
        """Look from now on, but not at once: after a long break, the worker catches up first."""
        self.next_at = time.monotonic() + self.pause
        request_finished.connect(self.after_answer)

    def end(self) -> None:
        """Look no more."""
        request_finished.disconnect(self.after_answer)

    def after_answer(self, **_signal: Any) -> None:
        """Let a thread look, if it is time. Costs a look at the clock otherwise."""
        if time.monotonic() < self.next_at or not self._turn.acquire(blocking=False):
            return
        self.next_at = time.monotonic() + self.pause
        try:
            threading.Thread(target=self._look, name="watch", daemon=True).start()
        except RuntimeError:  # there can be no more threads; the answer matters more
            self._turn.release()

    def _look(self) -> None:
        try:
            self._tell()
        except DatabaseError:
            logger.exception("The database did not answer.")
        finally:
            connections.close_all()  # this thread's own
            self._turn.release()


watch = Watch(tell_of_late_worker)
