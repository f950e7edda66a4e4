"""A socket: ways to find an account by something that is not its own. Higher floors add theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from audit.models import Event, EventOrigin
from audit.networks import find_range

FOUND = 200  # accounts, at most, by each way
ORIGINS = 2_000  # events that are looked at, at most, the newest from an address
Found = Sequence[UUID] | QuerySet[Any, UUID]  # both are cut before they are read
Finder = Callable[[str], Found]

_finders: list[Finder] = []


def add_finder(find: Finder) -> None:
    """Fill the socket.

    Args:
        find: takes a text; gives the ids of accounts, none if the text is nothing of its kind; a
            queryset or a list, of which no more is read than the first 200.
    """
    _finders.append(find)


def find_accounts(text: str, *, sees_origins: bool) -> set[UUID]:
    """The ids of accounts that a text leads to, by whichever way.

    Args:
        sees_origins: whether the reader may know from where people come.
    """
    ways = [*_finders, _who_acted_from] if sees_origins else _finders
    return {pk for way in ways for pk in way(text.strip())[:FOUND]}


def _who_acted_from(text: str) -> Found:
    """Who did something from a network address lately. Of ranges, the page of events has a list."""
    span = find_range(text)
    if span is None or span[0] != span[1]:
        return []
    newest = EventOrigin.objects.filter(address_key=span[0]).order_by("-event_number")
    numbers = newest.values("event_number")[:ORIGINS]
    acted = Event.objects.filter(number__in=numbers, actor_kind="user").order_by()
    ids = set(acted.values_list("actor_id", flat=True).distinct())
    return User.objects.filter(pk__in=ids).values_list("pk", flat=True)
