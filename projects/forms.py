"""What people type about projects."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import ExactInput
from accounts.models import User
from projects.models import Project, Report, Role
from projects.operations.publishing import MAX_REASON

ROLES = [
    (Role.Kind.MAINTAINER.value, _("Maintainer: may upload")),
    (Role.Kind.OWNER.value, _("Owner: may do everything, also change roles and delete")),
]


def _reason(help_text: Any) -> forms.CharField:
    """A line that says why; it may be left out."""
    return forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class YankForm(forms.Form):
    """Why a release is yanked."""

    reason = _reason(_("Installers and the project's page show it to everybody."))


class UnyankForm(forms.Form):
    """Why a yank is taken back."""

    reason = _reason(_("It is kept in the history, and the owners read it in their mail."))


class ArchiveForm(forms.Form):
    """What a project is to be. The page says it, so that a second press does not undo the first."""

    STATUSES = (Project.Status.ARCHIVED, Project.Status.ACTIVE)
    status = forms.ChoiceField(
        choices=[(one.value, one.label) for one in STATUSES], widget=forms.HiddenInput
    )


class TypedNameForm(forms.Form):
    """The name of what is to be deleted, typed as a proof of reading."""

    typed = forms.CharField(required=True, max_length=300, widget=ExactInput)

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["typed"].label = _("Type %s to confirm") % expected

    def clean_typed(self) -> str:
        """Compare it exactly.

        Raises:
            ValidationError: if it is something else.
        """
        typed: str = self.cleaned_data["typed"]
        if typed != self.expected:
            raise ValidationError(
                _("This is not “%s”. Nothing was deleted.") % self.expected, code="different"
            )
        return typed


class ReportForm(forms.Form):
    """What is wrong with a project."""

    kind = forms.ChoiceField(
        label=_("What is wrong?"), choices=Report.Kind.choices, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=_("What did you see?"),
        min_length=20,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Name files, versions and lines where you can. Only the staff read this."),
    )


class StrangerReportForm(ReportForm):
    """The same from somebody who is not signed in."""

    mail_address = forms.EmailField(
        label=_("Your mail address"),
        required=False,
        max_length=254,
        help_text=_("Only if the staff may write to you. It is forgotten with their answer."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class PersonForm(forms.Form):
    """An account, by its user name."""

    username = forms.CharField(label=_("User name"), max_length=50, widget=ExactInput)

    def clean_username(self) -> User:
        """Find the account.

        Raises:
            ValidationError: if there is none.
        """
        name: str = self.cleaned_data["username"]
        user = User.objects.filter(username_key=name.lower(), is_active=True).first()
        if user is None:
            raise ValidationError(_("There is no account of this name."), code="unknown")
        return user


class InvitationForm(PersonForm):
    """Whom to offer which role."""

    kind = forms.ChoiceField(label=_("Role"), choices=ROLES, widget=forms.RadioSelect)


class WideInvitationForm(InvitationForm):
    """Whom to offer which role in which of one's projects."""

    projects = forms.ModelMultipleChoiceField(
        label=_("Projects"),
        queryset=Project.objects.none(),
        error_messages={"required": _("Choose at least one project.")},
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["projects"]
        owned = Project.objects.filter(roles__user=user, roles__kind=Role.Kind.OWNER)
        choices.queryset = owned.order_by("normalized_name")


class RoleForm(forms.Form):
    """Which role somebody is to have."""

    kind = forms.ChoiceField(label=_("Role"), choices=ROLES, widget=forms.RadioSelect)


class HistoryForm(forms.Form):
    """Which part of a project's history to show."""

    KINDS = [
        ("", _("Everything")),
        ("project:file:", _("Files")),
        ("project:release:", _("Releases and yanks")),
        ("project:role:", _("Roles")),
        ("project:invitation:", _("Invitations")),
        ("project:project:", _("The project itself")),
        ("token:", _("API tokens")),
        ("upload:", _("Refused uploads")),
        ("staff:", _("Acts of staff")),
    ]
    kind = forms.ChoiceField(label=_("What"), choices=KINDS, required=False)
    actor = forms.CharField(label=_("By whom"), required=False, max_length=150, widget=ExactInput)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def conditions(self) -> dict[str, Any]:
        """What events must fulfil; fields that are wrong are left out."""
        given = self.cleaned_data if self.is_valid() else getattr(self, "cleaned_data", {})
        found = {
            "kind__startswith": given.get("kind"),
            "actor_label__iexact": (given.get("actor") or "").strip(),
            "recorded_at__gte": _start(given.get("since"), days=0),
            "recorded_at__lt": _start(given.get("until"), days=1),
        }
        return {name: value for name, value in found.items() if value}


def _start(day: Any, *, days: int) -> datetime | None:
    """The first moment of a day in UTC, or of a later one."""
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=days), time.min, UTC)
    except OverflowError:
        return None
