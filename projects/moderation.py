"""What staff decide about names, and what people report to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ProhibitedName(models.Model):
    """A name that no new project may have; or only one of the person whom it is reserved for."""

    normalized_name = models.CharField(_("normalized name"), max_length=200, unique=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    prohibited_by = models.CharField(_("prohibited by"), max_length=150, blank=True)
    # A plain id and a copied label: nobody else gets the name when that account is closed.
    reserved_for_id = models.CharField(max_length=36, blank=True, editable=False)
    reserved_for = models.CharField(_("reserved for"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("prohibited name")
        verbose_name_plural = _("prohibited names")
        ordering = ["normalized_name"]

    def __str__(self) -> str:
        return self.normalized_name


class Report(models.Model):
    """What somebody told the staff about a project, and what came of it.

    It outlives the project: a plain id and a copied name. The address that a stranger left is kept
    until the report is answered.
    """

    class Kind(models.TextChoices):
        """What is wrong."""

        MALWARE = "malware", _("malware: it does harm when it is installed or used")
        SPAM = "spam", _("spam: it holds no software")
        SQUATTING = "squatting", _("squatting: it takes a name and does nothing with it")
        OTHER = "other", _("something else")

    class Outcome(models.TextChoices):
        """What came of it."""

        ACTED = "acted", _("something was done about it")
        NOTHING_FOUND = "nothing found", _("nothing was found that this site forbids")

    project_id = models.UUIDField(_("id of the project"), db_index=True)
    project_name = models.CharField(_("project"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    text = models.TextField(_("what is wrong"))
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("reporter"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="reports",
    )
    is_strangers = models.BooleanField(_("made without signing in"), default=False)
    mail_address = models.EmailField(_("mail address, not verified"), blank=True)
    made_at = models.DateTimeField(_("reported"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True)
    answered_by = models.CharField(_("answered by"), max_length=150, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)
    answer = models.CharField(_("answer"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["made_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["reporter", "project_id"],
                condition=Q(answered_at=None),
                name="one_open_report_of_a_project",
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_name}: {self.kind}"

    @property
    def reporter_label(self) -> str:
        """The account, a stranger, or nobody any more."""
        if self.is_strangers:
            return str(_("a stranger"))
        return str(self.reporter or "-")
