"""The memory's timed work."""

from datetime import timedelta

from audit import checking
from audit.failures import close_windows
from audit.timetable import Job

JOBS = [
    Job("audit:close_failure_windows", timedelta(minutes=1), close_windows),
    Job(checking.JOB, timedelta(seconds=10), checking.continue_check),
]
