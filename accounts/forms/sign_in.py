"""What is typed at sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from accounts import verification
from accounts.forms.fields import code_field
from accounts.models import AuthenticatorApp, RecoveryCodeSet, User
from audit.actors import from_connection


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
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


class RecoveryCodeForm(forms.Form):
    """A recovery code, at sign-in."""

    idempotent = False
    otp_token = forms.CharField(
        label=_("Recovery code"),
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )

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
