"""The Django backend that takes a user name and a password, for the upload endpoint alone."""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.backends import PasswordBackend
from accounts.models import User


class PasswordBearer(User):
    """An account as its password stands for it at an upload: it opens no session."""

    class Meta:
        proxy = True

    def get_session_auth_hash(self) -> NoReturn:
        """Refuse: this is what `login()` asks for first.

        Raises:
            PermissionDenied: always.
        """
        raise PermissionDenied("An upload opens no session.")


class UploadPasswordBackend(BaseBackend):
    """Takes `upload_user=` and `upload_password=` alone, for `accounts.verification`."""

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, *, upload_user: str, upload_password: str
    ) -> Any:
        """The bearer, or None; an unknown name costs as much time as a wrong password."""
        user = PasswordBackend().authenticate(request, upload_user, upload_password)
        return None if user is None else PasswordBearer.objects.get(pk=user.pk)

    def get_user(self, user_id: Any) -> None:
        """Nobody: a session that names this backend is nobody's."""
        return
