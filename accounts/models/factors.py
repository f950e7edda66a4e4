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

    @property
    def kind(self) -> str:
        """ "app", "key" or "passkey": which words pages, mails and events use."""
        raise NotImplementedError


class AuthenticatorApp(SecondFactor):
    """A TOTP second factor (RFC 6238). The secret is stored wrapped.

    Attributes:
        offered_to: the one session that sees the secret until the app is confirmed, as a digest.
    """

    secret = models.TextField(editable=False)
    offered_to = models.CharField(max_length=40, blank=True, default="", editable=False)
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

    @property
    def kind(self) -> str:
        """The word for it."""
        return "app"


class SecurityKey(SecondFactor):
    """A WebAuthn credential: a security key, or a passkey, which signs in alone.

    `credential_id` is base64url, as browsers write it. `sign_count` stays 0 where the authenticator
    does not count, which is so for passkeys that are copied to other devices.
    """

    credential_id = models.CharField(max_length=1364, unique=True, editable=False)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0, editable=False)
    transports = models.JSONField(default=list, editable=False)
    aaguid = models.CharField(max_length=36, editable=False)
    is_passkey = models.BooleanField(_("passkey"), default=False, editable=False)
    is_backed_up = models.BooleanField(_("copied to other devices"), default=False, editable=False)

    class Meta:
        verbose_name = _("security key")
        verbose_name_plural = _("security keys")
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="key_label_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """The word for it."""
        return "passkey" if self.is_passkey else "key"


class SpentChallenge(models.Model):
    """A WebAuthn challenge that was answered, so that it is answered once; kept as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest


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


SECOND_FACTORS: tuple[type[SecondFactor], ...] = (AuthenticatorApp, SecurityKey)
