"""A socket: groups of people that mail can be sent to. Higher floors add theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import EmailAddress, User


@dataclass(frozen=True)
class Audience:
    """Whom a campaign of mail goes to.

    Attributes:
        name: what the database calls it.
        title: what pages call it.
        people: all of them, at this moment.
    """

    name: str
    title: Any
    people: Callable[[], QuerySet[User]]

    def addresses(self) -> QuerySet[EmailAddress]:
        """Where their mail goes, one address for each: primary and verified ones alone."""
        found = EmailAddress.objects.usable().filter(is_primary=True, user__is_active=True)
        return found.filter(user__in=self.people()).select_related("user").order_by("user_id")


_audiences: dict[str, Audience] = {}


def add_audience(audience: Audience) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _audiences[audience.name] = audience


def find(name: str) -> Audience:
    """The audience of that name.

    Raises:
        KeyError: if this version has none.
    """
    return _audiences[name]


def names() -> set[str]:
    """The names of all audiences of this version."""
    return set(_audiences)
