"""What tokens are used for, and how often they are refused: counted beside the memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from audit.actors import Actor
from audit.models import Event
from audit.prepared import PreparedUpdate
from projects.models import Project
from tokens.models import APIToken, RefusalCount

REFUSALS_KEPT = timedelta(days=90)
_MOST_CONCERNED = 200
_NOTE = PreparedUpdate(
    lambda pk, moment, address, client, project, file: (
        APIToken.objects.filter(pk=pk),
        {
            "last_used_at": moment,
            "last_used_from": address,
            "last_used_client": client,
            "last_used_project": project,
            "last_used_file": file,
            "unused_notice_at": None,
        },
    )
)


def note_use(token: APIToken, *, by: Actor, project: str = "", file: str = "") -> None:
    """Remember when, from where, with what and for what a token was last used."""
    with transaction.atomic(savepoint=False):  # so that it stands in line, on SQLite
        _NOTE(token.pk, timezone.now(), by.network_address[:45], by.user_agent, project, file)


def forget_origins(before: datetime) -> None:
    """Forget from where and with what tokens were used whose last use is older."""
    APIToken.objects.filter(last_used_at__lt=before).update(last_used_from="", last_used_client="")


def count_refusal(token: APIToken, reason: str) -> None:
    """Count that a token was refused, by reason and hour."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    counts = RefusalCount.objects.filter(token=token, reason=reason[:100], hour=hour)
    if counts.update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            RefusalCount.objects.create(token=token, reason=reason[:100], hour=hour)
    except IntegrityError:  # another request was quicker, or the token is gone
        counts.update(count=F("count") + 1)


def forget_old_refusals() -> int:
    """Delete counts that are 90 days old."""
    old = RefusalCount.objects.filter(hour__lt=timezone.now() - REFUSALS_KEPT)
    count, _rows = old.delete()
    return count


def uses_of(token: APIToken) -> Any:
    """The events that this token caused, newest first; by its owner's events, which have an
    index.
    """
    events = Event.objects.filter(actor_id=str(token.user_id), credential="token")
    return events.filter(credential_id=str(token.pk), is_failure=False).order_by("-number")


def concerned_projects(token: APIToken) -> list[Project]:
    """The projects that a token can act on today: its events show in the histories of these."""
    held = Project.objects.of(token.user)[:_MOST_CONCERNED]
    allows = token.allowance.covers
    covered = [row for row in held if allows(name=row.normalized_name, project_id=str(row.pk))]
    return list({row.pk: row for row in [*token.projects.all(), *covered]}.values())
