"""Writers on SQLite stand in line: the first to come is the first to write."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from accounts.models import SwitchState
from indexsite.sqlite import base
from indexsite.sqlite.line import _PLACE, Gate, Line
from indexsite.worker import Worker
from tests.support.clone import Database, race

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


@pytest.mark.usefixtures("committed_db")
def test_the_worker_copies_the_log_into_the_database() -> None:
    """Nobody who writes does, up to 64 MiB."""
    file, written = Path(connection.settings_dict["NAME"]), b"written a moment ago"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_autocheckpoint")
        assert cursor.fetchone() == (16_000,)
    with transaction.atomic():
        SwitchState.objects.filter(name="uploads").update(reason=written.decode())
    assert written not in file.read_bytes()
    Worker().run_once()
    assert written in file.read_bytes()


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


OTHER = """
import sys, time
from indexsite.sqlite.line import Gate
gate = Gate(sys.argv[1])
print("asks", flush=True)
assert gate.enter(30)
print("is in", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that passes a gate, and leaves when its input ends."""
    words = (sys.executable, "-c", OTHER, str(path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, cwd=settings.BASE_DIR, text=True, **pipes) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "asks\n"
            yield process
        finally:
            process.kill()


def test_a_process_waits_for_another_and_not_for_one_that_was_killed(tmp_path: Path) -> None:
    """Whoever is killed leaves, wherever it was."""
    gate = Gate(str(tmp_path / "line"))
    with another_process(tmp_path / "line") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "is in\n"
        assert not gate.enter(0.05)
        other.kill()
        assert gate.enter(30)
    gate.close()


def test_nobody_goes_through_twice_while_another_process_waits(tmp_path: Path) -> None:
    """However soon it comes again."""
    gate = Gate(str(tmp_path / "line"))
    assert gate.enter(0)
    with another_process(tmp_path / "line") as other:
        wait_until(lambda: not _can_take_place(gate))
        gate.close()
        again = Gate(str(tmp_path / "line"))
        assert not again.enter(0.05)
        assert other.stdout is not None
        assert other.stdout.readline() == "is in\n"
        assert other.stdin is not None
        other.stdin.close()
        assert again.enter(30)
        again.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_first_does_not_lock_the_site_out(committed_db: Database) -> None:
    """Such as a command of the operator, before the web server has written anything."""
    os.chown(committed_db.name, 1234, 1234)
    with transaction.atomic():
        pass
    assert os.stat(f"{committed_db.name}-line").st_uid == 1234


def _can_take_place(gate: Gate) -> bool:
    """Whether nobody waits at the gate; whoever asks takes no place by it."""
    free = gate._take(_PLACE, 0)
    if free:
        fcntl.lockf(gate._file, fcntl.LOCK_UN, 1, _PLACE)
    return free


# The cursor


@pytest.mark.parametrize("parameters", [["a", 2], ("a", 2), {"first": "a", "second": 2}])
@pytest.mark.django_db
def test_statements_are_converted_whatever_their_parameters_are(parameters: Any) -> None:
    places = ("%(first)s", "%(second)s") if isinstance(parameters, dict) else ("%s", "%s")
    with connection.cursor() as cursor:
        for _time in range(2):  # the second one is remembered
            cursor.execute(f"SELECT {places[0]}, {places[1]}, '100%%', '%%s'", parameters)
            assert cursor.fetchone() == ("a", 2, "100%", "%s")
        cursor.execute("SELECT '100%'")  # without parameters, nothing is converted
        assert cursor.fetchone() == ("100%",)
