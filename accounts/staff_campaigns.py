"""What staff can do about mail to many people that is on its way."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Campaign
from accounts.operations import campaigns
from accounts.staff import StaffAct, offered_on
from audit.actors import Actor


@offered_on(Campaign)
class StopCampaign(StaffAct):
    """End it where it is."""

    slug = "stop-mail"
    title = gettext_lazy("Stop this mail")
    tells_people = False
    reasons = (gettext_lazy("Something in it is wrong."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """While it is on its way."""
        return row.finished_at is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("Nobody further is written to: %s are queued or sent.") % row.progress,
            _("Mail that is queued already still goes out."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Stop it."""
        campaigns.stop_campaign(row, reason=reason, by=by)
        return _("The mail is stopped.")
