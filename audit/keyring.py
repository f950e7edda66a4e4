"""Purpose keys: one random key for each use of secrets, stored wrapped under SECRET_KEY.

A stolen database without SECRET_KEY therefore opens nothing: what is wrapped stays wrapped, and
digests cannot be computed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import uuid
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection

SEALS = "seals"  # the audit log's chain
NAMES = "names"  # digests of what strangers typed
_PURPOSES: set[str] = {SEALS, NAMES}
_cache: dict[tuple[str, str], dict[str, bytes]] = {}
_cache_lock = threading.Lock()


class WrongSecretKey(Exception):
    """No secret key of this site opens a stored key."""


def declare(purpose: str) -> str:
    """Say that an app keeps a key for `purpose`; `migrate` then makes it."""
    _PURPOSES.add(purpose)
    return purpose


def purposes() -> Iterator[str]:
    """All declared purposes, by name."""
    return iter(sorted(_PURPOSES))


def _wrapping_key(secret_key: str) -> AESGCM:
    derived = HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=b"indexsite purpose keys"
    ).derive(secret_key.encode())
    return AESGCM(derived)


def encrypt(key: bytes, secret: bytes, context: str) -> str:
    """AES-256-GCM (NIST SP 800-38D) under a 32-byte key, bound to `context`; base64 text."""
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, secret, context.encode())).decode()


def wrap_purpose_key(key: bytes, *, context: str) -> str:
    """A purpose key as it is stored: wrapped under the first SECRET_KEY."""
    nonce = secrets.token_bytes(12)
    sealed = _wrapping_key(settings.SECRET_KEY).encrypt(nonce, key, context.encode())
    return base64.b64encode(nonce + sealed).decode()


def unwrap_purpose_key(wrapped: str, *, context: str) -> bytes:
    """The purpose key that was stored.

    Raises:
        WrongSecretKey: if neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS wrapped it.
    """
    data = base64.b64decode(wrapped)
    for secret_key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return _wrapping_key(secret_key).decrypt(data[:12], data[12:], context.encode())
        except InvalidTag:
            continue
    raise WrongSecretKey(context)


def create_missing() -> None:
    """Make the keys of all declared purposes that have none. Called after every migration."""
    from audit.models import PurposeKey

    present = set(PurposeKey.objects.values_list("purpose", flat=True))
    for purpose in purposes():
        if purpose not in present:
            key_id = uuid.uuid4().hex[:12]
            wrapped = wrap_purpose_key(secrets.token_bytes(32), context=f"{purpose}:{key_id}")
            PurposeKey.objects.create(purpose=purpose, key_id=key_id, wrapped=wrapped)
    with _cache_lock:
        _cache.clear()


def _keys(purpose: str) -> dict[str, bytes]:
    """All keys of a purpose by id, newest last. Read once for each process and database."""
    place = (str(connection.settings_dict["NAME"]), purpose)
    found = _cache.get(place)
    if found:
        return found
    from audit.models import PurposeKey

    rows = PurposeKey.objects.filter(purpose=purpose).order_by("pk")
    keys = {
        row.key_id: unwrap_purpose_key(row.wrapped, context=f"{purpose}:{row.key_id}")
        for row in rows
    }
    with _cache_lock:
        _cache[place] = keys
    return keys


def current_key(purpose: str) -> tuple[str, bytes]:
    """The id and the 32 bytes of the newest key of `purpose`.

    Raises:
        LookupError: if the database has no such key, which `migrate` would have made.
    """
    keys = _keys(purpose)
    if not keys:
        raise LookupError(f"There is no key for {purpose}. Run the migrations.")
    key_id = next(reversed(keys))
    return key_id, keys[key_id]


def find_key(purpose: str, key_id: str) -> bytes | None:
    """The key of that id, or None."""
    return _keys(purpose).get(key_id)


def digest(purpose: str, text: str) -> str:
    """A keyed digest (HMAC-SHA256, 64 hexadecimal digits) of a secret that is only compared."""
    _key_id, key = current_key(purpose)
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def wrap(purpose: str, secret: bytes, *, context: str) -> str:
    """A secret as it may be stored, bound to `context` (the id of its row): `key id:base64`."""
    key_id, key = current_key(purpose)
    return f"{key_id}:{encrypt(key, secret, context)}"


def unwrap(purpose: str, wrapped: str, *, context: str) -> bytes:
    """The secret that `wrap` was given.

    Raises:
        ValueError: if the text was made for another context, with another key, or is damaged.
    """
    key_id, _colon, text = wrapped.partition(":")
    key = find_key(purpose, key_id)
    if key is None:
        raise ValueError("wrapped with a key that this site does not have")
    try:
        data = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(data[:12], data[12:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise ValueError("wrapped for another place, or damaged") from error


def rotate() -> int:
    """Wrap all purpose keys anew under SECRET_KEY, whichever key wrapped them; their number."""
    from audit.models import PurposeKey

    rows = list(PurposeKey.objects.select_for_update())
    for row in rows:
        context = f"{row.purpose}:{row.key_id}"
        key = unwrap_purpose_key(row.wrapped, context=context)
        row.wrapped = wrap_purpose_key(key, context=context)
        row.save(update_fields=["wrapped"])
    return len(rows)
