"""What is typed about passwords."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.passwords import MAX_LENGTH, require_good


def new_password_field(label: Any) -> forms.CharField:
    """A field for a password that is to be set."""
    return forms.CharField(
        label=label,
        max_length=MAX_LENGTH,
        strip=False,
        help_text=_("Any characters, the more the better. A few unrelated words are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class NewPasswordForm(forms.Form):
    """A new password for an account that is there."""

    password = new_password_field(_("New password"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Judge it.

        Raises:
            ValidationError: if it is too easily guessed, or known to be breached.
        """
        password: str = self.cleaned_data["password"]
        require_good(password, self.user)
        return password


class AskForResetForm(forms.Form):
    """Whose password is to be reset."""

    account = forms.CharField(
        label=_("User name or mail address"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
