"""The people's timed work."""

from datetime import timedelta

from django.utils import timezone

from accounts.devices import forget_unused
from accounts.limits import forget_old_counts
from accounts.models import UnknownSignIn, UserSession
from accounts.notices import forget_sent
from accounts.operations import address_ranges, campaigns, switches
from accounts.operations.passwords import forget_old_resets
from accounts.security_keys import forget_spent_challenges
from audit.actors import system
from audit.timetable import Job

BATCHES = 20  # of a campaign in one run, so that other work has its turn
KEEP_UNKNOWN_SIGN_INS = timedelta(days=30)


def forget_old_sessions() -> int:
    """Delete sessions that are over."""
    count, _rows = UserSession.objects.filter(expire_date__lt=timezone.now()).delete()
    return count


def forget_old_unknown_sign_ins() -> int:
    """Delete sign-ins from unknown devices that nobody can deny for long."""
    before = timezone.now() - KEEP_UNKNOWN_SIGN_INS
    count, _rows = UnknownSignIn.objects.filter(happened_at__lt=before).delete()
    return count


def queue_campaign_mail() -> int:
    """Put the next mails of a campaign into the outbox; how many."""
    queued = 0
    for _turn in range(BATCHES):
        count = campaigns.queue_batch(by=system())
        queued += count
        if not count:
            break
    return queued


def note_ends_of_switches() -> int:
    """Record which switches are again as they were, because their end has come; how many."""
    return switches.note_ends(by=system())


def note_ends_of_blocks() -> int:
    """Forget which network addresses are blocked no more, because the end has come; how many."""
    return address_ranges.note_ends(by=system())


JOBS = [
    Job("accounts:note_ends_of_blocks", timedelta(minutes=1), note_ends_of_blocks),
    Job("accounts:note_ends_of_switches", timedelta(minutes=1), note_ends_of_switches),
    Job(campaigns.JOB, timedelta(minutes=1), queue_campaign_mail),
    Job("accounts:forget_old_counts", timedelta(minutes=10), forget_old_counts),
    Job("accounts:forget_unused_devices", timedelta(days=1), forget_unused),
    Job("accounts:forget_old_sessions", timedelta(hours=1), forget_old_sessions),
    Job("accounts:forget_unknown_sign_ins", timedelta(days=1), forget_old_unknown_sign_ins),
    Job("accounts:forget_old_resets", timedelta(days=1), forget_old_resets),
    Job("accounts:forget_spent_challenges", timedelta(minutes=10), forget_spent_challenges),
    Job("accounts:forget_sent_mail", timedelta(hours=6), forget_sent),
]
