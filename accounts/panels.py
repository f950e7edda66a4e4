"""Sentences of the security page, and sockets: what higher floors add to pages of an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import policy
from accounts.models import User, UserSession


@dataclass(frozen=True)
class SecurityPanel:
    """One sentence about the account, with a link.

    Attributes:
        title: a heading.
        sentence: what is so.
        url: where to change it.
        action: what the link says.
    """

    title: str
    sentence: str
    url: str
    action: str


def describe_policy(user: User) -> SecurityPanel | None:
    """That a second factor will be required of this account, or is."""
    if user.has_second_factor or not policy.is_asked_for_second_factor(user):
        return None
    return SecurityPanel(
        title=_("A second factor is required"),
        sentence=policy.demand(user),
        url=reverse("two_factor:setup"),
        action=_("Add a second factor"),
    )


def describe_sessions(user: User) -> SecurityPanel:
    """Where this account is signed in."""
    count = UserSession.objects.filter(user=user, expire_date__gt=timezone.now()).count()
    return SecurityPanel(
        title=_("Sessions and devices"),
        sentence=ngettext("%d session is open.", "%d sessions are open.", count) % count,
        url=reverse("accounts:sessions"),
        action=_("Manage sessions and devices"),
    )


def describe_mail(user: User) -> SecurityPanel:
    """What else this account is written to about."""
    return SecurityPanel(
        title=_("Mail"),
        sentence=_("Mail about the security of your account always comes. You choose the rest."),
        url=reverse("accounts:mail-choices"),
        action=_("Choose your mail"),
    )


_panels: list[Callable[[User], SecurityPanel | None]] = [
    describe_policy,
    describe_sessions,
    describe_mail,
]


def add_security_panel(make: Callable[[User], SecurityPanel | None]) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _panels.append(make)


def security_panels(user: User) -> list[SecurityPanel]:
    """All sentences for one account."""
    return [panel for make in _panels if (panel := make(user)) is not None]


@dataclass(frozen=True)
class Survivor:
    """Something that still acts for an account after its password was reset.

    Attributes:
        name: what its owner calls it.
        detail: what it can do, or when it last did.
        url: where it is ended.
    """

    name: str
    detail: str
    url: str


_survivors: list[Callable[[User], list[Survivor]]] = []


def add_survivors(find: Callable[[User], list[Survivor]]) -> None:
    """Fill the socket of what a new password does not end."""
    _survivors.append(find)


def survivors(user: User) -> list[Survivor]:
    """All that a new password does not end."""
    return [row for find in _survivors for row in find(user)]


@dataclass(frozen=True)
class Banner:
    """A sentence at the top of all pages of an account.

    Attributes:
        text: what is so.
        url: where it says more, "" for nowhere.
        action: what the link says.
    """

    text: str
    url: str = ""
    action: str = ""


def announce_policy(user: User) -> Banner | None:
    """Until the day from which on a second factor is required: that it will be.

    From then on there is no need to say so here: pages lead to where one is added.
    """
    if policy.begins_on() is None or describe_policy(user) is None:
        return None
    return Banner(
        text=policy.demand(user),
        url=reverse("two_factor:setup"),
        action=_("Add a second factor"),
    )


_banners: list[Callable[[User], Banner | None]] = [announce_policy]


def add_banner(make: Callable[[User], Banner | None]) -> None:
    """Fill the socket of banners."""
    _banners.append(make)


def banners_of(user: User) -> list[Banner]:
    """All banners for one account."""
    return [banner for make in _banners if (banner := make(user)) is not None]
