"""The keys to the upload door."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from projects.models import Project
from tokens.allowances import Allowance, add_up
from tokens.caveats import ProjectID, ProjectName, ProjectPatterns

FORMAT = 1
"""The number of the format that tokens are made in today."""


class APITokenQuerySet(models.QuerySet["APIToken"]):
    """API tokens."""

    def active(self) -> APITokenQuerySet:
        """Those that were not revoked, be they expired or not."""
        return self.filter(revoked_at=None)

    def usable(self, now: datetime | None = None) -> APITokenQuerySet:
        """Those that were not revoked and have not expired."""
        return self.active().filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))

    def for_all_projects(self) -> APITokenQuerySet:
        """Those with no caveat that speaks of projects, as `Allowance.is_for_all_projects` says.

        A caveat begins with its tag, in the list as the database writes it.
        """
        found = self.filter(awaits_project="").annotate(listed=Cast("caveats", models.TextField()))
        for kind in (ProjectName, ProjectID, ProjectPatterns):
            found = found.exclude(listed__contains=f'"[{kind.tag},')
        return found

    def of(self, user: Any) -> APITokenQuerySet:
        """The tokens of one person, newest first."""
        return self.filter(user=user).order_by("-created_at")


class APIToken(models.Model):
    """An API token. Its text is shown once and never stored; the key that signs it is wrapped.

    What it may do never changes once it is made, but that one for a new project is bound to that
    project as soon as it exists.
    """

    class Cause(models.TextChoices):
        """Who or what ended a token."""

        OWNER = "owner", _("by its owner")
        STAFF = "staff", _("by staff")
        LEAK = "leak", _("found in public")
        UPLOAD = "upload", _("found in an uploaded file")
        FORMAT = "format", _("its format is no longer accepted")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=100)
    root_key = models.TextField(editable=False)
    format = models.PositiveSmallIntegerField(_("format"), default=FORMAT)
    caveats = models.JSONField(_("caveats"), default=list)
    projects = models.ManyToManyField(Project, related_name="api_tokens", blank=True)
    awaits_project = models.CharField(_("project to be created"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    made_with = models.CharField(_("made with"), max_length=150, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, db_index=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    last_used_from = models.CharField(_("from"), max_length=45, blank=True)
    last_used_client = models.CharField(_("client"), max_length=400, blank=True)
    last_used_project = models.CharField(_("project"), max_length=200, blank=True)
    last_used_file = models.CharField(_("file"), max_length=240, blank=True)
    warned_days = models.PositiveSmallIntegerField(null=True, editable=False)
    unused_notice_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_cause = models.CharField(max_length=10, choices=Cause.choices, blank=True)
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

    @cached_property
    def allowance(self) -> Allowance:
        """What its stored caveats allow together."""
        return add_up(self.caveats)

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


def all_project_holders() -> models.QuerySet[User]:
    """The people who can upload to all their projects with one token."""
    tokens = APIToken.objects.usable().for_all_projects()
    return User.objects.filter(pk__in=tokens.values("user_id"))


class TokenDenial(models.Model):
    """An owner of a project has cut a token off from it. Its holder's role is untouched."""

    token = models.ForeignKey(APIToken, on_delete=models.CASCADE, related_name="denials")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="token_denials")
    denied_by = models.CharField(_("by"), max_length=150)
    denied_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("token that was cut off")
        verbose_name_plural = _("tokens that were cut off")
        constraints = [
            models.UniqueConstraint(fields=["token", "project"], name="one_denial_of_a_project")
        ]

    def __str__(self) -> str:
        return f"{self.token} / {self.project}"

    def may_be_lifted_by(self, user: Any) -> bool:
        """Whether an owner of the project may let the token in again.

        Nobody lifts what somebody else decided about a token of their own. User names are never
        given twice, so the name tells who decided.
        """
        return self.token.user_id != user.pk or self.denied_by == user.get_username()


class RefusalCount(models.Model):
    """How often a token was refused for one reason in one hour."""

    token = models.ForeignKey(APIToken, on_delete=models.CASCADE, related_name="refusals")
    reason = models.CharField(max_length=100)
    hour = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-hour", "reason"]
        constraints = [
            models.UniqueConstraint(
                fields=["token", "reason", "hour"], name="one_count_per_reason_and_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} x {self.count}"
