"""Seals: an HMAC over each event and the seal before it, so that no event can be changed,
taken out or put in by someone who holds the database but not the key. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

START = "0" * 64  # the seal before the first event


@dataclass(frozen=True)
class SealedRow:
    """What the chain needs to know of a stored event.

    Attributes:
        number: its place, from 1 on, without gaps.
        content: everything that is sealed, as JSON types.
        key_id: the id of the purpose key that sealed it.
        seal: 64 hexadecimal digits.
    """

    number: int
    content: dict[str, Any]
    key_id: str
    seal: str


@dataclass(frozen=True)
class Break:
    """The first place where a chain does not hold."""

    number: int
    reason: str


def canonical(content: dict[str, Any]) -> bytes:
    """The one byte string that stands for `content`: sorted keys, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def seal(key: bytes, *, previous: str, number: int, content: dict[str, Any]) -> str:
    """The seal of event `number`, which follows the event with the seal `previous`."""
    message = f"{previous}\n{number}\n".encode() + canonical(content)
    return hmac.new(key, message, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Place:
    """An event up to which a chain holds: its number and its seal."""

    number: int = 0
    seal: str = START


def follow(
    rows: Iterable[SealedRow],
    *,
    after: Place,
    keys: Callable[[str], bytes | None],
    expected: dict[int, str] | None = None,
) -> Place | Break:
    """Check the events that follow a place; the last of them, or the first that does not hold.

    Args:
        rows: events in the order of their numbers.
        after: the place that the first of them follows.
        keys: the key of an id, or None if there is no such key.
        expected: numbers and seals kept elsewhere; what is found is taken out.
    """
    previous, number = after.seal, after.number
    kept_elsewhere = {} if expected is None else expected
    for row in rows:
        number += 1
        if row.number != number:
            return Break(number, "is missing")
        key = keys(row.key_id)
        if key is None:
            return Break(number, "was sealed with a key that this site does not have")
        right = seal(key, previous=previous, number=number, content=row.content)
        if not hmac.compare_digest(right, row.seal):
            return Break(number, "does not match its seal")
        kept = kept_elsewhere.pop(number, None)
        if kept is not None and not hmac.compare_digest(kept, row.seal):
            return Break(number, "has another seal than the one that was kept")
        previous = row.seal
    return Place(number, previous)


def find_false_end(end: Place, head: Place) -> Break | None:
    """What is wrong with the last event, if it is not the one that the chain's head names."""
    if end.number < head.number:
        return Break(end.number + 1, "is missing: the chain ends before its head")
    if end != head:
        return Break(end.number, "is not what the chain's head says is the last event")
    return None


def find_break(
    rows: Iterable[SealedRow],
    *,
    keys: Callable[[str], bytes | None],
    head_number: int,
    head_seal: str,
    expected: dict[int, str] | None = None,
) -> Break | None:
    """The first event that is not as it was sealed; None if the whole chain holds.

    Args:
        rows: all events in the order of their numbers.
        keys: the key of an id, or None if there is no such key.
        head_number: the number that the chain's head says is the last.
        head_seal: the seal that it says is the last.
        expected: numbers and seals kept elsewhere, which show that the newest events were cut off.
    """
    expected = dict(expected or {})
    end = follow(rows, after=Place(), keys=keys, expected=expected)
    if isinstance(end, Break):
        return end
    found = find_false_end(end, Place(head_number, head_seal))
    if found is not None:
        return found
    for kept_number in sorted(expected):
        return Break(kept_number, "is missing: the newest events were cut off")
    return None
