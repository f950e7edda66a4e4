"""The roof's timed work."""

from datetime import timedelta
from typing import Final

from audit.timetable import Job
from indexsite.counting import count_new, forget_old_days
from indexsite.gauges import measure
from indexsite.series import SERIES
from indexsite.troubles import tell_troubles

MEASURE: Final = "indexsite:measure"


def count_events() -> int:
    """Roll up what was recorded since the last time."""
    return count_new(SERIES)


JOBS = [
    Job("indexsite:tell_troubles", timedelta(minutes=5), tell_troubles),
    Job("indexsite:count_events", timedelta(minutes=1), count_events),
    Job(MEASURE, timedelta(minutes=10), measure),
    Job("indexsite:forget_old_days", timedelta(days=1), forget_old_days),
]
