"""Fields that several forms have."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import usernames
from accounts.models import User

SHORTEST_REASON = 10  # characters
LONGEST_REASON = 500  # as the tables keep it


_EXACT = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ExactInput(forms.TextInput):
    """What is meant exactly as it is typed: browsers neither complete nor correct it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_EXACT | (attrs or {}))


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


class AnswerInput(forms.HiddenInput):
    """What a security key answered, which static/indexsite/keys.js fills in; never sent back."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave out what was sent."""
        return super().get_context(name, None, attrs)


def answer_field() -> forms.CharField:
    """A field for the answer of a security key; `require_answer` asks for it in `clean`.

    It is hidden, so what is wrong with it is said of the form.
    """
    return forms.CharField(required=False, widget=AnswerInput(attrs={"data-key-answer": True}))


def require_answer(answer: str | None) -> str:
    """The answer.

    Raises:
        ValidationError: if there is none.
    """
    if not answer:
        raise ValidationError(
            _("Press the button: your browser then asks for the key."), code="required"
        )
    return answer


def recovery_code_field(**attributes: Any) -> forms.CharField:
    """A field for a recovery code, which has letters and is typed from paper."""
    widget = CodeInput(attrs=_EXACT | attributes)
    return forms.CharField(label=_("Recovery code"), max_length=100, widget=widget)


def label_field(label: Any, help_text: Any) -> forms.CharField:
    """A field for the label of a second factor."""
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, max_length=64, help_text=help_text, widget=widget)


class ReasonField(forms.CharField):
    """Why somebody does something; kept in the memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("Reason"), min_length=SHORTEST_REASON, max_length=LONGEST_REASON, **options
        )


class AccountField(forms.CharField):
    """The user name of an account that there is; its value is the account, None if left empty."""

    def __init__(self, *, label: Any, help_text: Any = "", required: bool = True) -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=required,
            max_length=usernames.MAX_LENGTH,
            widget=ExactInput,
        )

    def clean(self, value: Any) -> User | None:
        """Find the account.

        Raises:
            ValidationError: if there is none of this name.
        """
        username = super().clean(value)
        if not username:
            return None
        try:
            return User.objects.get_by_natural_key(username)
        except User.DoesNotExist as error:
            raise ValidationError(_("There is no account of this name.")) from error
