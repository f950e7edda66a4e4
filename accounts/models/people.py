"""Accounts, their mail addresses, and the links that let people make them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models.factors import (
    SECOND_FACTORS,
    AuthenticatorApp,
    RecoveryCodeSet,
    SecondFactor,
    SecurityKey,
)
from accounts.usernames import squeeze
from audit.prepared import Prepared


class UserManager(BaseUserManager["User"]):
    """Finds people. Accounts are made by `operations.registration` alone."""

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of a user name, whatever its case.

        Raises:
            User.DoesNotExist: if there is none.
        """
        return self.get(username_key=(username or "").lower())

    def administrators(self) -> models.QuerySet[User]:
        """The people who may do everything in the admin."""
        return self.filter(is_staff=True, groups__name=ADMINISTRATOR, is_active=True)

    def with_second_factor(self) -> models.QuerySet[User]:
        """The people who have a second factor that counts now."""
        protected = Q()
        for kind in SECOND_FACTORS:
            rows = kind.objects.filter(confirmed=True, held_at=None)
            protected |= Q(pk__in=rows.values("user_id"))
        return self.filter(protected)

    def load_second_factors(self, people: Sequence[User]) -> None:
        """Find out what `second_factors` of all of these are, with a query for each kind."""
        found: dict[Any, list[SecondFactor]] = {user.pk: [] for user in people}
        for kind in SECOND_FACTORS:
            for row in kind.objects.filter(user__in=people, confirmed=True, held_at=None):
                found[row.user_id].append(row)
        for user in people:
            user.__dict__["second_factors"] = _last_used_first(found[user.pk])


def _last_used_first(factors: list[SecondFactor]) -> list[SecondFactor]:
    return sorted(factors, key=lambda row: row.last_used_at or row.created_at, reverse=True)


ADMINISTRATOR = "Administrator"


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account. Its id is what caveats of API tokens name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("user name"), max_length=50, unique=True)
    password = models.CharField(_("password"), max_length=256)  # imported hashes are long
    username_key = models.CharField(max_length=50, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    password_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    uploads_suspended_at = models.DateTimeField(_("uploads suspended"), null=True, editable=False)

    # Rights come from staff groups, whose acts leave a trace; there is no right beyond them.
    is_superuser = None
    user_permissions = None  # type: ignore[assignment]

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = None
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["username_key"]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store, with the key that makes user names unique whatever their case."""
        self.username_key = self.username.lower()
        super().save(*args, **kwargs)

    def event_subject(self) -> tuple[str, str]:
        """What events about this account keep."""
        return "user", self.username

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password; a hash with older parameters is then made anew.

        Django would store the new hash over whatever password was set in between.
        """

        def renew(password: str) -> None:
            renewed = make_password(password)
            unchanged = User.objects.filter(pk=self.pk, password=self.password)
            if unchanged.update(password=renewed):
                self.password = renewed

        return check_password(raw_password, self.password, renew)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What sessions are bound to: the password as its owner set it.

        Not its hash, as Django has it: that is made anew, with stronger parameters, by whoever
        types the password, and would end all other sessions of this person.
        """
        text = f"{self.pk}:{self.password_changed_at.isoformat()}"
        return salted_hmac(
            "accounts.User.session", text, secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def password_version(self) -> str:
        """A text that is another one after each change of the password (SHA-256 of its hash)."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    @cached_property
    def primary_email(self) -> EmailAddress | None:
        """The address that notices go to."""
        return _PRIMARY_EMAIL.first(self.pk)

    @property
    def has_verified_email(self) -> bool:
        """Whether the primary address is known to be this person's."""
        return self.primary_email is not None and self.primary_email.verified_at is not None

    @cached_property
    def second_factors(self) -> list[SecondFactor]:
        """What counts as a second factor now, the one used last first."""
        return _last_used_first([row for factors in _FACTORS for row in factors.all(self.pk)])

    @property
    def authenticator_apps(self) -> list[AuthenticatorApp]:
        """Those of the second factors that are apps."""
        return [row for row in self.second_factors if isinstance(row, AuthenticatorApp)]

    @property
    def security_keys(self) -> list[SecurityKey]:
        """Those of the second factors that are security keys or passkeys."""
        return [row for row in self.second_factors if isinstance(row, SecurityKey)]

    @property
    def has_second_factor(self) -> bool:
        """Whether signing in takes more than a password."""
        return bool(self.second_factors)

    @property
    def _default_device(self) -> SecondFactor | None:
        """What django-two-factor-auth asks for: any confirmed factor, whatever its label."""
        return self.second_factors[0] if self.second_factors else None

    @cached_property
    def recovery_codes(self) -> RecoveryCodeSet | None:
        """The present set of recovery codes."""
        return RecoveryCodeSet.objects.filter(user=self).first()

    @property
    def must_confirm_recovery_codes(self) -> bool:
        """Whether a second factor is on and no recovery code was typed back yet."""
        return self.has_second_factor and not (
            self.recovery_codes and self.recovery_codes.confirmed
        )

    @property
    def open_recovery_case(self) -> Any:
        """The recovery case that its owner can still cancel, or None."""
        return self.recovery_cases.filter(ended_at=None).first()

    @property
    def is_administrator(self) -> bool:
        """Whether this person may do everything in the admin."""
        return self.is_staff and self.groups.filter(name=ADMINISTRATOR).exists()


class EmailAddressQuerySet(models.QuerySet["EmailAddress"]):
    """Mail addresses."""

    def usable(self) -> EmailAddressQuerySet:
        """Those that are known to be their owner's, and are not held; the primary one first."""
        return self.filter(verified_at__isnull=False, held_at=None)


class EmailAddress(models.Model):
    """A mail address of an account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_addresses")
    address = models.EmailField(_("mail address"), max_length=254)
    address_key = models.CharField(max_length=254, editable=False, db_index=True)
    is_primary = models.BooleanField(_("primary"), default=False)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    added_at = models.DateTimeField(_("added"), default=timezone.now)
    held_at = models.DateTimeField(_("held"), null=True, editable=False)

    objects = EmailAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail address")
        verbose_name_plural = _("mail addresses")
        ordering = ["-is_primary", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["address_key"],
                condition=Q(verified_at__isnull=False),
                name="one_account_per_verified_address",
            ),
            models.UniqueConstraint(
                fields=["user", "address_key"], name="address_once_per_account"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(is_primary=True), name="one_primary_address"
            ),
        ]

    def __str__(self) -> str:
        return self.address

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store, with the key by which addresses are compared."""
        self.address_key = self.address.lower()
        super().save(*args, **kwargs)


def _factors_of(kind: type[SecondFactor]) -> Prepared[SecondFactor]:
    return Prepared(lambda user: kind.objects.filter(user=user, confirmed=True, held_at=None))


_FACTORS = tuple(map(_factors_of, SECOND_FACTORS))
_PRIMARY_EMAIL = Prepared(
    lambda user: EmailAddress.objects.filter(user=user, is_primary=True).order_by()
)


class AccountLink(models.Model):
    """A one-use link that lets somebody make an account, kept as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    makes_administrator = models.BooleanField(_("makes an administrator"), default=False)
    note = models.CharField(_("for whom"), max_length=100, blank=True)
    created_by = models.CharField(_("made by"), max_length=150)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends"))
    spent_at = models.DateTimeField(_("used"), null=True)
    spent_by = models.CharField(_("used by"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("invitation or set-up link")
        verbose_name_plural = _("invitations and set-up links")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.note or f"{self._meta.verbose_name} {self.pk}"

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.spent_at is None and now < self.expires_at


class ReservedNameQuerySet(models.QuerySet["ReservedName"]):
    """Reserved user names."""

    def of(self, *usernames: str) -> ReservedNameQuerySet:
        """What reserves some of these names; a prohibited one is, however it is spaced."""
        squeezed = {squeeze(name) for name in usernames}
        is_prohibited = Q(why=ReservedName.Why.PROHIBITED, key__in=squeezed)
        return self.filter(Q(key__in={name.lower() for name in usernames}) | is_prohibited)


class ReservedName(models.Model):
    """A user name that nobody can have any more, beside those of `accounts.usernames`."""

    class Why(models.TextChoices):
        """Why nobody can."""

        USED = "used", _("once used")
        PROHIBITED = "prohibited", _("prohibited")

    key = models.CharField(_("user name"), max_length=50, unique=True)  # lower case
    why = models.CharField(_("why"), max_length=20, choices=Why.choices)
    reserved_at = models.DateTimeField(_("since"), default=timezone.now)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    reserved_by = models.CharField(_("by"), max_length=150, blank=True)

    objects = ReservedNameQuerySet.as_manager()

    class Meta:
        verbose_name = _("reserved user name")
        verbose_name_plural = _("reserved user names")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class PasswordReset(models.Model):
    """A link to reset a password. It is signed when it is mailed; this row is what it stands for.

    Attributes:
        last_login: that of the account when the link was asked for; any sign-in ends the link.
        password_version: likewise; any change of the password ends the link.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    address = models.ForeignKey(EmailAddress, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    spent_at = models.DateTimeField(null=True)
    last_login = models.DateTimeField(null=True)
    password_version = models.CharField(max_length=64)

    def __str__(self) -> str:
        return str(self.pk)
