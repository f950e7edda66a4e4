"""The Django backend that takes an API token, for the upload endpoint and nothing else."""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import User
from tokens.credentials import TokenCredential, TokenRefused, open_token


class TokenBearer(User):
    """An account as an API token stands for it: it uploads, and opens no session."""

    credential: TokenCredential

    class Meta:
        proxy = True

    @classmethod
    def of(cls, credential: TokenCredential) -> TokenBearer:
        """The account that was read together with the token, without asking for it again."""
        user = credential.token.user
        names = [field.attname for field in cls._meta.concrete_fields]
        bearer = cls.from_db(user._state.db, names, [getattr(user, name) for name in names])
        bearer.credential = credential
        return bearer

    def get_session_auth_hash(self) -> NoReturn:
        """Refuse: this is what `login()` asks for first.

        Raises:
            PermissionDenied: always.
        """
        raise PermissionDenied("An API token opens no session.")


class UploadTokenBackend(BaseBackend):
    """Takes `upload_token=` alone, so that no sign-in form can reach it."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, upload_token: str
    ) -> Any:
        """The bearer, or None; the reason is then in `request.token_refusal`."""
        try:
            credential = open_token(upload_token, network_address=_address(request))
        except TokenRefused as refusal:
            if request is not None:
                request.token_refusal = refusal  # type: ignore[attr-defined]
            return None
        return TokenBearer.of(credential)

    def get_user(self, user_id: Any) -> None:
        """Nobody: a session that names this backend is nobody's."""
        return


def _address(request: HttpRequest | None) -> str:
    return "" if request is None else request.META.get("REMOTE_ADDR", "")
