"""API tokens as DRF asks for them: `Authorization: Basic` with `__token__`, or `Bearer`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.contrib.auth import authenticate
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from audit.actors import Actor, from_connection
from audit.failures import record_failure
from tokens.credentials import TokenRefused
from tokens.events import TOKEN_REFUSED

TOKEN_USERNAME = "__token__"  # noqa: S105  (the name that stands before every token)
NO_CREDENTIALS = (
    "No API token was sent. Upload with the user name __token__ and an API token as the password."
)
NO_PASSWORDS = (
    "Passwords are not accepted for uploads here. Use the user name __token__ and an API token as "
    "the password."
)


def read_header(header: str) -> str:
    """The token text of an Authorization header.

    Raises:
        AuthenticationFailed: with a sentence, if there is none.
    """
    scheme, _space, value = header.strip().partition(" ")
    if not value:
        raise AuthenticationFailed(NO_CREDENTIALS)
    if scheme.lower() in {"bearer", "token"}:
        return value.strip()
    if scheme.lower() != "basic":
        raise AuthenticationFailed(NO_CREDENTIALS)
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise AuthenticationFailed("The Authorization header is not valid base64.") from error
    username, colon, password = pair.partition(":")
    if not colon or not password.strip():
        raise AuthenticationFailed(NO_CREDENTIALS)
    if username != TOKEN_USERNAME:
        raise AuthenticationFailed(NO_PASSWORDS)
    return password.strip()


def actor_of(request: Any, token: Any) -> Actor:
    """The actor behind a request that a token came with."""
    by = from_connection(request).as_user(token.user, credential="token")
    return by.with_token(token_id=str(token.pk), label=token.name)


def record_refusal(request: Any, refusal: TokenRefused) -> None:
    """Remember a refused token, with its owner if the bearer proved to hold it."""
    token = refusal.token
    record_failure(
        TOKEN_REFUSED,
        by=from_connection(request) if token is None else actor_of(request, token),
        about=[] if token is None else [token.user],
        distinct_by=refusal.reason,
        token_id="" if token is None else str(token.pk),
        name="" if token is None else token.name,
        reason=refusal.reason,
    )


class UploadTokenAuthentication(BaseAuthentication):
    """Finds the bearer. There is no `authenticate_header`, so failures are 403, as on PyPI."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """The bearer and the credential.

        Raises:
            AuthenticationFailed: with a sentence for the uploader.
        """
        text = read_header(request.META.get("HTTP_AUTHORIZATION", ""))
        bearer: Any = authenticate(request._request, upload_token=text)
        if bearer is None:
            refusal = request._request.token_refusal  # type: ignore[attr-defined]
            record_refusal(request._request, refusal)
            raise AuthenticationFailed(refusal.sentence)
        return bearer, bearer.credential
