"""What stands before a request, asked in one query: a blocked address, and what is switched off."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists
from django.utils import timezone

from accounts import switches
from accounts.models import BlockedRange, SwitchState
from accounts.switches import Switch
from audit.networks import address_key
from audit.prepared import Prepared

# Each row brings the answer about the address along
_SWITCHES = Prepared(
    lambda key, now: SwitchState.objects.annotate(
        is_blocked=Exists(BlockedRange.objects.around_key(key, now))
    )
)


def is_blocked(network_address: str) -> bool:
    """Whether nothing but reading is let through from an address; one query."""
    return BlockedRange.objects.around(network_address).exists()


def find_obstacle(asked: Sequence[Switch], *, network_address: str) -> tuple[bool, str]:
    """Whether an address is blocked, and why one of these switches refuses ("" if none does).

    The rows of the switches bring the answer about the address along, if there are any.
    """
    rows = _SWITCHES.all(address_key(network_address), timezone.now())
    if not rows:
        return is_blocked(network_address), ""
    names = {switch.name for switch in asked}
    return vars(rows[0])["is_blocked"], switches.refusal_in(
        row for row in rows if row.name in names
    )
