"""The tokens' timed work."""

from datetime import timedelta

from audit.timetable import Job
from tokens.reminders import remind_of_ends, remind_of_unused
from tokens.uses import forget_old_refusals

JOBS = [
    Job("tokens:remind_of_ends", timedelta(hours=1), remind_of_ends),
    Job("tokens:remind_of_unused", timedelta(hours=12), remind_of_unused),
    Job("tokens:forget_old_refusals", timedelta(hours=12), forget_old_refusals),
]
