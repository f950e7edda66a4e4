"""Network addresses from which staff take nothing."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.networks import address_key


class BlockedRangeQuerySet(models.QuerySet["BlockedRange"]):
    """Ranges that hold now, or held until their end came."""

    def in_force(self) -> BlockedRangeQuerySet:
        """Those whose end has not come."""
        return self._held_at(timezone.now())

    def around(self, network_address: str) -> BlockedRangeQuerySet:
        """Those that hold now, and that an address is in; none for what is no address."""
        return self.around_key(address_key(network_address), timezone.now())

    def around_key(self, key: Any, now: Any) -> BlockedRangeQuerySet:
        """The same, of an address as `address_key` writes it, at a time."""
        return self._held_at(now).filter(first_key__lte=key, last_key__gte=key)

    def _held_at(self, now: Any) -> BlockedRangeQuerySet:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now))


class BlockedRange(models.Model):
    """A range of addresses from which nobody signs in, fills in a form or uploads.

    Once `ends_at` has come, it is blocked no more.
    """

    network = models.CharField(_("range"), max_length=49, unique=True)
    first_key = models.CharField(max_length=32, editable=False)
    last_key = models.CharField(max_length=32, editable=False)
    reason = models.CharField(_("reason"), max_length=500)
    ends_at = models.DateTimeField(_("until"), null=True)
    blocked_by = models.CharField(_("by"), max_length=150)
    blocked_at = models.DateTimeField(_("since"), default=timezone.now)

    objects = BlockedRangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("blocked address range")
        verbose_name_plural = _("blocked addresses")
        ordering = ["first_key", "last_key"]
        indexes = [models.Index(fields=["first_key", "last_key"], name="blocked_range_keys")]

    def __str__(self) -> str:
        return self.network
