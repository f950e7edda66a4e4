"""The keys to the upload door."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from projects.models import Project


class APITokenQuerySet(models.QuerySet["APIToken"]):
    """API tokens."""

    def active(self) -> APITokenQuerySet:
        """Those that were not revoked."""
        return self.filter(revoked_at=None)

    def of(self, user: Any) -> APITokenQuerySet:
        """The tokens of one person, newest first."""
        return self.filter(user=user).order_by("-created_at")


class APIToken(models.Model):
    """An API token. Its text is shown once and never stored; the key that signs it is wrapped."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=100)
    root_key = models.TextField(editable=False)
    caveats = models.JSONField(_("caveats"), default=list)
    projects = models.ManyToManyField(Project, related_name="api_tokens", blank=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_because = models.CharField(max_length=200, blank=True)

    objects = APITokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=Q(revoked_at=None),
                name="one_active_token_of_a_name",
            )
        ]

    def __str__(self) -> str:
        return self.name
