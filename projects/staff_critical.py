"""How staff mark the projects that many others rest on."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.staff import StaffAct, offered_on
from audit.actors import Actor
from projects.models import Project
from projects.operations import critical


@offered_on(Project)
class MarkCritical(StaffAct):
    """Ask more of a project."""

    slug = "mark-critical"
    groups = critical.MAY_MARK
    title = gettext_lazy("Mark critical")
    reasons = (gettext_lazy("Many other projects depend on it."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Unless it is marked."""
        return row.critical_since is None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _(
                "Where API tokens are enforced for critical projects, passwords do not upload to "
                "it, from the next request on."
            ),
            _("Nothing else changes; its pages do not show it."),
            _("All who have a role in it are told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Mark it."""
        critical.mark_critical(row, reason=reason, by=by)
        return _("The project %s is marked critical.") % row.name


@offered_on(Project)
class UnmarkCritical(StaffAct):
    """Ask no more of it than of others."""

    slug = "unmark-critical"
    groups = critical.MAY_MARK
    title = gettext_lazy("Take the mark “critical” away")
    reasons = (gettext_lazy("It was marked by mistake."),)

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """If it is marked."""
        return row.critical_since is not None

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("What is asked of critical projects is not asked of it any more."),
            _("All who have a role in it are told by mail, with the reason."),
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Take it away."""
        critical.unmark_critical(row, reason=reason, by=by)
        return _("The project %s is not marked critical any more.") % row.name
