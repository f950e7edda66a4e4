"""The filter of the staff pages of events, as it comes in an address."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from audit import vocabulary
from audit.networks import find_range
from audit.search import EventSearch

_LONGEST = 200  # characters
_NAMED = 5  # names in one sentence
_SELECTED = SafeString(" selected")


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(
        label=label, required=False, widget=widget, validators=[_require_usual_year]
    )


def _require_usual_year(moment: datetime) -> None:
    """Leave room on both sides: the search looks a little before and after."""
    if not 1970 <= moment.year <= 9998:
        raise ValidationError(_("Type a year from 1970 to 9998."))


def _text(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=_LONGEST, help_text=help_text)


def _quoted(names: Collection[str]) -> str:
    return ", ".join(f"“{name[:_LONGEST]}”" for name in sorted(names)[:_NAMED])


class _Choices(forms.Select):
    """A list to choose from. Django's renders a template for each of a hundred kinds of events."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The list, with what was chosen."""
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            ((key, _SELECTED if key == chosen else "", text) for key, text in self.choices),
        )
        attributes = flatatt(self.build_attrs(self.attrs, {"name": name, **(attrs or {})}))
        return format_html("<select{}>\n{}</select>", attributes, options)


class EventFilterForm(forms.Form):
    """What to look for. What is wrong in it is said, and nothing is listed then: a filter that was
    left out would show, export or act on more than was asked for.

    Args:
        fixed: what the page is about; these fields are not offered.
        sees_origins: whether the reader may find events by their network address.
        beside: what else may be sent; any other name is refused.
    """

    q = _text(
        _("Search"),
        _("Names with commas between; all must be found. Whole names are found at once."),
    )
    family = forms.ChoiceField(label=_("Family"), required=False, widget=_Choices)
    kind = forms.ChoiceField(label=_("Kind"), required=False, widget=_Choices)
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        widget=_Choices,
        choices=[("", _("any")), ("failed", _("refused or failed")), ("done", _("done"))],
    )
    refused = _text(
        _("What was refused"),
        _("Kinds of failures with commas between; what tells of their repeats is found, too."),
    )
    since = _moment(_("Not before (UTC)"))
    until = _moment(_("Before (UTC)"))
    actor = _text(_("Actor"))
    account = _text(_("About the account"))
    project = _text(_("About the project"))
    network = _text(_("Network address"))
    # Not named after tokens: what looks like a secret is not kept over the prompt of sudo mode
    used_key = _text(_("Id of the API token"))

    def __init__(
        self,
        data: Any,
        *,
        fixed: dict[str, Any] | None = None,
        sees_origins: bool = True,
        beside: Collection[str] = (),
    ) -> None:
        super().__init__(data, auto_id="filter-%s")
        self._beside = frozenset(beside)
        self._fixed = fixed or {}
        self._sees_origins = sees_origins
        if not sees_origins:
            del self.fields["network"]
        kinds = list(vocabulary.kinds())
        offered = {
            "family": sorted({kind.family for kind in kinds}),
            "kind": [kind.name for kind in kinds if self._is_within(kind)],
        }
        for name, values in offered.items():
            choice: Any = self.fields[name]
            choice.choices = [("", _("any")), *((value, value) for value in values)]
        hidden = {"family", "kind"} if "kind" in self._fixed else set(self._fixed)
        for name in hidden:
            del self.fields["outcome" if name == "is_failure" else name]

    def _is_within(self, kind: vocabulary.EventKind) -> bool:
        """Whether events of this kind can be on the page."""
        return all(getattr(kind, name, value) == value for name, value in self._fixed.items())

    def clean_network(self) -> str:
        """Only what can be an address or a range.

        Raises:
            ValidationError: for anything else.
        """
        network: str = self.cleaned_data["network"]
        if network and find_range(network) is None:
            raise ValidationError(_("Type an address, a range such as 192.0.2.0/24, or 192.0.2."))
        return network

    def clean_refused(self) -> tuple[str, ...]:
        """Only kinds of what is refused or fails.

        Raises:
            ValidationError: with the names that are none.
        """
        names = tuple(filter(None, map(str.strip, self.cleaned_data["refused"].split(","))))
        failures = {kind.name for kind in vocabulary.kinds() if kind.is_failure}
        unknown = ", ".join(f"“{name}”" for name in names if name not in failures)
        if unknown:
            raise ValidationError(_("There is no kind of failure %s.") % unknown, code="unknown")
        return tuple(dict.fromkeys(names))

    def clean(self) -> dict[str, Any]:
        """Only what is a filter of this page, and each once: a mistyped name would otherwise filter
        nothing, and of two values the last one alone.

        Raises:
            ValidationError: with the names that are none, or are there again.
        """
        unknown = set(self.data) - set(self.fields) - self._beside
        if unknown:
            raise ValidationError(
                _("There is no filter %s here.") % _quoted(unknown), code="unknown"
            )
        sent: Any = self.data
        repeated = {name for name in sent if len(sent.getlist(name)) > 1}
        if repeated:
            message = _("Give each filter once. More than once there is %s.") % _quoted(repeated)
            raise ValidationError(message, code="repeated")
        return self.cleaned_data

    def is_empty(self) -> bool:
        """Whether a valid filter leaves nothing out, as one of blanks does."""
        return self.search() == EventSearch(sees_origins=self._sees_origins)

    def search(self) -> EventSearch:
        """The search that a valid filter asks for."""
        values = dict(self.cleaned_data)
        terms = tuple(filter(None, map(str.strip, values.pop("q").split(","))))
        values["token"] = values.pop("used_key")
        outcome = values.pop("outcome", "")
        if outcome:
            values["is_failure"] = outcome == "failed"
        return EventSearch(
            terms=terms, sees_origins=self._sees_origins, **{**values, **self._fixed}
        )

    def used(self) -> dict[str, str]:
        """The fields that are filled, as they were sent."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}
