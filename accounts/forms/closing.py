"""What is typed to delete an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import ExactInput
from accounts.models import User


class CloseAccountForm(forms.Form):
    """The user name, so that nobody deletes an account by a slip."""

    username = forms.CharField(
        label=_("Type your user name"),
        max_length=50,
        widget=ExactInput,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_username(self) -> str:
        """Compare it.

        Raises:
            ValidationError: if it is another one.
        """
        username: str = self.cleaned_data["username"]
        if username.lower() != self.user.username_key:
            raise ValidationError(_("This is not the name of your account."), code="wrong")
        return username
