"""What is typed at sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from accounts import security_keys, verification
from accounts.forms.fields import (
    answer_field,
    code_field,
    recovery_code_field,
    require_answer,
)
from accounts.models import AuthenticatorApp, RecoveryCodeSet, SecurityKey, User
from audit.actors import Actor, from_connection

KEY_NOT_ACCEPTED = _(
    "The key was not accepted. Try again with a key that is registered for this account."
)


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user_cache: User | None = None

    def clean(self) -> dict[str, Any]:
        """Check both.

        Raises:
            ValidationError: one sentence for every reason, so that nobody learns which names exist.
        """
        cleaned = super().clean() or {}
        username, password = cleaned.get("username"), cleaned.get("password")
        if username and password:
            by = from_connection(self.request)
            self.user_cache = verification.check_password(username, password, by=by)
            if self.user_cache is None:
                raise ValidationError(
                    _(
                        "The user name or the password is wrong. Both are needed as you chose "
                        "them; a mail address is not a user name."
                    ),
                    code="wrong",
                )
        return cleaned


class CodeForm(forms.Form):
    """A code from an authenticator app, at sign-in."""

    idempotent = False  # a code is spent by looking at it, so the wizard must not look again
    otp_token = code_field(_("Code"), autofocus=True)

    def __init__(
        self, user: User, initial_device: Device, *args: Any, request: HttpRequest, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.device, self.request = user, initial_device, request

    def clean_otp_token(self) -> str:
        """Spend the code.

        Raises:
            ValidationError: if it is wrong, was spent before, or after too many attempts.
        """
        text: str = self.cleaned_data["otp_token"]
        by = from_connection(self.request)
        is_app = isinstance(self.device, AuthenticatorApp)
        if not is_app or not verification.check_code(self.device, text, by=by):
            raise ValidationError(
                _("This code is wrong or was used before. Wait for the next one, and type that."),
                code="wrong",
            )
        self.user.otp_device = self.device  # type: ignore[attr-defined]
        return ""


class KeyForm(forms.Form):
    """The answer of a security key or a passkey, at sign-in. Any key of the account will do."""

    idempotent = False
    otp_token = answer_field()

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.request = user, request

    def clean(self) -> dict[str, Any]:
        """Check it; its challenge is spent by this.

        Raises:
            ValidationError: if it is not accepted, or after too many attempts.
        """
        cleaned = super().clean() or {}
        key = security_keys.check_key(
            self.user,
            require_answer(cleaned.pop("otp_token", None)),
            security_keys.SIGN_IN,
            session=self.request.session.session_key,
            by=from_connection(self.request),
        )
        if key is None:
            raise ValidationError(KEY_NOT_ACCEPTED, code="wrong")
        self.user.otp_device = key  # type: ignore[attr-defined]
        return cleaned


class PasskeyForm(forms.Form):
    """The answer of a passkey, which says by itself whose it is."""

    answer = answer_field()

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.key: SecurityKey | None = None

    def clean(self) -> dict[str, Any]:
        """Check it; its challenge is spent by this.

        Raises:
            ValidationError: if it is not accepted, or after too many attempts.
        """
        cleaned = super().clean() or {}
        answer = require_answer(cleaned.get("answer"))
        self.key = security_keys.check_passkey(answer, by=self.by)
        if self.key is None:
            raise ValidationError(
                _("This passkey was not accepted. Try again, or sign in with your password."),
                code="wrong",
            )
        return cleaned


class RecoveryCodeForm(forms.Form):
    """A recovery code, at sign-in."""

    idempotent = False
    otp_token = recovery_code_field(autofocus=True)

    def __init__(
        self, user: User, initial_device: Device, *args: Any, request: HttpRequest, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.device, self.request = user, initial_device, request

    def clean_otp_token(self) -> str:
        """Use the code up.

        Raises:
            ValidationError: if it is none of the user's unused codes, or after too many attempts.
        """
        text: str = self.cleaned_data["otp_token"]
        by = from_connection(self.request)
        is_set = isinstance(self.device, RecoveryCodeSet)
        if not is_set or not verification.check_recovery_code(self.user, text, by=by, spend=True):
            raise ValidationError(
                _("This is none of your unused recovery codes. Each works once."), code="wrong"
            )
        self.user.otp_device = self.device  # type: ignore[attr-defined]
        return ""
