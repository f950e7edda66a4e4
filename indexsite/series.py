"""What is counted of events, and under which labels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from accounts.events import SIGN_IN_FAILED, SIGN_IN_SUCCEEDED
from audit.events import FAILURES_REPEATED
from audit.models import Event
from audit.vocabulary import EventKind
from indexsite.counting import Series
from projects.events import FILE_UPLOADED
from tokens.events import TOKEN_CREATED, TOKEN_REFUSED
from uploads.events import UPLOAD_REFUSED

FACTOR: Final = "second factor"
PASSKEY: Final = "passkey"
REMEMBERED: Final = "remembered device"
PASSWORD: Final = "password only"  # noqa: S105  (no password)
_METHODS = {  # of `login.complete`
    "an authenticator app": FACTOR,
    "a security key": FACTOR,
    "a recovery code": FACTOR,
    "the set-up link": FACTOR,
    "a passkey": PASSKEY,
    "a password, on a remembered device": REMEMBERED,
}
ONE: Final = "one project"
SEVERAL: Final = "several projects"
ALL: Final = "all projects"
ENDLESS: Final = "without an end"
MONTH: Final = "ends within a month"
YEAR: Final = "ends within a year"
LATER: Final = "ends later"
_ENDS = {MONTH: timedelta(days=31), YEAR: timedelta(days=366)}
SIGN_INS: Final = "failed sign-ins"
UPLOADS: Final = "refused uploads"
TOKENS: Final = "refused API tokens"
_REFUSED = {
    SIGN_IN_FAILED.name: SIGN_INS,
    UPLOAD_REFUSED.name: UPLOADS,
    TOKEN_REFUSED.name: TOKENS,
}
REFUSED_KINDS: Final = frozenset(_REFUSED)  # what somebody is kept out by, of all that can fail
_CREDENTIALS = {"token", "password"}


def refusal_label(kind: str) -> str:
    """Which number a refusal belongs to, "" for none."""
    return _REFUSED.get(kind, "")


def _sign_in(event: Event) -> tuple[str, int]:
    return _METHODS.get(event.fields.get("method", ""), PASSWORD), 1


def _upload(event: Event) -> tuple[str, int]:
    return event.credential if event.credential in _CREDENTIALS else "other", 1


def _made(event: Event) -> tuple[str, int]:
    """By its scope, as `tokens.operations.lifecycle` words it; no project's name has a space."""
    scope = event.fields.get("scope", "")
    if scope == "all projects":
        return ALL, 1
    is_several = scope == "chosen projects" or "," in scope or "*" in scope
    return SEVERAL if is_several else ONE, 1


def _end(event: Event) -> tuple[str, int] | None:
    """By how long it can be used; older events do not say."""
    text = event.fields.get("expires_at")
    if text is None:
        return None
    if not text:
        return ENDLESS, 1
    lasts = datetime.fromisoformat(text) - event.recorded_at
    return next((label for label, longest in _ENDS.items() if lasts <= longest), LATER), 1


def _refusal(event: Event) -> tuple[str, int] | None:
    """A repeated failure counts as often as it happened beyond the first, which has its event."""
    is_repeated = event.kind == FAILURES_REPEATED.name
    label = refusal_label(event.fields["failure"] if is_repeated else event.kind)
    return (label, event.fields["count"] - 1 if is_repeated else 1) if label else None


def _of(*kinds: EventKind) -> frozenset[str]:
    return frozenset(kind.name for kind in kinds)


SERIES = [
    Series("sign-ins", _of(SIGN_IN_SUCCEEDED), _sign_in),
    Series("uploads", _of(FILE_UPLOADED), _upload),
    Series("tokens made", _of(TOKEN_CREATED), _made),
    Series("ends of tokens made", _of(TOKEN_CREATED), _end),
    Series("refusals by cause", frozenset({*_REFUSED, FAILURES_REPEATED.name}), _refusal),
]
