"""Sockets: what higher floors add to the pages of an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User


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


_panels: list[Callable[[User], SecurityPanel]] = []


def add_security_panel(make: Callable[[User], SecurityPanel]) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _panels.append(make)


def security_panels(user: User) -> list[SecurityPanel]:
    """All sentences for one account."""
    return [make(user) for make in _panels]


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
