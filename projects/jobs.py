"""The shelves' timed work."""

from __future__ import annotations

from datetime import timedelta

from audit.timetable import Job
from projects import root_index

JOBS = [
    Job(
        "projects:write_index",
        timedelta(seconds=root_index.ASK_EVERY),
        root_index.write_edition,
    )
]
