"""What is typed to make an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import usernames
from accounts.forms.fields import code_field
from accounts.forms.passwords import new_password_field
from accounts.mail_addresses import require_possible
from accounts.mail_domains import require_welcome
from accounts.models import User
from accounts.operations import registration
from accounts.passwords import require_good


class RegistrationForm(forms.Form):
    """A new account."""

    username = forms.CharField(
        label=_("User name"),
        max_length=usernames.MAX_LENGTH,
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
    password = new_password_field(_("Password"))
    is_for_staff = False

    def clean_username(self) -> str:
        """Check form and freedom.

        Raises:
            ValidationError: if the name cannot be an account's name.
        """
        username: str = self.cleaned_data["username"]
        if not usernames.is_well_formed(username):
            raise ValidationError(
                _(
                    "A user name has only letters without accents, digits, dots, dashes and "
                    "underscores, and begins and ends with a letter or digit."
                ),
                code="malformed",
            )
        registration.require_free_name(username, may_be_prohibited=self.is_for_staff)
        return username

    def clean_email(self) -> str:
        """Check that it can be mailed, and is wanted here.

        Raises:
            ValidationError: if it cannot.
        """
        email: str = self.cleaned_data["email"]
        require_possible(email)
        require_welcome(email)
        return email

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
                require_good(password, user)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class AdministratorForm(RegistrationForm):
    """The first administrator: an account that has its second factor from its first moment."""

    code = code_field(_("Code from the app"))
    is_for_staff = True  # so it may have one of the names that staff have
