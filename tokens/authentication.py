"""API tokens as DRF asks for them: `Authorization: Basic` with `__token__`, or `Bearer`."""

from __future__ import annotations

import base64
import re
from typing import Any

from django.contrib.auth import authenticate
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from audit.actors import Actor, from_connection
from audit.failures import record_failure
from tokens.credentials import TokenRefused
from tokens.diagnosis import QUOTES
from tokens.events import TOKEN_REFUSED
from tokens.uses import count_refusal

TOKEN_USERNAME = "__token__"  # noqa: S105  (the name that stands before every token)
NO_CREDENTIALS = (
    "No API token was sent. Upload with the user name __token__ and an API token as the password."
)
NO_PASSWORDS = (
    "Passwords are not accepted here. Use the user name __token__ and an API token as the password."
)
NO_USERNAME = "No user name was sent. Use the user name __token__ and an API token as the password."
OLD_USERNAME = (
    "The user name @token is a withdrawn spelling. Use the user name __token__ and an API token as "
    "the password, from 'pypi-' on."
)
MISSPELT_USERNAME = (
    "The user name must be exactly __token__: small letters, two underscores before and two after, "
    "without spaces or quotation marks. The API token is the password."
)
OWNER_NAME = (
    "An API token is not used with a user name or mail address of its owner. Use the user name "
    "__token__ and the API token as the password."
)
SWAPPED = (
    "The API token stands in the place of the user name. The user name is __token__, and the API "
    "token is the password."
)
_ALMOST = re.compile(r"_*token_*", re.IGNORECASE)


def read_header(header: str) -> str:
    """The token text of an Authorization header.

    Raises:
        TokenRefused: with a sentence, if there is none.
    """
    scheme, _space, value = header.strip().partition(" ")
    if not value:
        raise TokenRefused(NO_CREDENTIALS, reason="no API token was sent")
    if scheme.lower() in {"bearer", "token"}:
        return value.strip()
    if scheme.lower() != "basic":
        raise TokenRefused(NO_CREDENTIALS, reason="no API token was sent")
    try:
        username, password = read_basic(value)
    except ValueError as error:
        raise TokenRefused(
            "The Authorization header is not valid base64.", reason="no API token was sent"
        ) from error
    if not password.strip():
        is_swapped = username.strip().lstrip(QUOTES).startswith("pypi-")
        raise TokenRefused(
            SWAPPED if is_swapped else NO_CREDENTIALS, reason="no API token was sent"
        )
    if username != TOKEN_USERNAME:
        raise TokenRefused(
            _about_username(username, password.strip()), reason="its user name was not __token__"
        )
    return password.strip()


def read_basic(value: str) -> tuple[str, str]:
    """User name and password of a Basic Authorization header (RFC 7617), "" for what is not there.

    In UTF-8 or, as twine and others that are built on requests send them, in Latin-1: a no-break
    space that came along with a copied token is one byte then.

    Raises:
        ValueError: if it is not base64.
    """
    raw = base64.b64decode(value.strip(), validate=True)
    try:
        pair = raw.decode()
    except UnicodeDecodeError:
        pair = raw.decode("latin-1")
    username, _colon, password = pair.partition(":")
    return username, password


def is_about_tokens(username: str, password: str) -> bool:
    """Whether a user name and password were meant to be an API token, however misspelt."""
    return _about_username(username, password.strip()) != NO_PASSWORDS


def _about_username(username: str, password: str) -> str:
    """What to tell somebody whose user name is another one; it is never repeated."""
    plain = username.strip().strip(QUOTES).strip()
    if plain.startswith("pypi-"):
        return SWAPPED
    if not plain:
        return NO_USERNAME
    if plain.lower() == "@token":
        return OLD_USERNAME
    if _ALMOST.fullmatch(plain):
        return MISSPELT_USERNAME
    if password.lstrip(QUOTES).startswith(("pypi-", "pypi:")):
        return OWNER_NAME
    return NO_PASSWORDS


def actor_of(request: Any, token: Any) -> Actor:
    """The actor behind a request that a token came with."""
    by = from_connection(request).as_user(token.user, credential="token")
    return by.with_token(token_id=str(token.pk), label=token.name)


def record_refusal(request: Any, refusal: TokenRefused) -> None:
    """Remember a refused token, with its owner if the bearer proved to hold it."""
    token = refusal.token
    about: list[Any] = [] if token is None else [token.user, *token.projects.all()]
    if refusal.project is not None and refusal.project not in about:
        about.append(refusal.project)
    record_failure(
        TOKEN_REFUSED,
        by=from_connection(request) if token is None else actor_of(request, token),
        about=about,
        distinct_by=refusal.reason,
        token_id="" if token is None else str(token.pk),
        name="" if token is None else token.name,
        reason=refusal.reason,
    )
    if token is not None:
        count_refusal(token, refusal.reason)


class UploadTokenAuthentication(BaseAuthentication):
    """Finds the bearer. There is no `authenticate_header`, so failures are 403, as on PyPI."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """The bearer and the credential.

        Raises:
            AuthenticationFailed: with a sentence for the uploader.
        """
        try:
            text = read_header(request.META.get("HTTP_AUTHORIZATION", ""))
        except TokenRefused as unreadable:
            raise self._refused(request, unreadable) from unreadable
        bearer: Any = authenticate(request._request, upload_token=text)
        if bearer is None:
            raise self._refused(request, request._request.token_refusal)  # type: ignore[attr-defined]
        return bearer, bearer.credential

    def _refused(self, request: Request, refusal: TokenRefused) -> AuthenticationFailed:
        record_refusal(request._request, refusal)
        return AuthenticationFailed(refusal.sentence)
