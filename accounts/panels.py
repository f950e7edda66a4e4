"""A socket: sentences that higher floors add to the security page."""

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
