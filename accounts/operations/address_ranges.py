"""Blocking ranges of network addresses, and lifting that again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.address_ranges import (
    blocked_keys,
    count_users_in,
    covers,
    is_wide,
    keys_of,
    read_range,
    staff_addresses,
)
from accounts.events import RANGE_BLOCKED, RANGE_ENDED, RANGE_LIFTED
from accounts.models import BlockedRange, User
from accounts.permissions import MAY_HELP, require_staff
from audit.actors import Actor
from audit.log import record
from audit.networks import address_key

SHARED_BY: Final = 5  # accounts: a range that more were seen in is a provider's or an office's


@transaction.atomic
def block_range(
    text: str,
    *,
    is_confirmed: bool = False,
    ends_at: datetime | None = None,
    reason: str,
    by: Actor,
) -> BlockedRange:
    """Take no sign-in, no form of a stranger and no upload from a range; from the next request on.

    Reading goes on, and so do sessions that are open.

    Args:
        is_confirmed: whether whoever acts knows that many people are behind it.
        ends_at: when it is lifted by itself; None for when somebody lifts it.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is no range, is blocked, its end is past, staff would lock
            themselves out, or, with the code "shared", if many people are behind it and nobody
            confirmed it.
    """
    require_staff(by, MAY_HELP)
    network = read_range(text)
    if ends_at is not None and ends_at <= timezone.now():
        raise ValidationError(_("The end is past already."))
    count = count_users_in(network)
    _require_staff_outside(network, by=by)
    if not is_confirmed:
        _require_few(network, count)
    first, last = keys_of(network)
    ended = BlockedRange.objects.filter(network=network, ends_at__lte=timezone.now()).delete()[0]
    try:
        with transaction.atomic():
            row = BlockedRange.objects.create(
                network=network,
                first_key=first,
                last_key=last,
                ends_at=ends_at,
                reason=reason,
                blocked_by=by.label[:150],
            )
    except IntegrityError as error:
        raise ValidationError(_("This range is blocked already.")) from error
    if ended:  # a moment ago; the timed work has not come to it
        record(RANGE_ENDED, by=by, network=network)
    record(
        RANGE_BLOCKED,
        by=by,
        network=network,
        accounts=count,
        ends_at=f"{ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else "",
        reason=reason,
    )
    return row


def _require_few(network: str, count: int) -> None:
    if count > SHARED_BY:
        text = _(
            "%(count)d accounts were used from %(network)s in the last 30 days. Type the range "
            "again below."
        )
    elif is_wide(network):
        text = _(
            "%(network)s is so wide that whole providers are behind it. Type the range again below."
        )
    else:
        return
    raise ValidationError(text % {"count": count, "network": network}, code="shared")


def _require_staff_outside(network: str, *, by: Actor) -> None:
    """Whoever acts goes on working, and somebody is left who can sign in and lift the block.

    Staff who block each other at the same moment wait for each other here.
    """
    staff = User.objects.select_for_update(no_key=True).filter(is_staff=True, is_active=True)
    found = staff_addresses(list(staff.order_by("pk")))
    new = [keys_of(network)]
    own = {address_key(by.network_address)} - {""} | found.get(by.id, set())
    if any(covers(new, key) for key in own):
        raise ValidationError(
            _("You work from an address in this range. Nobody locks themselves out.")
        )
    blocked = [*new, *blocked_keys()]
    known = set().union(own, *found.values())
    if known and all(covers(blocked, key) for key in known):
        raise ValidationError(
            _("All staff who could lift this again work from blocked addresses then.")
        )


@transaction.atomic
def lift_range(row: BlockedRange, *, reason: str, by: Actor) -> bool:
    """Take sign-ins, forms and uploads from a range again.

    Returns:
        False if it is lifted already.

    Raises:
        PermissionDenied: if whoever acts may not.
    """
    require_staff(by, MAY_HELP)
    if not BlockedRange.objects.filter(pk=row.pk).delete()[0]:
        return False
    record(RANGE_LIFTED, by=by, network=row.network, reason=reason)
    return True


@transaction.atomic
def note_ends(*, by: Actor) -> int:
    """Record which blocks have ended, as they had to, and forget them; how many."""
    count = 0
    for row in BlockedRange.objects.filter(ends_at__lte=timezone.now()):
        if BlockedRange.objects.filter(pk=row.pk, ends_at=row.ends_at).delete()[0]:
            record(RANGE_ENDED, by=by, network=row.network)
            count += 1
    return count
