"""What staff decide about network addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.address_ranges import read_range
from accounts.forms.fields import ExactInput
from accounts.models import BlockedRange
from accounts.operations.address_ranges import block_range, lift_range
from accounts.permissions import MAY_HELP
from accounts.staff import ReasonForm, StaffAct, offered_on, offered_on_table
from accounts.staff_twice import TypedTwiceAct, TypedTwiceForm
from audit.actors import Actor


class RangeForm(TypedTwiceForm):
    """Which range, and until when; and the range once more, where many people are behind it."""

    twice = "network"
    network = forms.CharField(
        label=gettext_lazy("Range of network addresses"),
        max_length=49,
        help_text=gettext_lazy("Such as 192.0.2.0/24 or 2001:db8::/48, or one address."),
        widget=ExactInput,
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until (UTC)"),
        required=False,
        help_text=gettext_lazy("Then it is lifted by itself; empty for when somebody lifts it."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ("network", "again", "ends_at", "reason")

    def read(self, text: str) -> str:
        """The range in its one spelling."""
        return read_range(text)


@offered_on_table(BlockedRange)
class BlockRange(TypedTwiceAct):
    """Take nothing from a range of network addresses."""

    slug = "block-range"
    groups = MAY_HELP
    title = gettext_lazy("Block network addresses")
    tells_people = False
    form_class = RangeForm
    reasons = (
        gettext_lazy("Passwords are guessed from there."),
        gettext_lazy("Accounts are made from there in great numbers."),
        gettext_lazy("Malicious files were uploaded from there."),
    )

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _(
                "From these addresses nobody can sign in, make an account, reset a password, send "
                "another form without being signed in, or upload."
            ),
            _("Reading and installing go on. It holds from the next request on."),
            _("The links in mails still stop mail, cancel recovery cases and throw out intruders."),
            _("Sessions that are open there stay open: end them on the pages of their accounts."),
            _("Whoever is refused is told that the address is blocked, and not why."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Block it."""
        row = block_range(fields.pop("network"), reason=reason, by=by, **fields)
        return _("Nothing is taken from %s any more.") % row.network

    def _form_for(self, request: HttpRequest, row: Any = None) -> ReasonForm:
        form = super()._form_for(request, row)
        form.fields["network"].initial = request.GET.get("network", "")[:49]
        return form


@offered_on(BlockedRange)
class LiftRange(StaffAct):
    """Take what comes from a range again."""

    slug = "lift-range"
    groups = MAY_HELP
    title = gettext_lazy("Lift this block")
    tells_people = False
    reasons = (
        gettext_lazy("The attack is over."),
        gettext_lazy("People who did nothing are kept out."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [_("Sign-ins, forms and uploads are taken from %s again.") % row.network]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Lift it."""
        lift_range(row, reason=reason, by=by)
        return _("Sign-ins, forms and uploads are taken from %s again.") % row.network
