"""What people type about API tokens."""

from __future__ import annotations

import ipaddress
import re
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.address_ranges import read_range
from accounts.forms.fields import ExactInput
from accounts.models import User
from audit.actors import Actor
from projects.models import Project, Role
from tokens.caveats import is_pattern, normalize_pattern
from tokens.grants import Grant, Scope
from tokens.models import APIToken
from tokens.operations import lifecycle

ON_A_DAY, NEVER = "date", "never"
USUAL_DAYS = (7, 30, 90, 365)
SUGGESTED_DAYS = 90
_SEPARATORS = re.compile(r"[\s,;]+")
_ACTIONS = {
    "upload": gettext_lazy("Upload new releases of projects that exist"),
    "create": gettext_lazy("Create projects, by the first upload of a new name"),
    "yank": gettext_lazy("Yank releases, and take that back"),
}


class NameForm(forms.Form):
    """The name of a token."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Where it will be used, such as “release job of foo”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_name(self) -> str:
        """Keep active tokens apart.

        Raises:
            ValidationError: if it is none, or the user has an active token of this name.
        """
        name = lifecycle.require_name(self.cleaned_data["name"])
        taken = APIToken.objects.active().filter(user=self.user, name=name)
        if name != self.initial.get("name") and taken.exists():
            raise lifecycle.NameTaken
        return name


class CreateTokenForm(NameForm):
    """A new API token. Nothing is pre-selected but its end: what it may do is always chosen."""

    scope = forms.ChoiceField(
        label=gettext_lazy("Which projects"),
        choices=Scope.choices,
        widget=forms.RadioSelect,
    )
    projects = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Projects"),
        queryset=Project.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    patterns = forms.CharField(
        label=gettext_lazy("Names"),
        required=False,
        max_length=4000,
        help_text=gettext_lazy(
            "For “my projects with certain names”. A star at the end stands for any ending: "
            "pyobjc-* is pyobjc-core as well as pyobjc-framework-quartz. Several with commas."
        ),
        widget=ExactInput,
    )
    new_project = forms.CharField(
        label=gettext_lazy("Name of the new project"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "For “one new project”. Once the first upload has created it, the token is tied to it."
        ),
        widget=ExactInput,
    )
    actions = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do there"),
        choices=list(_ACTIONS.items()),
        error_messages={"required": gettext_lazy("Choose at least one.")},
        widget=forms.CheckboxSelectMultiple,
    )
    expiry = forms.ChoiceField(label=gettext_lazy("When it ends"), widget=forms.RadioSelect)
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("For “on a certain day”. It works to the end of this day, in UTC."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    networks = forms.CharField(
        label=gettext_lazy("Network addresses"),
        required=False,
        max_length=1000,
        widget=ExactInput,
    )

    like = forms.UUIDField(required=False, widget=forms.HiddenInput)
    """The token that this one is to take the place of."""

    def __init__(self, *args: Any, user: User, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.by = by
        self.grant: Grant | None = None
        fields: Any = self.fields
        fields["expiry"].choices = _expiry_choices()
        fields["expiry"].initial = _usual_expiry()
        fields["networks"].help_text = _(
            "Only from these, such as 10.0.0.0/8, with commas between; empty for everywhere. "
            "Your address as this server sees it: %s"
        ) % (by.network_address or _("unknown"))
        fields["projects"].queryset = Project.objects.of(user)
        if not fields["projects"].queryset.exists():
            del fields["projects"]
            fields["scope"].choices = [one for one in Scope.choices if one[0] != Scope.PROJECTS]
        if not Role.objects.filter(user=user, kind=Role.Kind.OWNER).exists():
            fields["actions"].choices = [one for one in _ACTIONS.items() if one[0] != "yank"]

    def clean_patterns(self) -> tuple[str, ...]:
        """Names as they are compared.

        Raises:
            ValidationError: if one is neither a name nor the beginning of one.
        """
        found = [normalize_pattern(text) for text in _parts(self.cleaned_data["patterns"])]
        for pattern in found:
            if not is_pattern(pattern):
                raise ValidationError(
                    _("%s is neither a project name nor the beginning of one with a star.")
                    % pattern,
                    code="pattern",
                )
        return tuple(dict.fromkeys(found))

    def clean_networks(self) -> tuple[str, ...]:
        """Networks in CIDR form; one address is a network of one.

        Raises:
            ValidationError: if one is none.
        """
        found = []
        for text in _parts(self.cleaned_data["networks"]):
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError as error:
                raise ValidationError(
                    _("%s is not a network such as 10.0.0.0/8 or 2001:db8::/32.") % text,
                    code="network",
                ) from error
            if int(ipaddress.ip_interface(text).ip) != int(network.network_address):
                raise ValidationError(
                    _("%(text)s is one address and a network. Write %(network)s for all of it.")
                    % {"text": text, "network": network},
                    code="network",
                )
            found.append(read_range(text))
        return tuple(dict.fromkeys(found))

    def clean_expires_on(self) -> date | None:
        """Refuse the last year there is, whose last day no day follows.

        Raises:
            ValidationError: in the year 9999.
        """
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day.year == MAXYEAR:
            raise ValidationError(_("Choose an earlier day."), code="too_late")
        return day

    def clean(self) -> dict[str, Any]:
        """Refuse what does not go together, and what this person may not grant."""
        cleaned = super().clean() or {}
        self._require_only_what_counts(cleaned)
        if not self.errors:
            try:
                self.grant = self._make_grant(cleaned)
                lifecycle.require_may_grant(self.grant, by=self.by)
                lifecycle.require_short(self.grant, self.user)
            except (ValidationError, PermissionDenied) as error:
                self.add_error(None, error if isinstance(error, ValidationError) else str(error))
        return cleaned

    def _require_only_what_counts(self, cleaned: dict[str, Any]) -> None:
        """What is filled in but not chosen was meant to count: say so, rather than ignore it."""
        scope = cleaned.get("scope")
        belongs = {
            "projects": Scope.PROJECTS,
            "patterns": Scope.PATTERNS,
            "new_project": Scope.NEW,
        }
        for name, owner in belongs.items():
            if scope == owner and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, _("Fill this in, or choose something else above."))
            elif scope and scope != owner and cleaned.get(name):
                label = dict(Scope.choices)[owner]
                self.add_error(name, _("Leave this empty, or choose “%s” above.") % label)
        day, has_day_error = cleaned.get("expires_on"), "expires_on" in self.errors
        if cleaned.get("expiry") == ON_A_DAY and not day and not has_day_error:
            self.add_error("expires_on", _("Choose a day."))
        elif cleaned.get("expiry") and cleaned["expiry"] != ON_A_DAY and cleaned.get("expires_on"):
            self.add_error("expires_on", _("Leave this empty, or choose “on a certain day”."))

    def _make_grant(self, cleaned: dict[str, Any]) -> Grant:
        return Grant(
            scope=cleaned["scope"],
            actions=tuple(cleaned["actions"]),
            projects=tuple(cleaned.get("projects") or ()),
            patterns=cleaned["patterns"],
            new_project=cleaned["new_project"].strip(),
            networks=cleaned["networks"],
            expires_at=_end(cleaned["expiry"], cleaned["expires_on"]),
        )


def initial_like(token: APIToken) -> dict[str, Any]:
    """The form's first values for another token like this one; its end is chosen anew.

    It gets the same name, where that is free because the token was revoked.
    """
    allowance = token.allowance
    projects = list(token.projects.all())
    initial: dict[str, Any] = {
        "like": token.pk,
        "name": token.name if token.revoked_at else "",
        "actions": list(allowance.actions),
        "networks": ", ".join(allowance.networks or ()),
    }
    if projects:
        named = {"scope": Scope.PROJECTS, "projects": projects}
        named["actions"] = [one for one in allowance.actions if one != "create"]
        return initial | named
    if token.awaits_project:
        return initial | {"scope": Scope.NEW, "new_project": token.awaits_project}
    if allowance.ids is not None:  # its projects are gone
        return initial
    if allowance.patterns is not None:
        patterns = ", ".join(allowance.patterns)
        return initial | {"scope": Scope.PATTERNS, "patterns": patterns}
    return initial | {"scope": Scope.ALL}


def _allowed_days() -> list[int]:
    longest = settings.TOKEN_MAX_LIFETIME
    return [count for count in USUAL_DAYS if longest is None or timedelta(days=count) <= longest]


def _usual_expiry() -> str:
    """90 days, or the most that the site allows of what is offered."""
    days = [count for count in _allowed_days() if count <= SUGGESTED_DAYS]
    return str(max(days)) if days else ON_A_DAY


def _expiry_choices() -> list[tuple[str, str]]:
    choices = [(str(count), _("After %d days") % count) for count in _allowed_days()]
    choices.append((ON_A_DAY, _("On a certain day")))
    if settings.TOKEN_MAX_LIFETIME is None:
        choices.append(
            (NEVER, _("Never. Whoever finds it in ten years can still use it: rather renew it."))
        )
    return choices


def _end(expiry: str, day: Any) -> datetime | None:
    if expiry == NEVER:
        return None
    if expiry == ON_A_DAY:
        return datetime.combine(day, time(0), UTC) + timedelta(days=1)
    return timezone.now() + timedelta(days=int(expiry))


def _parts(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text) if part]
