"""What staff have switched."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SwitchState(models.Model):
    """The value that staff gave a switch of `accounts.switches`. No row: never touched."""

    name = models.CharField(_("switch"), max_length=40, unique=True)
    value = models.CharField(_("value"), max_length=40)
    reason = models.CharField(_("reason"), max_length=500)
    changed_by = models.CharField(_("by"), max_length=150)
    changed_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("switch")
        verbose_name_plural = _("switches")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
