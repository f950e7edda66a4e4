"""Mail to many people, in batches that a killed worker neither loses nor repeats."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audiences, notices
from accounts.events import CAMPAIGN_FINISHED, CAMPAIGN_STARTED, CAMPAIGN_STOPPED
from accounts.models import Campaign
from accounts.permissions import MAY_RULE, require_staff
from audit import timetable
from audit.actors import Actor
from audit.log import record

BATCH = 100  # mails in one transaction
JOB = "accounts:queue_campaign_mail"


@transaction.atomic
def start_campaign(
    notice: str, audience: str, *, facts: dict[str, Any], reason: str, by: Actor
) -> Campaign:
    """Begin to send a notice to everybody of an audience; the worker fills the outbox.

    Args:
        notice: the name of the templates, as for `notices.send`.
        audience: the name of one of `accounts.audiences`.
        facts: plain values that the templates show.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if such a mail is on its way already, or reaches nobody.
    """
    require_staff(by, MAY_RULE)
    total = audiences.find(audience).addresses().count()
    if not total:
        raise ValidationError(_("Nobody of them has a verified mail address."), code="nobody")
    campaign = Campaign(
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
    record(CAMPAIGN_STARTED, by=by, notice=notice, audience=audience, total=total, reason=reason)
    return campaign


@transaction.atomic
def stop_campaign(campaign: Campaign, *, reason: str, by: Actor) -> None:
    """End a campaign where it is; mail that is in the outbox still goes out.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it is over.
    """
    require_staff(by, MAY_RULE)
    running = Campaign.objects.filter(pk=campaign.pk, finished_at=None)
    if running.update(finished_at=timezone.now(), stopped_by=by.label) != 1:
        raise ValidationError(_("This mail is over already."), code="done")
    campaign.refresh_from_db()
    record(CAMPAIGN_STOPPED, by=by, notice=campaign.notice, count=campaign.queued, reason=reason)


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
    left = audiences.find(campaign.audience).addresses()
    if campaign.cursor is not None:
        left = left.filter(user_id__gt=campaign.cursor)
    batch = list(left[:BATCH])
    for address in batch:
        notices.send_to_address(campaign.notice, address, by=by, **campaign.facts)
    if batch:
        campaign.cursor, campaign.queued = batch[-1].user_id, campaign.queued + len(batch)
        campaign.save(update_fields=["cursor", "queued"])
        return len(batch)
    campaign.finished_at = timezone.now()
    campaign.save(update_fields=["finished_at"])
    record(CAMPAIGN_FINISHED, by=by, notice=campaign.notice, count=campaign.queued)
    return 0
