"""Mail domains that staff do not want here."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ProhibitedDomain(models.Model):
    """A domain at which new mail addresses are not accepted, nor at any below it."""

    domain = models.CharField(_("domain"), max_length=253, unique=True)
    reason = models.CharField(_("reason"), max_length=500)
    prohibited_by = models.CharField(_("by"), max_length=150)
    prohibited_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("prohibited mail domain")
        verbose_name_plural = _("Mail domains")
        ordering = ["domain"]

    def __str__(self) -> str:
        return self.domain
