"""Who must have a second factor."""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User

_reasons: list[Callable[[User], bool]] = []


def add_reason(applies: Callable[[User], bool]) -> None:
    """Fill the socket: a reason of a higher floor why somebody must have a second factor."""
    _reasons.append(applies)


def must_have_second_factor(user: User) -> bool:
    """Whether this account may not be without a second factor: staff, and whom a reason names."""
    return user.is_staff or any(applies(user) for applies in _reasons)
