"""What is typed to make an account."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import code_field
from accounts.models import User

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z", re.IGNORECASE | re.ASCII)


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
