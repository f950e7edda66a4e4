"""What staff decide about who can make an account."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import switches
from accounts.models import AccountLink, SwitchState
from accounts.operations import registration
from accounts.operations.switches import find_state, turn
from accounts.staff import ReasonForm, SightedForm, StaffAct, StaffPage, offered_on
from audit.actors import Actor

_AS_FIRST = "environment"  # in forms: a choice has a value


def invitation_address(secret: str) -> str:
    """The link to send to whoever is invited."""
    return f"{settings.SITE_URL}{reverse('accounts:register')}?{urlencode({'link': secret})}"


class InvitationForm(ReasonForm):
    """For whom an invitation is, and why."""

    note = forms.CharField(
        label=gettext_lazy("For whom"),
        max_length=100,
        help_text=gettext_lazy("For your own list of open invitations. It is sent to nobody."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("note", "reason")


class MakeInvitation(StaffPage):
    """An invitation link, shown once, to be copied: it works without mail."""

    slug = "make-invitation"
    title = gettext_lazy("Make an invitation")
    tells_people = False
    form_class = InvitationForm
    reasons = (gettext_lazy("Somebody new works on our projects."),)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for whom."""
        return self._page(request, self._form_for(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it, and show it in this answer and never again."""
        form = self._form_for(request)
        if not form.is_valid():
            return self._page(request, form)
        secret = registration.create_invitation(
            note=form.cleaned_data["note"],
            reason=form.cleaned_data["reason"],
            by=request.actor,  # type: ignore[attr-defined]
        )
        return self._page(request, form, link=invitation_address(secret))

    def _page(self, request: HttpRequest, form: ReasonForm, link: str = "") -> HttpResponse:
        is_closed = switches.REGISTRATION.value() == "closed"
        return self._show(
            request, "admin/invitation.html", form=form, link=link, is_closed=is_closed
        )


@offered_on(AccountLink)
class CancelLink(StaffAct):
    """End an invitation, or a set-up link, that nobody has used yet."""

    slug = "cancel"
    title = gettext_lazy("End this link")
    tells_people = False
    reasons = (gettext_lazy("It was sent to the wrong person."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """While it is open."""
        return bool(row.is_open(timezone.now()))

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("Nobody can make an account with it any more.")]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """End it."""
        registration.cancel_link(row, reason=reason, by=by)
        return _("The link was ended.")


class SwitchForm(SightedForm):
    """Another value for a switch, what is said of it, and until when."""

    value = forms.ChoiceField(label=gettext_lazy("New value"), widget=forms.RadioSelect)
    banner = forms.CharField(
        label=gettext_lazy("Banner"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("At the top of all pages; empty for the usual words."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until (UTC)"),
        required=False,
        help_text=gettext_lazy("Then it is again as at first, by itself."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ("value", "banner", "ends_at", "reason")

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        switch = switches.find(row.name)
        state, field = switch.state(), cast(Any, self.fields["value"])
        field.choices = list(switch.positions.items())
        field.initial = switch.value()
        if switch.follows_environment:
            first = _("As the environment says, which is now: %s")
            field.choices += [(_AS_FIRST, first % switch.positions[switch.first()])]
            field.initial = state.value if state else _AS_FIRST
        if state is not None:
            self.fields["banner"].initial, self.fields["ends_at"].initial = (
                state.banner,
                state.ends_at,
            )
        self.fields["reason"].help_text = _(
            "At least 10 characters. Kept in the audit log, and shown to everybody with the banner."
        )

    def state_of(self, row: Any) -> tuple[object, ...]:
        """How it stands."""
        return find_state(switches.find(row.name))

    def clean_value(self) -> str:
        """What the operation is told."""
        value: str = self.cleaned_data["value"]
        return "" if value == _AS_FIRST else value


@offered_on(SwitchState)
class TurnSwitch(StaffAct):
    """Give a switch another value."""

    slug = "turn"
    title = gettext_lazy("Turn this switch")
    tells_people = False
    form_class = SwitchForm

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("It holds for everybody, from the next request on."),
            _("All pages show the banner, the reason and the end while something is off."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Turn it."""
        switch = switches.find(row.name)
        turn(switch, fields.pop("value"), reason=reason, by=by, **fields)
        return _("%(switch)s: %(value)s") % {
            "switch": switch.title,
            "value": switch.positions[switch.value()],
        }
