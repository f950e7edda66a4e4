"""Mail that is to be sent, or was."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.campaigns import Campaign


class OutboxMail(models.Model):
    """A notice that is to be sent, or was. Never holds a secret: links are signed at sending."""

    notice = models.CharField(max_length=60)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True)  # if it is of one
    recipient = models.CharField(max_length=254, blank=True)
    recipient_name = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10, default="en")
    facts = models.JSONField(default=dict)
    origin = models.JSONField(default=dict)  # who did what it tells of, and from where
    queued_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, db_index=True)
    failure = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.notice} {self.pk}"
