"""Features that staff have marked as not finished."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BetaFeature(models.Model):
    """A feature of `accounts.features` that is beta: its pages say so, in the words of staff."""

    name = models.CharField(_("feature"), max_length=40, unique=True)
    text = models.CharField(_("text"), max_length=300)
    url = models.CharField(_("link"), max_length=500, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    marked_by = models.CharField(_("by"), max_length=150)
    marked_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("beta feature")
        verbose_name_plural = _("beta features")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name.replace("-", " ").capitalize()
