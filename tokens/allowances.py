"""What several caveats allow together, so that people and programs can be told. Pure.

A token is never let in because of this: each caveat is asked by itself at every use. Here they are
only added up, in the order-free way in which they restrict each other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tokens import caveats
from tokens.caveats import (
    Actions,
    Caveat,
    Expiration,
    Network,
    Networks,
    ProjectID,
    ProjectName,
    ProjectPatterns,
    RequestUser,
)

Texts = tuple[str, ...]
# Beside these, all addresses are of the internet: one more restriction that restricts nobody there.
_NOBODYS_4 = tuple(ipaddress.IPv4Network(text) for text in ("0.0.0.0/8", "224.0.0.0/3"))
_NOBODYS_6 = tuple(ipaddress.IPv6Network(text) for text in ("::/3", "4000::/2", "8000::/1"))


@dataclass(frozen=True)
class Allowance:
    """The sum of caveats.

    Attributes:
        actions: those of `caveats.ACTIONS` that are left.
        patterns: names and name patterns of projects; None for all.
        ids: ids of projects; None where none is named.
        users: ids of users; None where none is named.
        networks: in CIDR form; None for everywhere.
        not_before: Unix seconds.
        expires_at: Unix seconds; None for never.
        is_understood: False if a caveat was unreadable, so that nothing is allowed.
    """

    actions: Texts = caveats.ACTIONS
    patterns: Texts | None = None
    ids: Texts | None = None
    users: Texts | None = None
    networks: Texts | None = None
    not_before: int = 0
    expires_at: int | None = None
    is_understood: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether no use at all is left."""
        sets = (self.actions, self.patterns, self.ids, self.users, self.networks)
        ends = self.expires_at is not None and self.expires_at <= self.not_before
        return ends or not self.is_understood or any(some == () for some in sets)

    @property
    def is_for_all_projects(self) -> bool:
        """Whether no caveat speaks of projects."""
        return self.patterns is None and self.ids is None

    @property
    def possible_actions(self) -> Texts:
        """Those that are of any use: nothing that is named by its id is still to be created."""
        if self.is_empty:
            return ()
        return tuple(one for one in self.actions if one != "create" or self.ids is None)

    def covers(self, *, name: str, project_id: str) -> bool:
        """Tell whether a project is among those that are allowed."""
        is_named = self.patterns is None or any(caveats.matches(p, name) for p in self.patterns)
        return is_named and (self.ids is None or project_id in self.ids)


def add_up(texts: Iterable[str]) -> Allowance:
    """Return what caveats allow together; what is not understood allows nothing."""
    total = Allowance()
    for text in texts:
        try:
            total = _restrict(total, caveats.load(text))
        except ValueError:
            total = replace(total, is_understood=False)
    return total


def excludes_nobody(ranges: Iterable[str]) -> bool:
    """Tell whether networks together hold every address of IPv4 or IPv6 that anybody can have.

    Raises:
        ValueError: if one is not a network.
    """
    networks = [ipaddress.ip_network(text) for text in ranges]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return _hold_all(four, nobodys=_NOBODYS_4) or _hold_all(six, nobodys=_NOBODYS_6)


def _hold_all(networks: list[Any], *, nobodys: tuple[Any, ...]) -> bool:
    whole = ipaddress.collapse_addresses([*networks, *nobodys])
    return any(network.prefixlen == 0 for network in whole)


def _restrict(total: Allowance, caveat: Caveat) -> Allowance:
    match caveat:
        case Expiration():
            end = caveat.expires_at if total.expires_at is None else total.expires_at
            return replace(
                total,
                expires_at=min(end, caveat.expires_at),
                not_before=max(total.not_before, caveat.not_before),
            )
        case ProjectName():
            return replace(total, patterns=_common_patterns(total.patterns, caveat.names))
        case ProjectPatterns():
            return replace(total, patterns=_common_patterns(total.patterns, caveat.patterns))
        case ProjectID():
            return replace(total, ids=_common(total.ids, caveat.ids))
        case RequestUser():
            return replace(total, users=_common(total.users, (caveat.user_id,)))
        case Networks():
            return replace(total, networks=_common_networks(total.networks, caveat.ranges))
        case Actions():
            return replace(
                total, actions=tuple(one for one in total.actions if one in caveat.allowed)
            )


def _common(some: Texts | None, others: Texts) -> Texts:
    return others if some is None else tuple(text for text in some if text in others)


def _common_patterns(some: Texts | None, others: Texts) -> Texts:
    """The patterns for what both name: of each pair that fits, the narrower one."""
    if some is None:
        return others
    pairs = ((one, other) for one in some for other in others)
    return tuple(dict.fromkeys(both for pair in pairs if (both := _narrower(*pair)) is not None))


def _narrower(one: str, other: str) -> str | None:
    for wide, narrow in ((one, other), (other, one)):
        if caveats.matches(wide, narrow.removesuffix("*")) and (
            wide.endswith("*") or wide == narrow
        ):
            return narrow
    return None


def _common_networks(some: Texts | None, others: Texts) -> Texts:
    if some is None:
        return others
    pairs = ((ipaddress.ip_network(a), ipaddress.ip_network(b)) for a in some for b in others)
    return tuple(dict.fromkeys(str(both) for pair in pairs if (both := _overlap(*pair))))


def _overlap(one: Network, other: Network) -> Network | None:
    if not one.overlaps(other):
        return None
    return one if one.prefixlen >= other.prefixlen else other
