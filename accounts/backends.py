"""The backend that takes a user name and a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.http import HttpRequest

from accounts.models import User


class PasswordBackend(ModelBackend):
    """User name (whatever its case) and password, for `accounts.verification` alone.

    An unknown name costs as much time as a wrong password.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The account whose password this is, or None."""
        if username is None or password is None or kwargs or "\x00" in username + password:
            return None
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            User().set_password(password)
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None

    def _get_user_permissions(self, user_obj: Any) -> Any:
        return Permission.objects.none()
