"""Sockets around the closing of an account: what forbids it, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from accounts.models import User
from audit.actors import Actor


@dataclass(frozen=True)
class Obstacle:
    """Why an account cannot be closed yet.

    Attributes:
        sentence: the reason, and what to do about it.
        url: where that is done.
        action: what the link says.
    """

    sentence: str
    url: str
    action: str


Record = Callable[[], object]


class Farewell(Protocol):
    """Ends what a higher floor holds for an account.

    It changes rows now, and returns what is to be recorded once all rows are changed: whoever
    records holds the chain's head, and may not wait for another row after that.
    """

    def __call__(self, user: User, *, by: Actor) -> list[Record]:
        """Change, and return what records it."""


_guards: list[Callable[[User], list[Obstacle]]] = []
_farewells: list[Farewell] = []


def add_guard(find: Callable[[User], list[Obstacle]]) -> None:
    """Fill the socket of obstacles; they are asked within a transaction, and may lock rows."""
    _guards.append(find)


def add_farewell(end: Farewell) -> None:
    """Fill the socket of what goes with an account."""
    _farewells.append(end)


def obstacles(user: User) -> list[Obstacle]:
    """Everything that forbids to close the account now."""
    return [obstacle for find in _guards for obstacle in find(user)]


def farewells() -> tuple[Farewell, ...]:
    """All that goes with an account."""
    return tuple(_farewells)
