"""Ranges of network addresses: how they are spelt, and who is behind them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import BlockedRange, User, UserSession
from accounts.permissions import MAY_HELP
from audit.models import Event, EventOrigin
from audit.networks import address_key, find_range

SEEN_WITHIN: Final = timedelta(days=30)
WIDEST: Final = {4: 16, 6: 32}  # bits before the slash; whole providers are behind fewer
_MAPPED = ipaddress.ip_network("::ffff:0:0/96")
_ZONE: Final = re.compile(r"%[^/]*")  # a matter of one machine; the length of a network follows it


def read_range(text: str) -> str:
    """The one spelling of a range, or of one address, which is a range, too.

    Raises:
        ValidationError: if it names none.
    """
    try:
        network = ipaddress.ip_network(_ZONE.sub("", text.strip()), strict=False)
    except ValueError as error:
        raise ValidationError(
            _("This is no range of network addresses, such as 192.0.2.0/24 or 2001:db8::/48.")
        ) from error
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):  # type: ignore[arg-type]  # of version 6, too
        first = int(network.network_address) & 0xFFFFFFFF
        network = ipaddress.IPv4Network((first, network.prefixlen - 96))
    return str(network)


def keys_of(network: str) -> tuple[str, str]:
    """The keys of the first and the last address of a range."""
    found = find_range(network)
    if found is None:
        raise ValueError(f"{network!r} is no range")
    return found


def is_wide(network: str) -> bool:
    """Whether a range is so wide that whole providers are behind it."""
    parsed = ipaddress.ip_network(network)
    return parsed.prefixlen < WIDEST[parsed.version]


def count_users_in(network: str) -> int:
    """How many accounts did something from a range lately."""
    origins = EventOrigin.objects.filter(
        address_key__range=keys_of(network), recorded_at__gte=timezone.now() - SEEN_WITHIN
    )
    events = Event.objects.filter(actor_kind="user", number__in=origins.values("event_number"))
    return events.order_by().values("actor_id").distinct().count()


def staff_addresses(staff: Iterable[User]) -> dict[str, set[str]]:
    """Keys of the addresses from which staff who may lift a block have a session open, by id."""
    sessions = UserSession.objects.filter(
        user__in=staff,
        user__is_active=True,
        user__is_staff=True,
        user__groups__name__in=MAY_HELP,
        expire_date__gt=timezone.now(),
    )
    found: dict[str, set[str]] = {}
    for user_id, address in sessions.values_list("user_id", "network_address"):
        if key := address_key(address):
            found.setdefault(str(user_id), set()).add(key)
    return found


def blocked_keys() -> list[tuple[str, str]]:
    """First and last key of each range that is blocked now."""
    return list(BlockedRange.objects.in_force().values_list("first_key", "last_key"))


def covers(ranges: Iterable[tuple[str, str]], key: str) -> bool:
    """Whether an address is in one of the ranges."""
    return any(first <= key <= last for first, last in ranges)
