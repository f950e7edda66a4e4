"""Remembered bytes stay within their room and are right with many readers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from projects.cache import Remembered


def test_bytes_are_remembered_by_key() -> None:
    store = Remembered(100)
    store.put(("foo", 1, "html"), b"one")
    assert store.get(("foo", 1, "html")) == b"one"
    assert store.get(("foo", 2, "html")) is None


def test_what_was_used_longest_ago_is_forgotten_first() -> None:
    store = Remembered(10)
    store.put("a", b"12345")
    store.put("b", b"12345")
    store.get("a")
    store.put("c", b"12345")
    assert (store.get("a"), store.get("b"), store.get("c")) == (b"12345", None, b"12345")


def test_the_room_is_counted_in_bytes() -> None:
    store = Remembered(10)
    for number in range(20):
        store.put(number, b"123")
    assert store.bytes == 9
    assert len(store) == 3


def test_a_key_that_is_put_again_is_counted_once() -> None:
    store = Remembered(10)
    store.put("a", b"12345")
    store.put("a", b"123")
    assert store.bytes == 3


def test_what_is_larger_than_all_room_pushes_nothing_out() -> None:
    store = Remembered(10)
    store.put("a", b"12345")
    store.put("b", b"12345678901")
    assert store.get("a") == b"12345"
    assert store.get("b") is None


def test_clearing_forgets_everything() -> None:
    store = Remembered(10)
    store.put("a", b"12345")
    store.clear()
    assert (store.get("a"), store.bytes, len(store)) == (None, 0, 0)


def test_many_threads_leave_the_count_of_bytes_right() -> None:
    store = Remembered(1000)

    def work(seed: int) -> None:
        for turn in range(500):
            store.put((seed * turn) % 97, b"x" * (turn % 50))
            store.get(turn % 97)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert store.bytes == sum(len(store.get(key) or b"") for key in range(97))
    assert store.bytes <= 1000
