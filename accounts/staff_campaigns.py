"""Mail to many people as staff see it, and what they can do while it is on its way."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audiences
from accounts.models import Campaign
from accounts.operations import campaigns
from accounts.operations.campaigns import find_progress
from accounts.staff import ObjectAdmin, StaffAct, offered_on
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, AUDITOR


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
        return not row.stopped_by and find_progress(row).to_go > 0

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        progress = find_progress(row)
        return [
            _("Nobody further is written to. To go: %d mails.") % progress.to_go,
            _("Sent already, and not to be called back: %d mails.") % progress.sent,
            _("It cannot be taken up again."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Stop it."""
        campaigns.stop_campaign(row, reason=reason, by=by)
        return _("The mail is stopped.")


@admin.register(Campaign)
class CampaignAdmin(ObjectAdmin):
    """Mail to many people, and how far it is."""

    seen_by = frozenset({AUDITOR, ADMINISTRATOR})
    list_display = ["__str__", "whom", "mails", "started_at", "started_by"]
    list_per_page = 20
    fields = [
        "announcement",
        "whom",
        "progress",
        "mails",
        "started_at",
        "started_by",
        "reason",
        "finished_at",
        "stopped_by",
    ]

    @admin.display(description=gettext_lazy("to"))
    def whom(self, campaign: Campaign) -> str:
        """Whom it goes to."""
        return audiences.title_of(campaign.audience)

    @admin.display(description=gettext_lazy("queued"))
    def progress(self, campaign: Campaign) -> str:
        """How many of how many."""
        return campaign.progress

    @admin.display(description=gettext_lazy("mails"))
    def mails(self, campaign: Campaign) -> str:
        """What became of them: failed are those that were given up after many attempts."""
        progress = find_progress(campaign)
        return _("%(sent)d sent, %(failed)d failed, %(to_go)d to go") % vars(progress)
