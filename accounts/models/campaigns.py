"""Mail to many people."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import models
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Announcement(models.Model):
    """What staff want to tell an audience: a draft until it is sent, and then as it was sent."""

    title = models.CharField(_("subject"), max_length=150)
    text = models.TextField(_("text"))
    audience = models.CharField(_("to"), max_length=60)
    version = models.PositiveIntegerField(default=1)
    written_by = models.CharField(_("written by"), max_length=150)
    written_at = models.DateTimeField(_("written"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.title

    @property
    def digest(self) -> str:
        """What the memory keeps of its words (SHA-256 of the subject, an empty line, the text)."""
        return hashlib.sha256(f"{self.title}\n\n{self.text}".encode()).hexdigest()


class Campaign(models.Model):
    """One notice to an audience, and how far along it the outbox has been filled."""

    title = models.CharField(_("title"), max_length=200, default="")  # of an announcement
    announcement = models.OneToOneField(
        Announcement, on_delete=models.PROTECT, null=True, verbose_name=_("announcement")
    )
    notice = models.CharField(_("notice"), max_length=60)
    audience = models.CharField(_("audience"), max_length=60)
    facts = models.JSONField(default=dict)
    reason = models.CharField(_("reason"), max_length=500)
    total = models.PositiveIntegerField(_("people when it began"))
    queued = models.PositiveIntegerField(_("mails queued"), default=0)
    # The last account that was reached; they are gone through by their ids
    cursor = models.UUIDField(null=True, editable=False)
    started_at = models.DateTimeField(_("begun"), default=timezone.now)
    started_by = models.CharField(_("begun by"), max_length=150)
    finished_at = models.DateTimeField(_("all queued, or stopped"), null=True)
    stopped_by = models.CharField(_("stopped by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("mail to many")
        verbose_name_plural = _("mail to many")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["notice"],
                condition=models.Q(finished_at=None),
                name="one_campaign_of_a_notice_at_a_time",
            )
        ]

    def __str__(self) -> str:
        """What its mails say in their subject, without the name of the site; in the language of
        whoever reads this, but for what staff wrote.
        """
        if self.announcement_id is not None:
            return self.title
        facts = {**self.facts, "site_name": settings.SITE_NAME}
        try:
            subject = render_to_string(f"emails/{self.notice}.subject.txt", facts)
        except TemplateDoesNotExist:  # this version sends no such mail
            return self.title or self.notice
        return " ".join(subject.split()).removeprefix(f"[{settings.SITE_NAME}] ")

    @property
    def progress(self) -> str:
        """How many of how many."""
        return _("%(queued)d of %(total)d") % {"queued": self.queued, "total": self.total}
