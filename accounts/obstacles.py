"""What stands before a request, asked in one query: a blocked address, and what is switched off."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists

from accounts import switches
from accounts.models import BlockedRange, SwitchState
from accounts.switches import Switch


def is_blocked(network_address: str) -> bool:
    """Whether nothing but reading is let through from an address; one query."""
    return BlockedRange.objects.around(network_address).exists()


def find_obstacle(asked: Sequence[Switch], *, network_address: str) -> tuple[bool, str]:
    """Whether an address is blocked, and why one of these switches refuses ("" if none does).

    Args:
        asked: switches, whose rows bring the answer about the address along; without any, it is
            asked for alone.
    """
    blocks = BlockedRange.objects.around(network_address)
    rows = SwitchState.objects.filter(name__in=[switch.name for switch in asked])
    found = list(rows.annotate(is_blocked=Exists(blocks)))
    if not found:
        return is_blocked(network_address), ""
    return found[0].is_blocked, switches.refusal_in(found)
