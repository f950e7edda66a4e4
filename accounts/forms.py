"""What people type on the pages of their account."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from accounts import verification
from accounts.models import AuthenticatorApp, EmailAddress, RecoveryCodeSet, User
from audit.actors import Actor, from_connection

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z", re.IGNORECASE | re.ASCII)


class CodeInput(forms.TextInput):
    """A code that was sent is of no use again, so the page that refuses it shows it empty."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave out what was typed."""
        return super().get_context(name, None, attrs)


def code_field(label: Any, **attributes: Any) -> forms.CharField:
    """A field for a six-digit code, which phones offer to fill in."""
    widget = CodeInput(
        attrs={
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "autocapitalize": "none",
            "spellcheck": "false",
            **attributes,
        }
    )
    return forms.CharField(label=label, max_length=20, widget=widget)


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


class RegistrationForm(forms.Form):
    """A new account."""

    username = forms.CharField(
        label=_("User name"),
        max_length=50,
        help_text=_("Letters, digits, dot, dash and underscore. It cannot be changed later."),
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    email = forms.EmailField(
        label=_("Mail address"),
        max_length=254,
        help_text=_("Only for mail about your account and your projects. It is never shown."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        help_text=_("Any characters, the more the better. A few unrelated words are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        """Check form and freedom.

        Raises:
            ValidationError: if the name cannot be an account's name.
        """
        username: str = self.cleaned_data["username"]
        if not _USERNAME.match(username):
            raise ValidationError(
                _(
                    "A user name has only letters without accents, digits, dots, dashes and "
                    "underscores, and begins and ends with a letter or digit."
                ),
                code="malformed",
            )
        if User.objects.filter(username_key=username.lower()).exists():
            raise ValidationError(
                _("There is an account of this name. Choose another name."), code="taken"
            )
        return username

    def clean(self) -> dict[str, Any]:
        """Judge the password with the user's own words in mind.

        Raises:
            ValidationError: never; errors are tied to the password field.
        """
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            user = User(username=cleaned.get("username", ""))
            user.words_to_avoid = [cleaned.get("email", "")]  # type: ignore[attr-defined]
            try:
                validate_password(password, user)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class AdministratorForm(RegistrationForm):
    """The first administrator: an account that has its second factor from its first moment."""

    code = code_field(_("Code from the app"))


class AppForm(forms.Form):
    """Adds an authenticator app."""

    label = forms.CharField(
        label=_("Name of this app"),
        max_length=64,
        help_text=_("For your own list, such as “phone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    code = code_field(_("Code from the app"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_label(self) -> str:
        """Keep labels apart.

        Raises:
            ValidationError: if the user has another app of this name.
        """
        label: str = self.cleaned_data["label"]
        apps = AuthenticatorApp.objects.filter(user=self.user, confirmed=True, name=label)
        if apps.exists():
            raise ValidationError(
                _("You have an app of this name. Choose another name."), code="taken"
            )
        return label


class TypeBackForm(forms.Form):
    """Shows that recovery codes were kept."""

    code = forms.CharField(
        label=_("One of the codes"),
        max_length=100,
        help_text=_("It is not used up by this."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, user: User, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.by = user, by

    def clean_code(self) -> str:
        """Check it without using it up.

        Raises:
            ValidationError: if it is none of the user's codes.
        """
        code: str = self.cleaned_data["code"]
        if not verification.check_recovery_code(self.user, code, by=self.by, spend=False):
            raise ValidationError(
                _("This is none of your present codes. If you did not keep them, make new ones."),
                code="wrong",
            )
        return code


class AddressForm(forms.Form):
    """A mail address for the account that is signed in."""

    email = forms.EmailField(
        label=_("Mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        """Refuse an address that this account has already.

        Raises:
            ValidationError: if it has.
        """
        email: str = self.cleaned_data["email"]
        if EmailAddress.objects.filter(user=self.user, address_key=email.lower()).exists():
            raise ValidationError(_("This address is on your account already."), code="present")
        return email
