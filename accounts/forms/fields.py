"""Fields that several forms have."""

from __future__ import annotations

from typing import Any

from django import forms


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
