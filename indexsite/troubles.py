"""What is wrong with the site now: for the first page of staff, and in mail to administrators."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import notices
from accounts.models import OutboxMail, User
from audit import checking, timetable
from audit.actors import system
from audit.checks import check_memory
from audit.models import JobRun
from indexsite.models import Incident

LEAST_FREE = 1024**3  # bytes
LEAST_FREE_PERCENT = 5
TOLD_EVERY = timedelta(days=1)
SLOWEST_MAIL = timedelta(hours=1)
NOTICE = "trouble"
WORKER = "worker"


@dataclass(frozen=True)
class Trouble:
    """Something that an administrator has to see to.

    Attributes:
        key: what it is, for telling of it once a day only.
        sentence: what is wrong, and what to do.
    """

    key: str
    sentence: str


def find_troubles() -> list[Trouble]:
    """All of them, the worst first."""
    return [*_chain(), *_memory(), *_disk(), *_jobs(), *_mail()]


def tell_troubles() -> int:
    """Tell all administrators of what is wrong, of each thing once a day; how many were told of."""
    told = 0
    recently = OutboxMail.objects.filter(notice=NOTICE, queued_at__gt=timezone.now() - TOLD_EVERY)
    known = {facts.get("key") for facts in recently.values_list("facts", flat=True)}
    known |= _told_by_web_server()
    troubles = find_troubles()
    if not any(trouble.key == WORKER for trouble in troubles):
        Incident.objects.filter(key=WORKER).exclude(told_at=None).update(told_at=None)
    for trouble in troubles:
        if trouble.key in known:
            continue
        notices.send(
            NOTICE,
            User.objects.administrators(),
            by=system(),
            key=trouble.key,
            trouble=trouble.sentence,
        )
        told += 1
    return told


def _told_by_web_server() -> set[str]:
    """The keys of what `indexsite.watching` told of lately."""
    recently = Incident.objects.filter(told_at__gt=timezone.now() - TOLD_EVERY)
    return set(recently.values_list("key", flat=True))


def late_worker(late: list[str]) -> Trouble:
    """That jobs of these names should have run."""
    names = ", ".join(late)
    return Trouble(WORKER, _("The worker is late: %s should have run. Is it running?") % names)


def _chain() -> Iterator[Trouble]:
    check = checking.last_check()
    if check is not None and check.broken_number is not None:
        yield Trouble(
            f"chain {check.broken_number}",
            _(
                "The chain of events is broken: event %(number)d %(because)s. Somebody changed the "
                "database behind the site. Keep a copy of it, and find out who."
            )
            % {"number": check.broken_number, "because": check.broken_because},
        )


def _memory() -> Iterator[Trouble]:
    for row in check_memory():
        yield Trouble(f"check {row.id}", f"{row.msg} {row.hint or ''}".strip())


def _disk() -> Iterator[Trouble]:
    folders: dict[int, Path] = {}  # by the disk that each is on
    for folder in (settings.DATA, settings.FILES_ROOT, settings.INCOMING_ROOT):
        if folder.exists():
            folders.setdefault(folder.stat().st_dev, folder)
    for folder in folders.values():
        disk = shutil.disk_usage(folder)
        percent = 100 * disk.free // disk.total
        if disk.free < LEAST_FREE or percent < LEAST_FREE_PERCENT:
            yield Trouble(
                f"disk {folder}",
                _(
                    "The disk of %(folder)s fills: %(free)d MiB (%(percent)d %%) are free. Make "
                    "room."
                )
                % {"folder": folder, "free": disk.free // 1024**2, "percent": percent},
            )


def _jobs() -> Iterator[Trouble]:
    late = timetable.late_jobs()
    if late:
        yield late_worker(late)
    for job in JobRun.objects.exclude(failure="").order_by("name"):
        yield Trouble(
            f"job {job.name}",
            _("The job %(name)s failed when it last ran. The log says why.") % {"name": job.name},
        )


def _mail() -> Iterator[Trouble]:
    before = timezone.now() - SLOWEST_MAIL
    unsent = OutboxMail.objects.filter(sent_at=None, queued_at__lt=before)
    stuck = unsent.exclude(recipient="").exclude(notice=NOTICE).count()
    if stuck:
        yield Trouble(
            "mail",
            ngettext(
                "%d mail could not be sent for more than an hour. Look at the list of mail.",
                "%d mails could not be sent for more than an hour. Look at the list of mail.",
                stuck,
            )
            % stuck,
        )
