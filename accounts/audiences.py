"""A socket: groups of people that mail can be sent to. Higher floors add theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import EmailAddress, User
from accounts.topics import Topic


@dataclass(frozen=True)
class Audience:
    """Whom a campaign of mail goes to.

    Attributes:
        name: what the database calls it.
        title: what pages call it.
        people: all of them, at this moment.
        is_for_announcements: whether staff may write to them what they want.
    """

    name: str
    title: Any
    people: Callable[[], QuerySet[User]]
    is_for_announcements: bool = False

    def addresses(self, topic: Topic | None = None) -> QuerySet[EmailAddress]:
        """Where their mail goes, one address for each: primary and verified ones alone.

        Args:
            topic: what the mail is about; those who want none of it are left out.
        """
        found = EmailAddress.objects.usable().filter(is_primary=True, user__is_active=True)
        found = found.filter(user__in=self.people().order_by().values("pk"))
        if topic is not None:
            found = found.exclude(user__in=topic.unwilling())
        return found.select_related("user").order_by("user_id")


def people_without_factor() -> QuerySet[User]:
    """Whoever signs in with a password alone."""
    return User.objects.exclude(pk__in=User.objects.with_second_factor().values("pk"))


_audiences: dict[str, Audience] = {
    audience.name: audience
    for audience in (
        Audience("all accounts", _("all accounts"), User.objects.all, is_for_announcements=True),
        Audience(
            "no second factor",
            _("people without a second factor"),
            people_without_factor,
            is_for_announcements=True,
        ),
    )
}


def add_audience(audience: Audience) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _audiences[audience.name] = audience


def find(name: str) -> Audience:
    """The audience of that name.

    Raises:
        KeyError: if this version has none.
    """
    return _audiences[name]


def title_of(name: str) -> str:
    """What pages call an audience; those of other versions by their names."""
    return str(_audiences[name].title) if name in _audiences else name


def for_announcements() -> list[Audience]:
    """Those to whom staff may write what they want."""
    return [audience for audience in _audiences.values() if audience.is_for_announcements]
