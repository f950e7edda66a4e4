"""The two WebAuthn ceremonies: a key is registered, and a key is used. Pure: no database, no clock.

The caller keeps the keys and the challenges; this room makes what browsers are asked, and checks
what they answer. It is the only importer of its library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

LONGEST_ANSWER: Final = 20_000  # characters; an answer of today's authenticators has 2,000
LONGEST_CREDENTIAL_ID: Final = 1023  # bytes, as WebAuthn says
TIMEOUT: Final = 5 * 60  # seconds that the browser waits for the person

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """Whom keys are made for.

    Attributes:
        name: what the browser's dialogue calls the site.
        rp_id: the domain that keys are bound to.
        origin: scheme, host and port of the pages.
    """

    name: str
    rp_id: str
    origin: str


@dataclass(frozen=True)
class KnownKey:
    """A key that is registered: its id, and how the browser can reach it."""

    credential_id: bytes
    transports: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewKey:
    """A key that an authenticator has made.

    Attributes:
        credential_id: what names it.
        public_key: COSE bytes.
        sign_count: how often it was used, or 0 where the authenticator does not count.
        aaguid: the model of the authenticator, zeros where it does not say.
        transports: how browsers can reach it.
        is_discoverable: whether it was said to be found without its id; None if nothing was said.
        is_backed_up: whether it is copied to other devices.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: tuple[str, ...]
    is_discoverable: bool | None
    is_backed_up: bool


@dataclass(frozen=True)
class KeyUse:
    """A proof that a key was used.

    Attributes:
        sign_count: the authenticator's count, or 0 where it does not count.
        user_handle: the account that the key was made for, where the authenticator says so.
        is_backed_up: whether the key is copied to other devices.
    """

    sign_count: int
    user_handle: bytes | None
    is_backed_up: bool


def text_of(data: bytes) -> str:
    """Bytes as base64url without padding, which is how WebAuthn writes them in JSON."""
    return bytes_to_base64url(data)


def bytes_of(text: str) -> bytes:
    """The bytes that `text_of` wrote.

    Raises:
        ValueError: if the text is not exactly what `text_of` would write.
    """
    data = _refusing(base64url_to_bytes, text)
    if text_of(data) != text:
        raise ValueError("not written as WebAuthn writes bytes")
    return data


def ask_to_make(
    site: Site,
    *,
    challenge: bytes,
    user_handle: bytes,
    user_name: str,
    known: Iterable[KnownKey],
    as_passkey: bool,
) -> dict[str, Any]:
    """What a browser is asked to make: options for `navigator.credentials.create`, as JSON.

    Args:
        challenge: bytes that are accepted once.
        user_handle: the account's id; never a name or a mail address.
        user_name: what the authenticator lists the key under.
        known: keys of the account, whose authenticators are not asked for another one.
        as_passkey: whether it must be found without its id, and check who uses it.
    """
    selection = AuthenticatorSelectionCriteria(
        resident_key=(
            ResidentKeyRequirement.REQUIRED if as_passkey else ResidentKeyRequirement.DISCOURAGED
        ),
        user_verification=_verification(as_passkey),
    )
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        user_id=user_handle,
        user_name=user_name,
        challenge=challenge,
        timeout=TIMEOUT * 1000,
        authenticator_selection=selection,
        exclude_credentials=_descriptors(known),
    )
    return options_to_json_dict(options) | {"extensions": {"credProps": True}}


def ask_to_use(
    site: Site, *, challenge: bytes, allowed: Iterable[KnownKey], as_passkey: bool
) -> dict[str, Any]:
    """What a browser is asked to use: options for `navigator.credentials.get`, as JSON.

    Args:
        challenge: bytes that are accepted once.
        allowed: the keys that are accepted; none of them named means any passkey.
        as_passkey: whether the authenticator must check who uses it.
    """
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT * 1000,
        allow_credentials=_descriptors(allowed),
        user_verification=_verification(as_passkey),
    )
    return options_to_json_dict(options)


def challenge_in(answer: str) -> bytes:
    """The challenge that an answer of either kind was made for, not checked in any way.

    Raises:
        ValueError: if the answer holds none.
    """
    client_data = bytes_of(_parts(answer, "clientDataJSON")["clientDataJSON"])
    return _refusing(lambda: parse_client_data_json(client_data).challenge)


def credential_id_in(answer: str) -> bytes:
    """The id of the key that an answer says it comes from, not checked in any way.

    Raises:
        ValueError: if the answer names none.
    """
    _parts(answer)
    return bytes_of(json.loads(answer)["id"])


def check_made(answer: str, *, site: Site, challenge: bytes, as_passkey: bool) -> NewKey:
    """The key that an authenticator has made for this challenge.

    Raises:
        ValueError: if the answer is anything else.
    """
    _parts(answer, "clientDataJSON", "attestationObject")
    made = _refusing(
        lambda: verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=as_passkey,
        )
    )
    if made.credential_id != credential_id_in(answer):
        raise ValueError("the answer names another key than the one that was made")
    if len(made.credential_id) > LONGEST_CREDENTIAL_ID:
        raise ValueError("the id of the key is too long")
    _refusing(_usable, made.credential_public_key)
    transports = _refusing(
        lambda: parse_registration_credential_json(answer).response.transports or []
    )
    return NewKey(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        aaguid=made.aaguid,
        transports=tuple(sorted({row.value for row in transports})),
        is_discoverable=_said_discoverable(answer),
        is_backed_up=made.credential_backed_up,
    )


def check_used(
    answer: str, *, site: Site, challenge: bytes, public_key: bytes, as_passkey: bool
) -> KeyUse:
    """The proof that the key of `public_key` was used for this challenge.

    The count is not compared here: only the database can do that once and for all.

    Raises:
        ValueError: if the answer is anything else.
    """
    _parts(answer, "clientDataJSON", "authenticatorData", "signature")
    used = _refusing(
        lambda: verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=as_passkey,
        )
    )
    parsed = _refusing(parse_authentication_credential_json, answer)
    return KeyUse(
        sign_count=used.new_sign_count,
        user_handle=parsed.response.user_handle,
        is_backed_up=used.credential_backed_up,
    )


def _refusing(function: Callable[..., T], *arguments: Any) -> T:
    """What the library returns; whatever it raises about hostile input, as a ValueError.

    It has its own exceptions, and lets those of base64, CBOR, ASN.1 and struct through as well.
    """
    try:
        return function(*arguments)
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}"[:200]) from error


def _parts(answer: str, *names: str) -> dict[str, Any]:
    """The parts of an answer's `response`, each written in the one way that is accepted.

    Raises:
        ValueError: if the answer has another form.
    """
    if len(answer) > LONGEST_ANSWER:
        raise ValueError("the answer is too long")
    whole = _refusing(json.loads, answer)
    response = whole.get("response") if isinstance(whole, dict) else None
    if not isinstance(response, dict):
        raise ValueError("the answer is not one of WebAuthn")
    parts = {name: response.get(name) for name in names}
    for text in (whole.get("id"), whole.get("rawId"), *parts.values()):
        if not isinstance(text, str) or not text:
            raise ValueError("a part of the answer is missing")
        bytes_of(text)
    return parts


def _usable(public_key: bytes) -> None:
    decoded_public_key_to_cryptography(decode_credential_public_key(public_key))


def _said_discoverable(answer: str) -> bool | None:
    said = json.loads(answer).get("clientExtensionResults")
    properties = said.get("credProps") if isinstance(said, dict) else None
    value = properties.get("rk") if isinstance(properties, dict) else None
    return value if isinstance(value, bool) else None


def _descriptors(keys: Iterable[KnownKey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id,
            transports=[AuthenticatorTransport(text) for text in key.transports] or None,
        )
        for key in keys
    ]


def _verification(as_passkey: bool) -> UserVerificationRequirement:
    if as_passkey:
        return UserVerificationRequirement.REQUIRED
    return UserVerificationRequirement.DISCOURAGED
