"""What the pages of an account say of the move to API tokens."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.panels import Banner
from uploads.models import Enforcement, Stage, concerned_users


def announce_enforcement(user: User) -> Banner | None:
    """That passwords will be refused, to those whom it concerns, while they are still taken."""
    row = Enforcement.objects.asked_of(None, None)
    now = timezone.now()
    if row.stage_at(now) not in {Stage.ANNOUNCE, Stage.WARN}:
        return None
    if not concerned_users(row.audience).filter(pk=user.pk).exists():
        return None
    if row.enforce_from is None:
        text = _("Uploads with a password will be refused. Use an API token instead.")
    else:
        text = _(
            "From %(day)s on, uploads with a password will be refused. Use an API token instead."
        ) % {"day": f"{row.enforce_from:%Y-%m-%d %H:%M} UTC"}
    window = row.next_brown_out(now)
    if window is not None:
        begin, end = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in window)
        text += " " + _("On trial, they are refused from %(begin)s until %(end)s already.") % {
            "begin": begin,
            "end": end,
        }
    return Banner(text=text, url=reverse("uploads:token-help"), action=_("What to do"))
