"""Argon2id, a few at a time: each hash takes 100 MiB of memory."""

from __future__ import annotations

import fcntl
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

AT_A_TIME = 4  # on one machine, in however many processes


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until this process may hash: as long as it does, it holds one of a few lock files."""
    folder = settings.DATA / "hashing"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = [stack.enter_context((folder / str(n)).open("ab")) for n in range(AT_A_TIME)]
        if not any(map(_is_free, files)):
            fcntl.flock(secrets.choice(files), fcntl.LOCK_EX)
        yield


def _is_free(file: IO[bytes]) -> bool:
    """Whether nobody held this lock; now it is held until the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Turns(threading.local):
    """`with turns:` waits for one of them; a thread has one at a time."""

    def __enter__(self) -> None:
        self._mine = _turn()
        self._mine.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._mine.__exit__(*error)


turns = _Turns()


class LimitedArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's Argon2id hasher behind a queue."""

    def encode(self, password: str, salt: str) -> str:
        """The hash of a new password."""
        with turns:
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password belongs to the hash."""
        with turns:
            return bool(super().verify(password, encoded))

    def must_update(self, encoded: str) -> bool:
        """Whether to make it anew; so it is with one that cannot be read, which no password has."""
        try:
            return bool(super().must_update(encoded))
        except ValueError:
            return True
