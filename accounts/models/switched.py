"""What staff have switched."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SwitchState(models.Model):
    """How staff set a switch of `accounts.switches`; "" leaves it as it is at first.

    Once `ends_at` has come, what staff set holds no more.
    """

    name = models.CharField(_("switch"), max_length=40, unique=True)
    value = models.CharField(_("value"), max_length=40, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    banner = models.CharField(_("banner"), max_length=300, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True)
    changed_by = models.CharField(_("by"), max_length=150, blank=True)
    changed_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("switch")
        verbose_name_plural = _("switches")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name.replace("-", " ").capitalize()
