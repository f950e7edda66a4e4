"""Where somebody is signed in, as staff see it."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.browsers import describe
from accounts.models import User, UserSession
from accounts.staff import Cell, StaffPanel, add_staff_panel
from audit.groups import SEE_ORIGINS

SHOWN = 50


def sessions_of(user: User) -> StaffPanel:
    """The open sessions of an account, the one that was used last on top."""
    events = reverse("admin:audit_event_changelist")
    is_open = UserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    return StaffPanel(
        title=_("Sessions"),
        columns=[_("last used (UTC)"), _("opened (UTC)"), _("network address"), _("browser")],
        rows=[
            [
                Cell(f"{row.last_used_at:%Y-%m-%d %H:%M}"),
                Cell(f"{row.created_at:%Y-%m-%d %H:%M}"),
                Cell(
                    row.network_address or "-",
                    f"{events}?network={row.network_address}" if row.network_address else "",
                ),
                Cell(describe(row.user_agent) or "-"),
            ]
            for row in is_open.order_by("-last_used_at")[:SHOWN]
        ],
    )


add_staff_panel(User, sessions_of, seen_by=SEE_ORIGINS)
