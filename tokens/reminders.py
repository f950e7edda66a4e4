"""Mails that come with time: a token ends soon, or was not used for long. Each is sent once."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import notices
from audit.actors import system
from tokens.descriptions import describe_token, has_outlived_its_projects
from tokens.models import APIToken

WARNED_DAYS = (1, 7)
UNUSED = timedelta(days=90)


def remind_of_ends() -> int:
    """Tell owners whose tokens end within 7 days, and again within 1; how many mails."""
    count = 0
    for days in WARNED_DAYS:
        span, now = timedelta(days=days), timezone.now()
        due = (
            APIToken.objects.usable(now)
            .filter(expires_at__lte=now + span, user__is_active=True)
            .filter(created_at__lt=F("expires_at") - span)  # who chose so few days knows it
            .filter(Q(warned_days=None) | Q(warned_days__gt=days))
        )
        for token in due.select_related("user"):
            if has_outlived_its_projects(token):  # nobody who finds it can use it, nor needs it
                continue
            with transaction.atomic():
                waiting = Q(warned_days=None) | Q(warned_days__gt=days)
                rows = APIToken.objects.filter(waiting, pk=token.pk)
                if rows.update(warned_days=days):
                    _send("token_expiring", token)
                    count += 1
    return count


def remind_of_unused() -> int:
    """Tell owners whose tokens were not used for 90 days; how many mails."""
    count = 0
    last = Coalesce("last_used_at", "created_at")
    idle = APIToken.objects.usable().annotate(last=last).filter(last__lt=timezone.now() - UNUSED)
    for token in idle.filter(unused_notice_at=None, user__is_active=True).select_related("user"):
        if has_outlived_its_projects(token):
            continue
        with transaction.atomic():
            rows = APIToken.objects.filter(pk=token.pk, unused_notice_at=None)
            if rows.update(unused_notice_at=timezone.now()):
                _send("token_unused", token)
                count += 1
    return count


def _send(notice: str, token: APIToken) -> None:
    notices.send(
        notice,
        [token.user],
        by=system("reminder"),
        name=token.name,
        allows=describe_token(token),
        expires=f"{token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "",
        token_id=str(token.pk),
    )
