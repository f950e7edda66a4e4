"""What staff say of features that are not finished."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.features import FEATURES
from accounts.models import BetaFeature
from accounts.operations.features import mark_beta, unmark_beta
from accounts.staff import ReasonForm, StaffAct, TableAct, offered_on, offered_on_table
from audit.actors import Actor


class FeatureForm(ReasonForm):
    """Which feature, and what its pages say."""

    name = forms.ChoiceField(
        label=gettext_lazy("Feature"),
        choices=[(name, feature.title) for name, feature in FEATURES.items()],
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=300,
        initial=gettext_lazy("This is new here and may change. Tell us what does not work."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    url = forms.URLField(
        label=gettext_lazy("Link"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=gettext_lazy("Where it says more, or where people answer; empty for nowhere."),
    )
    field_order = ("name", "text", "url", "reason")


@offered_on_table(BetaFeature)
class MarkBeta(TableAct):
    """Let the pages of a feature say that it is beta."""

    slug = "mark-beta"
    title = gettext_lazy("Mark a feature beta")
    tells_people = False
    form_class = FeatureForm
    reasons = (gettext_lazy("It has come with the new version."),)

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _("The pages of the feature show a badge, the text and the link, to everybody."),
            _("The feature works as before. If it is marked already, its words are replaced."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Mark it."""
        row = mark_beta(fields.pop("name"), reason=reason, by=by, **fields)
        return _("%s: its pages say that it is beta.") % FEATURES[row.name].title


@offered_on(BetaFeature)
class UnmarkBeta(StaffAct):
    """Let the pages of a feature say nothing of it."""

    slug = "unmark-beta"
    title = gettext_lazy("Not beta any more")
    tells_people = False
    reasons = (gettext_lazy("It has proved itself."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("%s: badge, text and link leave its pages.") % row]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Unmark it."""
        unmark_beta(row, reason=reason, by=by)
        return _("%s is not marked beta any more.") % row
