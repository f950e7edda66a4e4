"""Mail to many people, in batches that a killed worker neither loses nor repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audiences, notices, topics
from accounts.events import CAMPAIGN_FINISHED, CAMPAIGN_STARTED, CAMPAIGN_STOPPED
from accounts.models import Announcement, Campaign, OutboxMail
from accounts.permissions import MAY_RULE, require_staff
from audit import timetable
from audit.actors import Actor
from audit.log import record

BATCH = 100  # mails in one transaction
JOB = "accounts:queue_campaign_mail"


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes:
        sent: mails that the mail server has taken.
        failed: mails that were given up after many attempts.
        to_go: mails that are in the outbox, or will be.
    """

    sent: int
    failed: int
    to_go: int


def find_progress(campaign: Campaign) -> Progress:
    """Count the mails of a campaign."""
    mails = OutboxMail.objects.filter(campaign=campaign).order_by()
    is_given_up = Q(sent_at=None, attempts__gte=notices.MAX_ATTEMPTS)
    counts = mails.aggregate(
        all=Count("pk"),
        sent=Count("pk", filter=Q(sent_at__isnull=False)),
        failed=Count("pk", filter=is_given_up),
    )
    unqueued = 0 if campaign.finished_at else max(campaign.total - campaign.queued, 0)
    to_go = counts["all"] - counts["sent"] - counts["failed"] + unqueued
    return Progress(counts["sent"], counts["failed"], to_go)


@transaction.atomic
def start_campaign(
    notice: str,
    audience: str,
    *,
    facts: dict[str, Any],
    reason: str,
    announcement: Announcement | None = None,
    by: Actor,
) -> Campaign:
    """Begin to send a notice to everybody of an audience; the worker fills the outbox.

    Args:
        notice: the name of the templates, as for `notices.send`.
        audience: the name of one of `accounts.audiences`.
        facts: plain values that the templates show.
        announcement: what it sends, if it is one.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if such a mail is on its way already, or reaches nobody.
    """
    require_staff(by, MAY_RULE)
    total = audiences.find(audience).addresses(topics.topic_of(notice)).count()
    if not total:
        raise ValidationError(_("No mail reaches anybody of them."), code="nobody")
    campaign = Campaign(
        title=announcement.title if announcement else "",
        announcement=announcement,
        notice=notice,
        audience=audience,
        facts=facts,
        reason=reason,
        total=total,
        started_by=by.label,
    )
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError as error:
        raise ValidationError(_("Such a mail is on its way already."), code="running") from error
    timetable.run_soon(JOB)
    record(
        CAMPAIGN_STARTED,
        by=by,
        title=str(campaign),
        notice=notice,
        audience=audience,
        total=total,
        digest=announcement.digest if announcement else "",
        reason=reason,
    )
    return campaign


@transaction.atomic
def stop_campaign(campaign: Campaign, *, reason: str, by: Actor) -> None:
    """End a campaign where it is: what the worker has not begun to send is not sent.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it was stopped, or nothing of it is to go.
    """
    require_staff(by, MAY_RULE)
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if campaign.stopped_by or not find_progress(campaign).to_go:
        raise ValidationError(_("This mail is over already."), code="done")
    campaign.stopped_by = by.label
    campaign.finished_at = campaign.finished_at or timezone.now()
    campaign.save(update_fields=["stopped_by", "finished_at"])
    notices.withdraw_campaign(campaign)
    progress = find_progress(campaign)
    record(
        CAMPAIGN_STOPPED,
        by=by,
        title=str(campaign),
        notice=campaign.notice,
        count=progress.sent + progress.to_go,
        reason=reason,
    )


@transaction.atomic
def queue_batch(*, by: Actor) -> int:
    """Queue the next mails of the oldest campaign that is not over.

    The mails and the place up to which they reach are stored together, under the campaign's lock:
    so nobody gets one twice, whichever worker dies when.

    Returns:
        How many were queued.
    """
    running = Campaign.objects.select_for_update(no_key=True).filter(finished_at=None)
    campaign = running.order_by("pk").first()
    if campaign is None:
        return 0
    topic = topics.topic_of(campaign.notice)
    left = audiences.find(campaign.audience).addresses(topic)
    if campaign.cursor is not None:
        left = left.filter(user_id__gt=campaign.cursor)
    batch = list(left[:BATCH])
    for address in batch:
        notices.send_to_address(
            campaign.notice, address, by=by, campaign=campaign, **campaign.facts
        )
    if batch:
        campaign.cursor, campaign.queued = batch[-1].user_id, campaign.queued + len(batch)
        campaign.save(update_fields=["cursor", "queued"])
        return len(batch)
    campaign.finished_at = timezone.now()
    campaign.save(update_fields=["finished_at"])
    record(
        CAMPAIGN_FINISHED,
        by=by,
        title=str(campaign),
        notice=campaign.notice,
        count=campaign.queued,
    )
    return 0
