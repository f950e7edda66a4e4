"""Password hashes that imported accounts bring, as Django and passlib spell them.

Each verifies a password once: the hash is then made anew, with Argon2id. None makes new hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from contextlib import suppress
from typing import Any

import bcrypt
from django.contrib.auth import hashers
from django.contrib.auth.hashers import BasePasswordHasher

from accounts.hashers import turns

_BCRYPT_TAKES = 72  # bytes; all sites that ever used it cut longer passwords off there
_MOST_BCRYPT_ROUNDS = 16  # each one more doubles the work: about 4 seconds
_MOST_ITERATIONS = 5_000_000
_MOST_MEMORY = 1024 * 1024  # KiB
_MOST_CHARACTERS = 256  # of what is stored

_B64 = r"[./A-Za-z0-9]"  # as bcrypt and passlib write it
_BCRYPT = rf"\$2[aby]\$(?P<rounds>\d\d)\${_B64}{{53}}"
_FORMS = [
    # what it looks like, and the name of the hasher to put before it
    (rf"(bcrypt\$)?{_BCRYPT}", "bcrypt$"),
    (rf"(?P<given>bcrypt_sha256\$){_BCRYPT}", ""),
    (r"(?P<given>pbkdf2_sha(1|256)\$)(?P<iterations>\d{1,7})\$[!-#%-~]+\$[A-Za-z0-9+/]+={0,2}", ""),
    (
        rf"\$bcrypt-sha256\$(v=2,t=2b,r=|2[aby],)(?P<rounds>\d\d?)\${_B64}{{22}}\${_B64}{{31}}",
        "passlib_bcrypt_sha256",
    ),
    (
        rf"\$pbkdf2(-sha256|-sha512)?\$(?P<iterations>\d{{1,7}})\${_B64}+\${_B64}+",
        "passlib_pbkdf2",
    ),
    (
        r"(argon2)?\$argon2id?\$v=19\$m=(?P<memory>\d{1,7}),t=(?P<passes>\d{1,2}),p=\d{1,2}"
        r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+",
        "argon2",
    ),
]


def read_hash(text: str) -> str:
    """A hash of another site as this one stores it.

    Raises:
        ValueError: if it is none of the known forms, or would take too long to verify.
    """
    for form, name in _FORMS:
        match = re.fullmatch(form, text, re.ASCII)
        if match:
            _require_bearable(match)
            encoded = name + text.removeprefix(name)
            _require_readable(encoded)
            return encoded
    raise ValueError("this is no password hash of a known form")


def _require_bearable(match: re.Match[str]) -> None:
    cost = {name: int(value) for name, value in match.groupdict().items() if name != "given"}
    rounds = cost.get("rounds", 4)
    iterations = cost.get("iterations", 1)
    is_bearable = (
        4 <= rounds <= _MOST_BCRYPT_ROUNDS
        and 1 <= iterations <= _MOST_ITERATIONS
        and cost.get("memory", 8) <= _MOST_MEMORY
        and cost.get("passes", 1) >= 1
    )
    if not is_bearable:
        raise ValueError("verifying this password hash would take too long, or it is malformed")


def _require_readable(encoded: str) -> None:
    if len(encoded) > _MOST_CHARACTERS:
        raise ValueError(f"this password hash is longer than {_MOST_CHARACTERS} characters")
    if not _is_readable(encoded):
        raise ValueError("this password hash is malformed: a part of it cannot be decoded")


def _is_readable(encoded: str) -> bool:
    """Whether salt and checksum are what the hasher can decode."""
    name, _dollar, rest = encoded.partition("$")
    parts = rest.split("$")
    if name == "argon2":
        memory, lanes = (int(parts[2].split(",")[at][2:]) for at in (0, 2))
        salt, checksum = (_decoded(part) for part in parts[3:])
        return lanes >= 1 and 8 * lanes <= memory and len(salt) >= 8 and len(checksum) >= 4
    if name == "passlib_pbkdf2":
        salt, checksum = (_decoded(part.replace(".", "+")) for part in parts[2:])
        return bool(salt) and len(checksum) == _CHECKSUMS[parts[0]]
    if name.startswith("pbkdf2"):
        return len(_decoded(parts[2].rstrip("="))) == _CHECKSUMS[name]
    digits = parts[-2] if name == "passlib_bcrypt_sha256" else parts[-1][:22]
    return digits[-1] in ".Oeu"  # 128 bits leave two of the last digit


_CHECKSUMS = {  # bytes
    "pbkdf2": 20,
    "pbkdf2-sha256": 32,
    "pbkdf2-sha512": 64,
    "pbkdf2_sha1": 20,
    "pbkdf2_sha256": 32,
}


def _decoded(text: str) -> bytes:
    """What unpadded base64 stands for, or nothing where it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


class _InTurn(BasePasswordHasher):
    """Waits for its turn, as all hashing does."""

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password belongs to the hash."""
        with turns, suppress(ValueError):
            return bool(super().verify(password, encoded))
        return False  # as the hash cannot be read


class BcryptHasher(_InTurn, hashers.BCryptPasswordHasher):
    """bcrypt."""

    def encode(self, password: str, salt: Any) -> str:
        """The hash, of as much of the password as bcrypt takes."""
        cut = password.encode()[:_BCRYPT_TAKES]
        return f"{self.algorithm}${bcrypt.hashpw(cut, salt).decode('ascii')}"


class BcryptSHA256Hasher(_InTurn, hashers.BCryptSHA256PasswordHasher):
    """bcrypt over SHA-256, Django's."""


class PBKDF2SHA256Hasher(_InTurn, hashers.PBKDF2PasswordHasher):
    """PBKDF2 with SHA-256, Django's."""


class PBKDF2SHA1Hasher(_InTurn, hashers.PBKDF2SHA1PasswordHasher):
    """PBKDF2 with SHA-1, Django's."""


class _Passlib(BasePasswordHasher):
    """A hash in passlib's spelling, behind the name of its hasher."""

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password belongs to the hash."""
        with turns, suppress(ValueError):
            found, expected = self._compute(password.encode(), *encoded.split("$")[1:])
            return hmac.compare_digest(found, expected)
        return False  # as the hash cannot be read

    def _compute(self, password: bytes, *parts: str) -> tuple[bytes, bytes]:
        """What this password comes to, and what it should come to."""
        raise NotImplementedError


class PasslibBcryptSHA256Hasher(_Passlib):
    """bcrypt over SHA-256, passlib's: with the salt as the key of an HMAC since version 2."""

    algorithm = "passlib_bcrypt_sha256"

    def _compute(self, password: bytes, *parts: str) -> tuple[bytes, bytes]:
        _name, settings, salt, checksum = parts
        if settings.startswith("v=2"):
            variant, rounds = "2b", settings.rpartition("=")[2]
            inner = hmac.new(salt.encode(), password, hashlib.sha256).digest()
        else:
            variant, _comma, rounds = settings.partition(",")
            inner = hashlib.sha256(password).digest()
        start = f"${variant}${int(rounds):02d}${salt}".encode()
        return bcrypt.hashpw(base64.b64encode(inner), start), start + checksum.encode()


class PasslibPBKDF2Hasher(_Passlib):
    """PBKDF2 with SHA-1, SHA-256 or SHA-512, passlib's."""

    algorithm = "passlib_pbkdf2"

    def _compute(self, password: bytes, *parts: str) -> tuple[bytes, bytes]:
        name, iterations, salt, checksum = parts
        digest = name.partition("-")[2] or "sha1"
        expected = _from_ab64(checksum)
        found = hashlib.pbkdf2_hmac(digest, password, _from_ab64(salt), int(iterations))
        return found, expected


def _from_ab64(text: str) -> bytes:
    """Base64 with a dot for the plus, and without its padding."""
    return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4))
