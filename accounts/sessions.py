"""Database sessions that know their user and store only a digest of the key."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone

SIGNED_IN_AT = "signed_in_at"  # unix seconds


def digest(session_key: str) -> str:
    """What the table keeps of a session key (SHA-256; the key itself has 32 random characters)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseSessionStore):
    """Sessions in `accounts.UserSession`."""

    @classmethod
    def get_model_class(cls) -> type[Any]:
        """The table."""
        from accounts.models import UserSession

        return UserSession

    def _get_session_from_db(self) -> Any:
        key = self.session_key
        row = None
        if key is not None:
            row = self.model.objects.filter(
                session_key=digest(key), expire_date__gt=timezone.now()
            ).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        """Whether a session of that key is stored."""
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row for the present data."""
        session: Any = super().create_model_instance(data)
        session.session_key = digest(session.session_key)
        session.user_id = data.get(SESSION_KEY)
        if SIGNED_IN_AT in data:  # every save writes all columns
            session.created_at = datetime.fromtimestamp(data[SIGNED_IN_AT], UTC)
        return session

    def delete(self, session_key: str | None = None) -> None:
        """Remove the session of that key, or this one."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest(key))
