"""What is typed to set second factors and recovery codes up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import verification
from accounts.forms.fields import ExactInput, answer_field, code_field, label_field, require_answer
from accounts.models import SecondFactor, User
from accounts.operations import second_factors
from audit.actors import Actor


class LabelForm(forms.Form):
    """The label of a second factor; no two of one account have the same."""

    label = label_field(_("Name"), _("For your own list, such as “phone”."))

    def __init__(
        self, *args: Any, user: User, besides: SecondFactor | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.besides = user, besides

    def clean_label(self) -> str:
        """Keep labels apart.

        Raises:
            ValidationError: if another second factor of the account has this one.
        """
        label: str = self.cleaned_data["label"]
        second_factors.require_free_label(self.user, label, besides=self.besides)
        return label


class AppForm(LabelForm):
    """Adds an authenticator app."""

    label = label_field(_("Name of this app"), _("For your own list, such as “phone”."))
    code = code_field(_("Code from the app"))


class KeyForm(LabelForm):
    """Adds a security key or a passkey."""

    label = label_field(_("Name"), _("For your own list, such as “blue key” or “laptop”."))
    answer = answer_field()

    def clean(self) -> dict[str, Any]:
        """Ask for the answer.

        Raises:
            ValidationError: if there is none.
        """
        cleaned = super().clean() or {}
        require_answer(cleaned.get("answer"))
        return cleaned


class TypeBackForm(forms.Form):
    """Shows that recovery codes were kept."""

    code = forms.CharField(
        label=_("One of the codes"),
        max_length=100,
        help_text=_("It is not used up by this."),
        widget=ExactInput,
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
