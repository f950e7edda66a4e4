"""The socket of rows on higher floors that keep, beside events, where something came from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Erase = Callable[[datetime], object]
_erasers: list[Erase] = []


def add_eraser(erase: Erase) -> None:
    """Fill the socket: how a floor forgets origins from before a moment."""
    if erase not in _erasers:
        _erasers.append(erase)


def erase_elsewhere(before: datetime) -> None:
    """Have all floors forget theirs."""
    for erase in _erasers:
        erase(before)
