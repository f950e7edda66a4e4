"""Mail to many people."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Campaign(models.Model):
    """One notice to an audience, and how far along it the outbox has been filled."""

    notice = models.CharField(_("notice"), max_length=60)
    audience = models.CharField(_("audience"), max_length=60)
    facts = models.JSONField(default=dict)
    reason = models.CharField(_("reason"), max_length=500)
    total = models.PositiveIntegerField(_("people when it began"))
    queued = models.PositiveIntegerField(_("mails queued"), default=0)
    # The last account that was reached; they are gone through by their ids
    cursor = models.UUIDField(null=True, editable=False)
    started_at = models.DateTimeField(_("begun"), default=timezone.now)
    started_by = models.CharField(_("begun by"), max_length=150)
    finished_at = models.DateTimeField(_("finished"), null=True)
    stopped_by = models.CharField(_("stopped by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("mail to many")
        verbose_name_plural = _("mail to many")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["notice"],
                condition=models.Q(finished_at=None),
                name="one_campaign_of_a_notice_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.pk}"

    @property
    def progress(self) -> str:
        """How many of how many."""
        return _("%(queued)d of %(total)d") % {"queued": self.queued, "total": self.total}
