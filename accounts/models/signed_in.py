"""Browser sessions, the devices that they were opened on, and sign-ins from unknown ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User

DENIABLE_FOR = timedelta(days=7)


class KnownDevice(models.Model):
    """A browser that has signed in to an account, known by its cookie, which is kept as a digest.

    Until `remembered_until`, it signs in without a second factor; staff never do.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_devices")
    digest = models.CharField(max_length=64)
    user_agent = models.CharField(max_length=400, blank=True)
    network_address = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField(_("first sign-in"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last sign-in"), default=timezone.now)
    remembered_until = models.DateTimeField(_("remembered until"), null=True)

    class Meta:
        verbose_name = _("known device")
        verbose_name_plural = _("known devices")
        ordering = ["-last_used_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="device_once_per_account")
        ]
        indexes = [models.Index(fields=["digest"], name="device_digest")]

    def __str__(self) -> str:
        return self.user_agent

    @property
    def is_remembered(self) -> bool:
        """Whether its sign-ins need no second factor now."""
        return self.remembered_until is not None and timezone.now() < self.remembered_until


class UserSession(AbstractBaseSession):
    """A browser session. The key is stored as a digest: a stolen table opens no session."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    device = models.ForeignKey(
        KnownDevice, null=True, on_delete=models.CASCADE, related_name="sessions"
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    user_agent = models.CharField(max_length=400, blank=True)
    network_address = models.CharField(max_length=45, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    @classmethod
    def get_session_store_class(cls) -> type[Any]:
        """One that reads this table; the one that is used is in `accounts.sessions`."""
        return SessionStore


class UnknownSignIn(models.Model):
    """A sign-in from a device that had not signed in before; its owner can say: not me."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="unknown_sign_ins")
    happened_at = models.DateTimeField(default=timezone.now)
    user_agent = models.CharField(max_length=400, blank=True)
    network_address = models.CharField(max_length=45, blank=True)
    denied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-happened_at"], name="unknown_sign_ins")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.happened_at:%Y-%m-%d %H:%M}"

    @property
    def is_deniable(self) -> bool:
        """Whether its owner can still say that it was not them."""
        return self.denied_at is None and timezone.now() < self.happened_at + DENIABLE_FOR
