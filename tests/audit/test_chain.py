"""Seals hold a chain together. Pure: tables of rows, no database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from audit import chain
from audit.chain import Break, SealedRow

pytestmark = pytest.mark.once
KEYS = {"k1": b"one" * 10, "k2": b"two" * 10}


def make_chain(length: int = 4) -> list[SealedRow]:
    """Rows 1 to `length`; the second half is sealed with a newer key."""
    rows: list[SealedRow] = []
    previous = chain.START
    for number in range(1, length + 1):
        content = {"fields": {"n": number}}
        key_id = "k1" if number <= length // 2 else "k2"
        seal = chain.seal(KEYS[key_id], previous=previous, number=number, content=content)
        rows.append(SealedRow(number, content, key_id, seal))
        previous = seal
    return rows


def find(rows: list[SealedRow], **options: Any) -> Break | None:
    """The break, where the head is that of a whole chain of four unless told otherwise."""
    whole = make_chain()
    options = {"head_number": 4, "head_seal": whole[-1].seal, **options}
    return chain.find_break(rows, keys=KEYS.get, **options)


def test_a_seal_is_an_hmac_over_the_former_seal_the_number_and_the_content() -> None:
    message = b"0" * 64 + b'\n1\n{"a":"\\u00e9","b":1}'
    right = hmac.new(b"key", message, hashlib.sha256).hexdigest()
    assert chain.seal(b"key", previous=chain.START, number=1, content={"b": 1, "a": "é"}) == right


def test_the_order_of_keys_does_not_matter() -> None:
    assert chain.canonical({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'


def test_a_whole_chain_holds() -> None:
    assert find(make_chain()) is None


def test_an_empty_chain_holds() -> None:
    assert find([], head_number=0, head_seal=chain.START) is None


def altered(place: int, **changes: Any) -> Callable[[list[SealedRow]], list[SealedRow]]:
    """The chain with something else in one of its rows."""
    return lambda rows: [
        replace(row, **changes) if index == place else row for index, row in enumerate(rows)
    ]


def resealed(rows: list[SealedRow]) -> list[SealedRow]:
    """The second row changed and sealed anew with a key that is not ours."""
    content = {"fields": {"n": 99}}
    seal = chain.seal(b"guessed", previous=rows[0].seal, number=2, content=content)
    return [rows[0], SealedRow(2, content, "k1", seal), *rows[2:]]


@pytest.mark.parametrize(
    ("tamper", "number", "reason"),
    [
        (altered(1, content={"fields": {"n": 0}}), 2, "does not match its seal"),
        (altered(1, seal="f" * 64), 2, "does not match its seal"),
        (altered(2, key_id="k1"), 3, "does not match its seal"),
        (altered(2, key_id="k3"), 3, "does not have"),
        (resealed, 2, "does not match its seal"),
        (lambda rows: rows[1:], 1, "is missing"),
        (lambda rows: [rows[0], *rows[2:]], 2, "is missing"),
        (lambda rows: rows[:-1], 4, "ends before its head"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], 1, "is missing"),
        (lambda rows: [rows[0], rows[0], *rows[1:]], 2, "is missing"),
        (lambda rows: [*rows, replace(rows[0], number=5)], 5, "does not match its seal"),
    ],
)
def test_the_first_row_that_does_not_hold_is_named(
    tamper: Callable[[list[SealedRow]], list[SealedRow]], number: int, reason: str
) -> None:
    found = find(tamper(make_chain()))
    assert found is not None
    assert found.number == number
    assert reason in found.reason


def test_a_head_with_another_seal_is_noticed() -> None:
    found = find(make_chain(), head_seal="f" * 64)
    assert found == Break(4, "is not what the chain's head says is the last event")


def test_rows_past_the_head_are_noticed() -> None:
    rows = make_chain()
    assert find(rows, head_number=3, head_seal=rows[2].seal) is not None


def test_newest_rows_cut_off_with_their_head_show_by_a_seal_kept_elsewhere() -> None:
    rows = make_chain()
    cut = {"head_number": 2, "head_seal": rows[1].seal}
    assert find(rows[:2], **cut) is None
    found = find(rows[:2], **cut, expected={4: rows[3].seal})
    assert found == Break(4, "is missing: the newest events were cut off")


def test_a_chain_made_anew_shows_by_a_seal_kept_elsewhere() -> None:
    found = find(make_chain(), expected={2: "e" * 64})
    assert found == Break(2, "has another seal than the one that was kept")


def test_kept_seals_that_fit_are_no_break() -> None:
    rows = make_chain()
    assert find(rows, expected={1: rows[0].seal, 4: rows[3].seal}) is None
