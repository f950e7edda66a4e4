"""Security keys and passkeys: what browsers are asked, and whether their answers are accepted.

A challenge is not stored when it is made, so that asking for one leaves nothing behind: it carries
its time and a seal over what it was made for, and is spent by the one row that an answer to it may
insert.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import sessions, webauthn
from accounts.events import CONFIRM_FAILED, SIGN_IN_FAILED
from accounts.models import SecurityKey, SpentChallenge, User
from accounts.verification import take_factor_attempt, take_passkey_attempt
from audit import keyring
from audit.actors import Actor
from audit.failures import record_failure
from audit.vocabulary import EventKind

CHALLENGES = keyring.declare("webauthn challenges")
LASTS = 5 * 60  # seconds
_NONCE, _TIME, _SEAL = 16, 8, 32  # bytes

# What a challenge is made for; an answer for one purpose is none for another.
ADD, ADD_PASSKEY = "add a key", "add a passkey"
SIGN_IN, PASSKEY_SIGN_IN, CONFIRM = "sign in", "sign in with a passkey", "confirm"


def are_possible() -> bool:
    """Whether browsers use keys on this site: with TLS or on localhost, and not under a number."""
    host = settings.SITE_HOST
    is_number = ":" in host or host.replace(".", "").isdigit()
    return (settings.SITE_IS_SECURE or host == "localhost") and not is_number


def _site() -> webauthn.Site:
    return webauthn.Site(settings.SITE_NAME, settings.WEBAUTHN_RP_ID, settings.SITE_URL)


# Challenges


def _seal(head: bytes, purpose: str, user: User | None, session: str | None) -> bytes:
    whose = f"{user.pk if user else ''}|{sessions.digest(session) if session else ''}"
    return bytes.fromhex(keyring.digest(CHALLENGES, f"{purpose}|{whose}|{head.hex()}"))


def make_challenge(purpose: str, *, user: User | None = None, session: str | None = None) -> bytes:
    """A challenge that is accepted once, for five minutes, for this purpose, account and session.

    Args:
        purpose: one of the words above.
        user: the account that asks, where it is known.
        session: the key of the browser's session, where there is one.
    """
    head = secrets.token_bytes(_NONCE) + int(time.time()).to_bytes(_TIME, "big")
    return head + _seal(head, purpose, user, session)


def spend_challenge(
    challenge: bytes, purpose: str, *, user: User | None = None, session: str | None = None
) -> None:
    """Accept a challenge, once.

    Raises:
        ValueError: if it was made for something else, is too old, or was spent before.
    """
    if len(challenge) != _NONCE + _TIME + _SEAL:
        raise ValueError("not a challenge of this site")
    head, seal = challenge[: _NONCE + _TIME], challenge[_NONCE + _TIME :]
    if not hmac.compare_digest(seal, _seal(head, purpose, user, session)):
        raise ValueError("a challenge for something else")
    made_at = int.from_bytes(head[_NONCE:], "big")
    if not 0 <= time.time() - made_at < LASTS:
        raise ValueError("a challenge that is too old")
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(
                digest=hashlib.sha256(challenge).hexdigest(),
                ends_at=datetime.fromtimestamp(made_at + LASTS, UTC),
            )
    except IntegrityError as error:
        raise ValueError("a challenge that was spent before") from error


def forget_spent_challenges() -> int:
    """Delete challenges that are too old to be accepted anyway."""
    count, _rows = SpentChallenge.objects.filter(ends_at__lt=timezone.now()).delete()
    return count


# What browsers are asked


def _known(keys: Iterable[SecurityKey]) -> list[webauthn.KnownKey]:
    return [
        webauthn.KnownKey(webauthn.bytes_of(key.credential_id), tuple(key.transports))
        for key in keys
    ]


def ask_to_add(user: User, *, session: str | None, as_passkey: bool) -> dict[str, Any]:
    """What a browser is asked in order to make a key, or a passkey, for the account."""
    purpose = ADD_PASSKEY if as_passkey else ADD
    return webauthn.ask_to_make(
        _site(),
        challenge=make_challenge(purpose, user=user, session=session),
        user_handle=user.pk.bytes,
        user_name=user.username,
        known=_known(SecurityKey.objects.filter(user=user)),
        as_passkey=as_passkey,
    )


def ask_for_key(user: User, purpose: str, *, session: str | None) -> dict[str, Any]:
    """What a browser is asked in order to use one of the account's keys."""
    return webauthn.ask_to_use(
        _site(),
        challenge=make_challenge(purpose, user=user, session=session),
        allowed=_known(user.security_keys),
        as_passkey=False,
    )


def ask_for_passkey() -> dict[str, Any]:
    """What any browser is asked in order to sign in with a passkey."""
    challenge = make_challenge(PASSKEY_SIGN_IN)
    return webauthn.ask_to_use(_site(), challenge=challenge, allowed=[], as_passkey=True)


# What they answer


def check_made(
    user: User, answer: str, *, session: str | None, as_passkey: bool
) -> webauthn.NewKey:
    """The key that the browser has made for the account; spends the challenge.

    Raises:
        ValueError: if the answer is anything else.
    """
    challenge = webauthn.challenge_in(answer)
    purpose = ADD_PASSKEY if as_passkey else ADD
    spend_challenge(challenge, purpose, user=user, session=session)
    return webauthn.check_made(answer, site=_site(), challenge=challenge, as_passkey=as_passkey)


def check_key(
    user: User, answer: str, purpose: str, *, session: str | None, by: Actor
) -> SecurityKey | None:
    """The key of the account that the answer comes from, or None, which is then recorded.

    Raises:
        LimitReached: after too many failures; the answer is not looked at.
    """
    attempt = take_factor_attempt(user, by=by)
    try:
        challenge = webauthn.challenge_in(answer)
        spend_challenge(challenge, purpose, user=user, session=session)
        key = _find(user.security_keys, answer)
        _use(key, answer, challenge=challenge, as_passkey=False)
    except ValueError as error:
        kind = SIGN_IN_FAILED if purpose == SIGN_IN else CONFIRM_FAILED
        _record_refusal(kind, user, error, by=by)
        return None
    attempt.succeed()
    return key


def check_passkey(answer: str, *, by: Actor) -> SecurityKey | None:
    """The passkey that the answer comes from, whoever it is of, or None, which is then recorded.

    Raises:
        LimitReached: after too many failures; the answer is not looked at.
    """
    attempt = take_passkey_attempt(by=by)
    user = None
    try:
        challenge = webauthn.challenge_in(answer)
        spend_challenge(challenge, PASSKEY_SIGN_IN)
        passkeys = SecurityKey.objects.select_related("user").filter(
            is_passkey=True, confirmed=True, held_at=None, user__is_active=True
        )
        key = _find(passkeys.filter(credential_id=_id_in(answer)), answer)
        user = key.user
        _use(key, answer, challenge=challenge, as_passkey=True)
    except ValueError as error:
        _record_refusal(SIGN_IN_FAILED, user, error, by=by)
        return None
    attempt.succeed()
    return key


class CountWentBack(ValueError):
    """A key's count of uses is not above the last one: there may be a copy of it."""


def _id_in(answer: str) -> str:
    return webauthn.text_of(webauthn.credential_id_in(answer))


def _find(keys: Iterable[SecurityKey], answer: str) -> SecurityKey:
    wanted = _id_in(answer)
    for key in keys:
        if key.credential_id == wanted:
            return key
    raise ValueError("no key of this account")


def _use(key: SecurityKey, answer: str, *, challenge: bytes, as_passkey: bool) -> None:
    """Check the proof, and store the count that came with it: by one conditional UPDATE."""
    used = webauthn.check_used(
        answer,
        site=_site(),
        challenge=challenge,
        public_key=bytes(key.public_key),
        as_passkey=as_passkey,
    )
    if used.user_handle != key.user.pk.bytes and (as_passkey or used.user_handle):
        raise ValueError("the key was made for another account")
    counts_on = Q(sign_count__lt=used.sign_count) if used.sign_count else Q(sign_count=0)
    rows = SecurityKey.objects.filter(counts_on, pk=key.pk, confirmed=True, held_at=None)
    if not rows.update(
        sign_count=used.sign_count,
        is_backed_up=used.is_backed_up,
        last_used_at=timezone.now(),
    ):
        raise CountWentBack("the count of the key went back, or the key was removed")


def _record_refusal(kind: EventKind, user: User | None, error: ValueError, *, by: Actor) -> None:
    if isinstance(error, CountWentBack):
        reason = "the security key's count went back: there may be a copy of it"
    elif user is None:
        reason = "unknown passkey"
    else:
        reason = "wrong security key"
    fields = {"reason": reason, "name_digest": ""} if kind is SIGN_IN_FAILED else {}
    about = [user] if user else []
    record_failure(kind, by=by, about=about, distinct_by=reason, **fields)
