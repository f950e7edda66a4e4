"""The people's timed work."""

from datetime import timedelta

from django.utils import timezone

from accounts.devices import forget_unused
from accounts.limits import forget_old_counts
from accounts.models import UserSession
from accounts.notices import forget_sent
from accounts.operations.passwords import forget_old_resets
from accounts.security_keys import forget_spent_challenges
from audit.timetable import Job


def forget_old_sessions() -> int:
    """Delete sessions that are over."""
    count, _rows = UserSession.objects.filter(expire_date__lt=timezone.now()).delete()
    return count


JOBS = [
    Job("accounts:forget_old_counts", timedelta(minutes=10), forget_old_counts),
    Job("accounts:forget_unused_devices", timedelta(days=1), forget_unused),
    Job("accounts:forget_old_sessions", timedelta(hours=1), forget_old_sessions),
    Job("accounts:forget_old_resets", timedelta(days=1), forget_old_resets),
    Job("accounts:forget_spent_challenges", timedelta(minutes=10), forget_spent_challenges),
    Job("accounts:forget_sent_mail", timedelta(hours=6), forget_sent),
]
