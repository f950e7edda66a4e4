"""Which mail people want, beside that about the security of their accounts."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class MailChoice(models.Model):
    """What somebody chose about one of `accounts.topics`; without a row, its default holds."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mail_choices")
    topic = models.CharField(max_length=40)
    choice = models.CharField(max_length=20)
    chosen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "topic"], name="one_choice_about_a_topic")
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.choice}"
