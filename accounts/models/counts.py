"""What limits are counted by."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateCount(models.Model):
    """How often something was tried lately: `slots` has the number for each tenth of the time.

    `version` counts the changes, so that each is one conditional UPDATE.
    """

    limit = models.CharField(_("limit"), max_length=40)
    key = models.CharField(max_length=80)
    times = models.PositiveIntegerField(_("attempts let through"))
    per = models.PositiveIntegerField(_("in seconds"))
    slots = models.JSONField(default=dict)
    version = models.PositiveBigIntegerField(default=0)
    ends_at = models.DateTimeField(_("counted until"), db_index=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["-ends_at"]
        constraints = [
            models.UniqueConstraint(fields=["limit", "key", "per"], name="one_count_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.limit} {self.key}"
