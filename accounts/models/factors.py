"""Second factors: what people prove themselves with beside a password."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device


class SecondFactor(Device):
    """What every kind of second factor has. `name` is the label that its owner gave it.

    A factor that is held counts for nothing until its owner releases it: it was added by somebody
    of whom the owner said that it was not them.
    """

    created_at = models.DateTimeField(_("added"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    held_at = models.DateTimeField(_("held"), null=True, editable=False)

    class Meta:
        abstract = True


class AuthenticatorApp(SecondFactor):
    """A TOTP second factor (RFC 6238). The secret is stored wrapped."""

    secret = models.TextField(editable=False)
    last_step = models.BigIntegerField(default=-1, editable=False)

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(confirmed=True), name="app_label_once"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed=False), name="one_app_being_set_up"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RecoveryCodeSet(Device):
    """The recovery codes of one account. It is confirmed once a code was typed back."""

    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user"], name="one_set_of_recovery_codes")]

    def __str__(self) -> str:
        return str(_("recovery codes"))

    @property
    def unused(self) -> int:
        """How many codes are left."""
        return self.codes.filter(used_at=None).count()


class RecoveryCode(models.Model):
    """One recovery code, as a keyed digest."""

    code_set = models.ForeignKey(RecoveryCodeSet, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.code_set_id}:{self.pk}"


SECOND_FACTORS: tuple[type[SecondFactor], ...] = (AuthenticatorApp,)
