"""Ending tokens as staff, one or many."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.permissions import lock_accounts, require_staff
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, SUPPORT
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token

MAY_REVOKE = frozenset({SUPPORT, ADMINISTRATOR})


@transaction.atomic
def revoke_tokens(tokens: Sequence[APIToken], *, reason: str, by: Actor) -> int:
    """End tokens, all of them or none. Unlike other acts, this may be done to one's own, too.

    Returns:
        How many were not revoked before.

    Raises:
        PermissionDenied: if whoever acts may not.
    """
    require_staff(by, MAY_REVOKE)
    lock_accounts([token.user for token in tokens], by=by)
    wanted = APIToken.objects.filter(pk__in=[token.pk for token in tokens])
    rows = list(wanted.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    return sum(revoke_token(row, reason=reason, cause=APIToken.Cause.STAFF, by=by) for row in rows)
