"""What limits are counted by."""

from __future__ import annotations

from django.db import models


class RateCount(models.Model):
    """How often something was tried in one window of a limit."""

    limit = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    window = models.BigIntegerField()
    count = models.PositiveIntegerField(default=1)
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["limit", "key", "window"], name="one_count_per_window")
        ]

    def __str__(self) -> str:
        return f"{self.limit} {self.key}"
