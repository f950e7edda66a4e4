"""Authenticator apps: time-based one-time passwords (RFC 6238). Pure: no database, no clock.

The caller keeps the secret, the last spent step and the time; this room only computes. It is the
only importer of its library.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

DIGITS: Final = 6
STEP_SECONDS: Final = 30
SECRET_BYTES: Final = 20
DRIFT_STEPS: Final = 20  # 10 minutes

_ASCII_DIGITS: Final = frozenset("0123456789")


def new_secret() -> bytes:
    """Return a fresh secret of 20 random bytes, the length that RFC 4226 section 4 recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_as_text(secret: bytes) -> str:
    """Return the secret in base32, in groups of four, for typing where no camera is at hand."""
    text = _base32(secret)
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def otpauth_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the `otpauth://` URI that a QR code carries to an authenticator app.

    Apps decode the label before they split it at a colon, so percent-encoding alone does not keep
    a colon inside its part: it becomes a hyphen, in the label and in the issuer parameter alike,
    because apps compare the two.

    Args:
        secret: the shared secret, as bytes.
        account: whom the codes are for, usually the user name. Any text.
        issuer: which site asks for the codes. Any text.
    """
    issuer_part = _label_part(issuer)
    return (
        f"otpauth://totp/{issuer_part}:{_label_part(account)}"
        f"?secret={_base32(secret)}&issuer={issuer_part}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )


def normalize_code(text: str) -> str | None:
    """Return the six ASCII digits of a typed code without its white space, or None if it has not
    exactly these."""
    code = "".join(text.split())
    if len(code) != DIGITS or not _ASCII_DIGITS.issuperset(code):
        return None
    return code


def step_at(seconds: float) -> int:
    """Return the number of the time step (RFC 6238 section 4.2) at a Unix time in seconds."""
    return int(seconds // STEP_SECONDS)


def matching_step(
    secret: bytes, code: str, *, now: float, after: int, window: int = 1
) -> int | None:
    """Return the time step that the code is right for, or None.

    A step counts once (RFC 6238 section 5.2): the caller stores the answer and passes it as
    `after` the next time. When a code happens to be right for several steps the latest is
    returned, so that storing it spends them all. Every step is computed and compared in constant
    time, whichever matches.

    Args:
        secret: the shared secret, as bytes.
        code: what was typed; white space is allowed.
        now: Unix time in seconds.
        after: the last spent step. Only later steps count. -1 if none was spent.
        window: how many steps before and after the present one are accepted.
    """
    matches = _matching_steps(secret, code, around=step_at(now), reach=window)
    fresh = [step for step in matches if step > after]
    return max(fresh, default=None)


def clock_drift(secret: bytes, code: str, *, now: float) -> int | None:
    """Return how wrong the clock of the device that made this code is, to tell its user.

    Never a proof: a code that is right only here must still be refused.

    Args:
        secret: the shared secret, as bytes.
        code: what was typed; white space is allowed.
        now: Unix time in seconds.

    Returns:
        Seconds, a multiple of 30, at most 600 either way and the smallest that fits: positive
        if the device is ahead, negative if it is behind, None if no such clock made the code.
    """
    present = step_at(now)
    matches = _matching_steps(secret, code, around=present, reach=DRIFT_STEPS)
    distances = [step - present for step in matches]
    nearest = min(distances, key=abs, default=None)
    return None if nearest is None else nearest * STEP_SECONDS


def _matching_steps(secret: bytes, code: str, *, around: int, reach: int) -> list[int]:
    typed = normalize_code(code)
    if typed is None:
        return []
    generator = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - as RFC 6238 says
    matches = []
    for step in range(max(0, around - reach), around + reach + 1):
        right = generator.generate(step * STEP_SECONDS)
        if hmac.compare_digest(right, typed.encode("ascii")):
            matches.append(step)
    return matches


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def _label_part(text: str) -> str:
    return quote(text.replace(":", "-"), safe="", errors="replace")
