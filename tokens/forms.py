"""What people type about API tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from projects.models import Project
from tokens.models import APIToken

ALL_PROJECTS = "account"
SOME_PROJECTS = "projects"


class CreateTokenForm(forms.Form):
    """A new API token. Nothing is pre-selected: what a token may do is always chosen."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Where it will be used, such as “release job of foo”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=_("What it is for"),
        choices=[
            (SOME_PROJECTS, _("Only the projects chosen below")),
            (ALL_PROJECTS, _("All my projects, also future ones; it can create projects")),
        ],
        widget=forms.RadioSelect,
    )
    projects = forms.ModelMultipleChoiceField(
        label=_("Projects"),
        queryset=Project.objects.none(),
        error_messages={"required": _("Choose at least one project.")},
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        choices: Any = self.fields["projects"]
        choices.queryset = Project.objects.filter(roles__user=user).order_by("normalized_name")
        if not choices.queryset.exists():
            del self.fields["projects"]
            scope: Any = self.fields["scope"]
            scope.choices = scope.choices[1:]
            scope.help_text = _(
                "You have no projects yet. The first upload creates one; then make a token for "
                "that project alone."
            )
        elif self.data.get("scope") == ALL_PROJECTS:
            choices.required = False

    def clean_name(self) -> str:
        """Keep active tokens apart.

        Raises:
            ValidationError: if the user has an active token of this name.
        """
        name: str = self.cleaned_data["name"]
        if APIToken.objects.active().filter(user=self.user, name=name).exists():
            raise ValidationError(
                _("You have an active API token of this name. Choose another name."), code="taken"
            )
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse chosen projects where all are meant."""
        cleaned = super().clean() or {}
        chosen = cleaned.get("projects")
        if cleaned.get("scope") == ALL_PROJECTS and chosen:
            self.add_error(
                "scope", _("You chose projects below and all projects here. Choose one of both.")
            )
        return cleaned

    def chosen_projects(self) -> list[Project] | None:
        """The projects, or None for all."""
        if self.cleaned_data["scope"] == ALL_PROJECTS:
            return None
        return list(self.cleaned_data["projects"])
