from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, get_hashers, make_password

from accounts import hashers
from accounts.hashers import LimitedArgon2PasswordHasher
from accounts.models import User
from tests.support.people import Person
from tests.support.server import ROOT

_PARAMETERS = """
import django
django.setup()
from django.contrib.auth.hashers import make_password
print(make_password("x").split("$")[1:4])
"""


@pytest.mark.once
def test_passwords_are_hashed_with_argon2id_at_its_full_cost() -> None:
    # In a process of its own: the tests hash at a fraction of the cost
    ended = subprocess.run(
        [sys.executable, "-c", _PARAMETERS],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "indexsite.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "['argon2id', 'v=19', 'm=102400,t=2,p=8']"


@pytest.mark.once
def test_no_other_hash_is_made_and_no_unknown_one_accepted() -> None:
    assert type(get_hashers()[0]) is LimitedArgon2PasswordHasher
    for encoded in ("md5$salt$9e107d9d372bb6826bd81d3542a419d6", "plain$$x", "", "x", "!x"):
        assert not check_password("x", encoded)


@pytest.mark.once
def test_a_hash_belongs_to_its_password() -> None:
    encoded = make_password("ferry lantern")
    assert check_password("ferry lantern", encoded)
    for wrong in ("ferry lanterN", "ferry lantern ", "", "ferry lantern\x00"):
        assert not check_password(wrong, encoded)
    assert make_password("ferry lantern") != encoded


@pytest.mark.once
def test_only_so_many_hashes_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each takes 100 MiB, and strangers decide how many are asked for
    at_once, most, lock = 0, 0, threading.Lock()

    def slow(*arguments: object) -> str:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return ""

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "encode", slow)
    monkeypatch.setattr(hashers.Argon2PasswordHasher, "verify", slow)
    hasher = LimitedArgon2PasswordHasher()
    works: list[Callable[[], object]] = [
        lambda: hasher.encode("x", "y" * 16),
        lambda: hasher.verify("x", "y"),
    ] * 6
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == hashers.AT_A_TIME


@pytest.mark.once
def test_hashes_of_other_processes_count() -> None:
    check_password("x", make_password("x"))  # the lock files are there
    paths = [settings.DATA / "hashing" / str(n) for n in range(hashers.AT_A_TIME)]
    others = [path.open("ab") for path in paths]
    for other in others:
        fcntl.flock(other, fcntl.LOCK_EX)
    hashing = threading.Thread(target=make_password, args=("ferry lantern",))
    hashing.start()
    hashing.join(timeout=0.3)
    assert hashing.is_alive()
    for other in others:
        other.close()
    hashing.join(timeout=10)
    assert not hashing.is_alive()


def test_an_unknown_name_costs_a_hash_as_well(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise the time of the answer tells which names exist
    counted: list[str] = []
    encode, verify = LimitedArgon2PasswordHasher.encode, LimitedArgon2PasswordHasher.verify

    def counting_encode(self: LimitedArgon2PasswordHasher, password: str, salt: str) -> str:
        counted.append("encode")
        return encode(self, password, salt)

    def counting_verify(self: LimitedArgon2PasswordHasher, password: str, encoded: str) -> bool:
        counted.append("verify")
        return verify(self, password, encoded)

    monkeypatch.setattr(LimitedArgon2PasswordHasher, "encode", counting_encode)
    monkeypatch.setattr(LimitedArgon2PasswordHasher, "verify", counting_verify)
    authenticate(username="alice", password="wrong")
    known = len(counted)
    counted.clear()
    authenticate(username="nobody", password="wrong")
    assert len(counted) == known == 1
    counted.clear()
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    authenticate(username="alice", password="wrong")
    assert len(counted) == 1
