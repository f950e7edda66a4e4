"""What staff can do about limits."""

from __future__ import annotations

from django.db import transaction

from accounts.events import LIMIT_CLEARED
from accounts.models import RateCount
from accounts.permissions import MAY_HELP, require_staff
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def clear_limit(row: RateCount, *, reason: str, by: Actor) -> bool:
    """Forget the attempts that were counted: whoever was stopped by them can try again.

    Returns:
        False if they are forgotten already.

    Raises:
        PermissionDenied: if whoever acts may not, or not for this account.
    """
    user = row.user
    require_staff(by, MAY_HELP, about=user)
    if not RateCount.objects.filter(pk=row.pk).delete()[0]:
        return False
    about = [user] if user else []
    record(LIMIT_CLEARED, by=by, about=about, limit=row.limit, reason=reason)
    return True
