"""Numbers that were rolled up, and whether everybody may see some of them."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

DAY: Final = "day"
MONTH: Final = "month"


class PeriodCount(models.Model):
    """One number of one day or month (UTC).

    Attributes:
        series: what was counted or measured.
        label: which part of it.
        count: of what is counted, how often it happened; of what is measured, how it stood last.
    """

    period = models.CharField(max_length=5, choices=[(DAY, _("day")), (MONTH, _("month"))])
    starts_on = models.DateField()
    series = models.CharField(max_length=40)
    label = models.CharField(max_length=60)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["period", "starts_on", "series", "label"], name="one_count_of_a_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.label} {self.starts_on}: {self.count}"


class CountMark(models.Model):
    """Up to which event a series is counted. Its lock is held while it is counted on."""

    series = models.CharField(max_length=40, primary_key=True)
    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.series} {self.number}"


class PublicNumbers(models.Model):
    """Whether the page of numbers for everybody is on: one row, as staff left it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    is_on = models.BooleanField(default=False)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_public_numbers")]

    def __str__(self) -> str:
        return "on" if self.is_on else "off"


class Incident(models.Model):
    """A trouble of which the web server tells, because the worker may not.

    Attributes:
        told_at: when administrators were told; None while all is well, or they are to be told.
        leased_until: until when one process has it in hand to tell them.
    """

    key = models.CharField(max_length=40, primary_key=True)
    told_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key
