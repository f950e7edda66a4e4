"""What staff do about user names."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import usernames
from accounts.forms.fields import ExactInput
from accounts.models import ReservedName, User
from accounts.operations import user_names
from accounts.permissions import MAY_HELP
from accounts.staff import ReasonForm, StaffAct, TableAct, offered_on, offered_on_table
from audit.actors import Actor


class UserNameForm(ReasonForm):
    """Which name."""

    name = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=usernames.MAX_LENGTH,
        widget=ExactInput,
    )
    field_order = ("name", "reason")


@offered_on_table(ReservedName)
class ProhibitUserName(TableAct):
    """Let nobody make an account of a name."""

    slug = "prohibit-user-name"
    groups = MAY_HELP
    title = gettext_lazy("Prohibit a user name")
    tells_people = False
    form_class = UserNameForm
    reasons = (
        gettext_lazy("The name imitates another person or organization."),
        gettext_lazy("The name is offensive."),
    )

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _("Nobody can make an account of this name, whatever its case, dots and dashes."),
            _("An account that has the name keeps it: freeze it if it must not be used."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Prohibit it."""
        row = user_names.prohibit_user_name(fields["name"], reason=reason, by=by)
        holder = User.objects.filter(username_key=row.key).first()
        if holder is not None:
            return _("The name %s is prohibited. The account that has it keeps it.") % row.key
        return _("The name %s is prohibited.") % row.key


@offered_on(ReservedName)
class AllowUserName(StaffAct):
    """Let people have a prohibited name again."""

    slug = "allow-user-name"
    groups = MAY_HELP
    title = gettext_lazy("Allow this name again")
    tells_people = False
    reasons = (gettext_lazy("It was prohibited by mistake."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If staff prohibited it: the name of a closed account stays reserved."""
        return bool(row.why == ReservedName.Why.PROHIBITED)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        if user_names.has_been_used(row.key):
            return [
                _("An account had the name %s, so it stays reserved. Other spellings of it do not.")
                % row.key
            ]
        return [_("Anybody can make an account of the name %s.") % row.key]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Allow it."""
        user_names.allow_user_name(row, reason=reason, by=by)
        if user_names.has_been_used(row.key):
            return _("The name %s stays reserved; other spellings of it are free.") % row.key
        return _("The name %s is allowed again.") % row.key
