"""Argon2id, a few at a time: each hash takes 100 MiB of memory."""

from __future__ import annotations

import os
import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_A_TIME = 4  # on one machine
_web_workers = max(1, int(os.environ.get("WEB_WORKERS", "2") or 2))
turns = threading.BoundedSemaphore(max(1, AT_A_TIME // _web_workers))


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
