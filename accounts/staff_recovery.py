"""What staff do for somebody who has lost every second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.forms.fields import SHORTEST_REASON
from accounts.models import RecoveryCase, User
from accounts.operations import recovery
from accounts.permissions import MAY_HELP
from accounts.staff import ReasonForm, StaffAct, offered_on
from audit.actors import Actor


class EvidenceForm(ReasonForm):
    """How somebody proved who they are."""

    evidence = forms.CharField(
        label=gettext_lazy("Evidence"),
        min_length=SHORTEST_REASON,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "What you saw and how you checked it, for whoever completes the case. It is kept with "
            "the case alone, and sent to nobody."
        ),
    )
    field_order = ("evidence", "reason")


@offered_on(User)
class OpenRecovery(StaffAct):
    """Ask for lost second factors to be removed."""

    slug = "open-recovery"
    groups = MAY_HELP
    title = gettext_lazy("Open a recovery case")
    form_class = EvidenceForm
    reasons = (
        gettext_lazy("The phone and the recovery codes are lost."),
        gettext_lazy("The security key is broken, and there are no recovery codes."),
    )

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If there is something to remove, and no case."""
        return row.has_second_factor and row.open_recovery_case is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("%(name)s is told by mail at every verified address, with the reason.")
            % {"name": row.username},
            _("The mail has a link that cancels the case. So does a sign-in with a second factor."),
            _("Nothing else changes until another member of the staff completes the case."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Open it."""
        case = recovery.open_case(row, evidence=fields["evidence"], reason=reason, by=by)
        return _("The case is open. It can be completed from %s on.") % (
            f"{case.due_at:%Y-%m-%d %H:%M} UTC"
        )


class CaseAct(StaffAct):
    """An act on a case that is open."""

    groups = MAY_HELP

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """While it has no outcome."""
        return bool(row.is_open)


@offered_on(RecoveryCase)
class CompleteRecovery(CaseAct):
    """Remove the second factors, as the second member of the staff."""

    slug = "complete"
    title = gettext_lazy("Complete: remove the second factors")
    reasons = (gettext_lazy("The evidence is right, and nobody objected."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        count = len(row.user.second_factors)
        return [
            ngettext(
                "%(count)d second factor of %(name)s is removed, and all recovery codes.",
                "%(count)d second factors of %(name)s are removed, and all recovery codes.",
                count,
            )
            % {"count": count, "name": row.user.username},
            _("All sessions end. The password alone signs in until a factor is added."),
            _("The person is told by mail at every verified address, with the reason."),
            _("This is refused before %(time)s, and to %(opener)s, who opened the case.")
            % {"time": f"{row.due_at:%Y-%m-%d %H:%M} UTC", "opener": row.opened_by},
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Remove them."""
        count = recovery.complete_case(row, reason=reason, by=by)
        return (
            ngettext("%d second factor was removed.", "%d second factors were removed.", count)
            % count
        )


@offered_on(RecoveryCase)
class CancelRecovery(CaseAct):
    """Close a case without removing anything."""

    slug = "cancel-recovery"
    title = gettext_lazy("Cancel the case")
    reasons = (
        gettext_lazy("The evidence is not enough."),
        gettext_lazy("The owner found a second factor again."),
    )

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("The second factors of %(name)s stay as they are.") % {"name": row.user.username},
            _("The person is told by mail at every verified address, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Cancel it."""
        recovery.end_case(row, reason=reason, by=by)
        return _("The case of %s is cancelled.") % row.user.username
