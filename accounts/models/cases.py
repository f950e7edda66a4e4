"""Recovery cases: the way back into an account whose owner has lost every second factor."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class RecoveryCaseQuerySet(models.QuerySet["RecoveryCase"]):
    """Recovery cases."""

    def open(self) -> RecoveryCaseQuerySet:
        """Those that can still be completed or cancelled."""
        return self.filter(ended_at=None)

    def end(self, outcome: RecoveryCase.Outcome, *, ended_by: str, reason: str = "") -> bool:
        """Give an open case its outcome: one conditional UPDATE, so it gets no second one.

        Returns:
            False if it had one before.
        """
        open_cases = self.filter(ended_at=None)
        return bool(
            open_cases.update(
                ended_at=timezone.now(), outcome=outcome, ended_by=ended_by, ended_because=reason
            )
        )


class RecoveryCase(models.Model):
    """A request to take the second factors off an account, which waits for its owner's objection.

    The evidence stays here, where it goes with the account; events have the reasons alone.
    """

    class Outcome(models.TextChoices):
        """How a case ended."""

        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, verbose_name=_("account"), on_delete=models.CASCADE, related_name="recovery_cases"
    )
    evidence = models.TextField(_("evidence"))
    reason = models.CharField(_("reason"), max_length=500)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    opened_by = models.CharField(_("opened by"), max_length=150)
    opened_by_id = models.CharField(max_length=36, blank=True, editable=False)
    due_at = models.DateTimeField(_("can be completed from"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)
    ended_because = models.CharField(_("why it ended"), max_length=500, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)

    objects = RecoveryCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("recovery case")
        verbose_name_plural = _("recovery cases")
        ordering = ["opened_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at=None), name="one_open_recovery_case"
            )
        ]

    def __str__(self) -> str:
        return self.user.username

    @property
    def is_open(self) -> bool:
        """Whether it has no outcome yet."""
        return self.ended_at is None

    @property
    def is_due(self) -> bool:
        """Whether its owner has had the time to object."""
        return self.is_open and timezone.now() >= self.due_at
