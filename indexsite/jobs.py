"""The roof's timed work."""

from datetime import timedelta

from audit.timetable import Job
from indexsite.troubles import tell_troubles

JOBS = [Job("indexsite:tell_troubles", timedelta(minutes=5), tell_troubles)]
