"""What staff can do to accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import EmailAddress, RateCount, User
from accounts.operations import emails, freezing, limits, passwords, staff_rights
from accounts.permissions import MAY_HELP
from accounts.staff import SightedForm, StaffAct, offered_on
from accounts.staff_bulk import BulkAct, accounts_of, offered_on_events
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, EVERYBODY
from audit.models import Event

_IN_DANGER = (
    gettext_lazy("A token of this account was leaked."),
    gettext_lazy("The account uploaded a malicious file."),
    gettext_lazy("Somebody else seems to use this account."),
    gettext_lazy("The owner asked for it, and proved to be the owner."),
)


@offered_on(User)
class FreezeAccount(StaffAct):
    """Close an account until somebody has looked at it."""

    slug = "freeze"
    groups = freezing.MAY_FREEZE
    title = gettext_lazy("Freeze account")
    reasons = _IN_DANGER

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is frozen."""
        return bool(row.is_active)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = row.sessions.count()
        return [
            _("Nobody can sign in as %(name)s, or upload with a token of theirs.")
            % {"name": row.username},
            ngettext("%d session is ended.", "%d sessions are ended.", count) % count,
            _("Tokens are kept, and work again if the account is unfrozen. Projects stay."),
            _("The person is told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Freeze it."""
        if freezing.freeze_accounts([row], reason=reason, by=by):
            return _("The account %s is frozen.") % row.username
        return _("The account %s was frozen before.") % row.username


@offered_on(User)
class UnfreezeAccount(StaffAct):
    """Open a frozen account again."""

    slug = "unfreeze"
    groups = freezing.MAY_FREEZE
    title = gettext_lazy("Unfreeze account")
    reasons = (
        gettext_lazy("The owner has control of the account again."),
        gettext_lazy("The suspicion was wrong."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If it is frozen."""
        return not row.is_active

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("%(name)s can sign in again.") % {"name": row.username},
            _("API tokens that were not revoked can upload again. Revoke them first if in doubt."),
            _("The person is told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Unfreeze it."""
        freezing.unfreeze_account(row, reason=reason, by=by)
        return _("The account %s is not frozen any more.") % row.username


@offered_on(User)
class EndSessions(StaffAct):
    """Sign somebody out everywhere."""

    slug = "end-sessions"
    groups = freezing.MAY_FREEZE
    title = gettext_lazy("End sessions")
    reasons = _IN_DANGER

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = row.sessions.count()
        return [
            ngettext(
                "%(count)d session of %(name)s is ended at once.",
                "%(count)d sessions of %(name)s are ended at once.",
                count,
            )
            % {"count": count, "name": row.username},
            _("The person can sign in again, and so can who knows the password and has a factor."),
            _("The person is told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """End them."""
        count = freezing.end_sessions_as_staff([row], reason=reason, by=by)
        return ngettext("%d session was ended.", "%d sessions were ended.", count) % count


@offered_on(User)
class DisablePassword(StaffAct):
    """Let nobody in with the password that an account has now."""

    slug = "disable-password"
    groups = MAY_HELP
    title = gettext_lazy("Disable password")
    reasons = (
        gettext_lazy("The password was found in a leak."),
        gettext_lazy("Somebody else seems to know the password."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If there is one."""
        return bool(row.has_usable_password())

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("%(name)s cannot sign in with the present password any more, and all sessions end.")
            % {"name": row.username},
            _("A new password is set with a link from a mail, which the person asks for."),
            _("Second factors, passkeys and API tokens stay, and work."),
            _("The person is told by mail at every verified address, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Disable it."""
        passwords.disable_password(row, reason=reason, by=by)
        return _("The password of %s is disabled.") % row.username


class GroupsForm(SightedForm):
    """Which staff groups."""

    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Staff groups"),
        required=False,
        choices=[(name, name) for name in sorted(EVERYBODY)],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Auditor sees and exports everything. Support acts on accounts and tokens, Projects on "
            "projects and names. Administrator may do everything. Without a group, the account is "
            "not staff."
        ),
    )
    field_order = ["groups", "reason"]

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.fields["groups"].initial = list(row.groups.values_list("name", flat=True))

    def state_of(self, row: Any) -> tuple[object, ...]:
        """The groups it is in."""
        return staff_rights.find_state(row)


@offered_on(User)
class ChangeStaffRights(StaffAct):
    """Make somebody staff, or not staff any more."""

    slug = "staff-rights"
    groups = frozenset({ADMINISTRATOR})
    title = gettext_lazy("Change staff rights")
    form_class = GroupsForm
    reasons = (
        gettext_lazy("Joined the team that runs this site."),
        gettext_lazy("Left the team that runs this site."),
        gettext_lazy("The account seems to be in wrong hands."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("%(name)s is in exactly the groups that are ticked, from the next page on.")
            % {"name": row.username},
            _("All administrators and %(name)s are told by mail, with the reason.")
            % {"name": row.username},
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Change them."""
        staff_rights.set_staff_groups(
            row, fields["groups"], seen=fields["seen"], reason=reason, by=by
        )
        return _("The staff rights of %s were changed.") % row.username


@offered_on(EmailAddress)
class VerifyAddress(StaffAct):
    """Declare a mail address verified, on a site that cannot send mail."""

    slug = "verify"
    groups = MAY_HELP
    title = gettext_lazy("Declare a mail address verified")
    reasons = (gettext_lazy("The owner proved to read the mail that is sent there."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is verified."""
        return row.verified_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The address counts as verified, as if its owner had opened the link in the mail."),
            _("The account can then add a second factor and make API tokens."),
            _("Do this only if you know that the address is theirs."),
            _("The person is told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Verify it."""
        emails.verify_address_as_staff(row, reason=reason, by=by)
        return _("The address %s is verified.") % row.address


@offered_on(RateCount)
class ClearLimit(StaffAct):
    """Let somebody try again who was stopped by a limit."""

    slug = "clear"
    groups = MAY_HELP
    title = gettext_lazy("Clear limit")
    tells_people = False
    reasons = (gettext_lazy("The owner proved that they are kept out by the attempts of others."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The attempts that are counted are forgotten: as many can be made again."),
            _(
                "An owner who is kept out by others can also sign in on a device that has signed "
                "in before: its attempts are counted apart."
            ),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Clear it."""
        limits.clear_limit(row, reason=reason, by=by)
        return _("The limit is cleared.")


class AccountsAct(BulkAct):
    """An act on the accounts that events name."""

    groups = freezing.MAY_FREEZE
    reasons = _IN_DANGER
    nothing_found = gettext_lazy("The filter leads to no account other than yours.")

    def rows(self, events: Sequence[Event]) -> list[Any]:
        """Those that acted, and those that the events are about."""
        return accounts_of(events)


@offered_on_events
class EndSessionsOfAll(AccountsAct):
    """Sign everybody out who is concerned."""

    slug = "end-sessions-of-all"
    title = gettext_lazy("End the sessions of the accounts concerned")

    def consequences(self, count: int) -> list[str]:
        """What will happen."""
        return [
            ngettext(
                "All sessions of %d account are ended at once.",
                "All sessions of %d accounts are ended at once.",
                count,
            )
            % count,
            _("Each person is told by mail, with the reason, and can sign in again."),
        ]

    def act(self, rows: Sequence[Any], *, reason: str, by: Actor) -> str:
        """End them."""
        count = freezing.end_sessions_as_staff(rows, reason=reason, by=by)
        return ngettext("%d session was ended.", "%d sessions were ended.", count) % count


@offered_on_events
class FreezeAll(AccountsAct):
    """Freeze everybody who is concerned."""

    slug = "freeze-all"
    title = gettext_lazy("Freeze the accounts concerned")

    def consequences(self, count: int) -> list[str]:
        """What will happen."""
        return [
            ngettext("%d account is frozen.", "%d accounts are frozen.", count) % count,
            _("Nobody can sign in to them, or upload with their tokens. Projects stay."),
            _("Each person is told by mail, with the reason."),
        ]

    def act(self, rows: Sequence[Any], *, reason: str, by: Actor) -> str:
        """Freeze them."""
        count = freezing.freeze_accounts(rows, reason=reason, by=by)
        return ngettext("%d account was frozen.", "%d accounts were frozen.", count) % count
