"""What is typed about mail addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.mail_addresses import require_possible
from accounts.mail_domains import require_welcome
from accounts.models import EmailAddress, User


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
        """Refuse what is no address or not wanted, and one that this account has already.

        Raises:
            ValidationError: if it is one of them.
        """
        email: str = self.cleaned_data["email"]
        require_possible(email)
        require_welcome(email)
        if EmailAddress.objects.filter(user=self.user, address_key=email.lower()).exists():
            raise ValidationError(_("This address is on your account already."), code="present")
        return email
