"""Writers on SQLite stand in line: the first to come is the first to write."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from accounts.models import SwitchState
from indexsite.sqlite import base
from indexsite.sqlite.line import Line
from tests.support.clone import race

pytestmark = pytest.mark.once


def wait_until(condition: Any) -> None:
    """Wait for another thread, which takes no more than a moment."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_turns_come_in_the_order_of_arrival() -> None:
    """Even for a thread that asks at the very moment at which another leaves."""
    line, order = Line(), []
    assert line.enter(1)

    def stand(number: int) -> None:
        assert line.enter(10)
        order.append(number)
        line.leave()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=stand, args=(number,)))
        threads[-1].start()
        wait_until(lambda number=number: len(line._waiting) == number + 1)
    line.leave()
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))
    assert line.enter(0)


def test_whoever_gives_up_holds_nobody_up() -> None:
    """The turn of one that went away is not given out."""
    line = Line()
    assert line.enter(1)
    assert not line.enter(0.01)
    line.leave()
    assert line.enter(0.01)


def test_no_two_are_served_at_once_and_none_is_forgotten() -> None:
    """Many, some of whom wait for a very short time only."""
    line, inside, most, served = Line(), 0, 0, 0

    def come(number: int) -> None:
        nonlocal inside, most, served
        for _time in range(200):
            if line.enter(10 if number % 2 else 0.0001):
                inside += 1
                most, served = max(most, inside), served + 1
                inside -= 1
                line.leave()

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == 1
    assert served >= 4 * 200
    assert line.enter(0)


def is_free() -> bool:
    """Whether nobody writes, and nobody forgot to say that it does not any more."""
    free = base._line.enter(0)
    if free:
        base._line.leave()
    return free


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("end", ["commit", "roll back", "break", "close"])
def test_the_turn_ends_with_the_transaction(end: str) -> None:
    """However it ends."""
    try:
        with transaction.atomic():
            assert not is_free()
            SwitchState.objects.filter(name="uploads").update(reason="x")
            if end == "roll back":
                transaction.set_rollback(True)
            elif end == "break":
                raise KeyError
            elif end == "close":
                connection.close()
    except (KeyError, DatabaseError):
        assert end in ("break", "close")
    assert is_free()


@pytest.mark.usefixtures("committed_db")
def test_the_turn_ends_where_the_transaction_cannot_begin() -> None:
    """Another process writes, and goes on."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    connection.ensure_connection()
    connection.connection.execute("PRAGMA busy_timeout = 10")
    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        other.close()
    assert is_free()
    with transaction.atomic():
        pass


@pytest.mark.usefixtures("committed_db")
def test_who_waits_too_long_hears_that_the_database_is_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As SQLite itself says it, so that an upload is told to try again."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    assert base._line.enter(0)
    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        base._line.leave()
    with transaction.atomic():
        pass


@pytest.mark.usefixtures("committed_db")
def test_all_writers_have_their_turn() -> None:
    """Sixteen at once, each more than once."""

    def write() -> int:
        done = 0
        for _time in range(5):
            with transaction.atomic():
                row = SwitchState.objects.get(name="uploads")
                row.banner += "x"
                row.save(update_fields=["banner"])
                done += 1
        return done

    assert race(16, write) == [5] * 16
    assert SwitchState.objects.get(name="uploads").banner == "x" * 80
    assert is_free()
