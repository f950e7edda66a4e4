"""The delivery door's timed work."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

from django.conf import settings

from audit.actors import system
from audit.timetable import Job
from projects.operations.contents import remove_contents_due
from uploads.operations import enforcement
from uploads.preview import forget_old_uploads

ABANDONED_AFTER = 24 * 3600  # seconds; no upload takes that long


def sweep_incoming() -> int:
    """Delete what killed processes left of bodies; how many files."""
    count = 0
    for path in settings.INCOMING_ROOT.glob("upload-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                path.unlink()
                count += 1
    return count


def remove_deleted_contents() -> int:
    """Remove the contents of files that were deleted long enough ago; how many."""
    return remove_contents_due(by=system())


def note_enforcement_stage() -> bool:
    """Record that a stage of the move to API tokens has been reached; whether one was."""
    return enforcement.note_stage(by=system())


JOBS = [
    Job("uploads:note_enforcement_stage", timedelta(minutes=1), note_enforcement_stage),
    Job("uploads:sweep_incoming", timedelta(hours=6), sweep_incoming),
    Job("uploads:remove_deleted_contents", timedelta(minutes=30), remove_deleted_contents),
    Job("uploads:forget_password_uploads", timedelta(days=1), forget_old_uploads),
]
