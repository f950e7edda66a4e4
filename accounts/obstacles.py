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
        asked: at least one switch, whose rows bring the answer about the address along.
    """
    blocks = BlockedRange.objects.around(network_address)
    rows = SwitchState.objects.filter(name__in=[switch.name for switch in asked])
    found = list(rows.annotate(is_blocked=Exists(blocks)))
    is_address_blocked = any(row.is_blocked for row in found)
    return is_address_blocked, switches.refusal_in(found)
