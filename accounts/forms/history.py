"""What is chosen to read a part of a history."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audit import vocabulary
from audit.models import EventQuerySet

_FAMILIES = {
    "account": _("The account"),
    "sign-in": _("Signing in"),
    "project": _("Projects"),
    "token": _("API tokens"),
    "upload": _("Uploads"),
    "staff": _("Acts of staff"),
    "audit": _("The audit log"),
}


def _families() -> list[tuple[str, Any]]:
    names = sorted({kind.family for kind in vocabulary.kinds()})
    return [("", _("Everything")), *((name, _FAMILIES.get(name, name)) for name in names)]


class HistoryFilter(forms.Form):
    """A kind of events, and the days that they are from."""

    family = forms.ChoiceField(label=_("About"), choices=_families, required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        """Compare the days.

        Raises:
            ValidationError: if the last one is before the first.
        """
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            raise ValidationError(_("The last day is before the first."))
        return cleaned

    def narrow(self, events: EventQuerySet) -> EventQuerySet:
        """The events that were chosen; all of them where nothing valid was."""
        if not self.is_valid():
            return events
        family, since = self.cleaned_data["family"], self.cleaned_data["since"]
        until = self.cleaned_data["until"]
        if family:
            events = events.filter(kind__startswith=f"{family}:")
        if since:
            events = events.filter(recorded_at__gte=datetime.combine(since, time.min, UTC))
        if until:
            events = events.filter(recorded_at__lte=datetime.combine(until, time.max, UTC))
        return events
