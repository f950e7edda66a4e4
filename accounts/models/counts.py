"""What limits are counted by."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


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
        return f"{self.limit}: {self.whose}"

    @property
    def user_id(self) -> UUID | None:
        """The id of the account whose attempts these are, if they are of one account."""
        try:
            return UUID(self.key.removeprefix("user:").partition(":")[0])
        except ValueError:
            return None

    @cached_property
    def user(self) -> User | None:
        """The account whose attempts these are, if they are of one account that is there."""
        return User.objects.filter(pk=self.user_id).first() if self.user_id else None

    @property
    def whose(self) -> str:
        """An account, perhaps on one device, or a network address."""
        if self.key == "site":
            return gettext("the whole site")
        if self.key.startswith("name:"):
            return gettext("a name that nobody has")
        user = self.user
        if user is None:
            return self.key
        on_device = gettext("%s, on a known device") % user.username
        return on_device if ":device:" in self.key else user.username


def find_users(rows: Sequence[RateCount]) -> None:
    """Look for the accounts of many rows at once, rather than for each when it is asked."""
    users = User.objects.in_bulk({row.user_id for row in rows if row.user_id})
    for row in rows:
        row.user = users.get(row.user_id)
