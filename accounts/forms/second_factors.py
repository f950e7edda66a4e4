"""What is typed to set second factors and recovery codes up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import verification
from accounts.forms.fields import code_field
from accounts.models import AuthenticatorApp, User
from audit.actors import Actor


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
