"""Database sessions that know their user and device, and store only a digest of the key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils import timezone

from accounts.models import UserSession
from audit.actors import digest_session

# What `login` puts into a session; this store puts some of it into columns, too
SIGNED_IN_AT = "signed_in_at"  # unix seconds
DEVICE = "device"  # the id of the known device
OPENED_FROM = "opened_from"  # network address and user agent
FACTOR_SKIPPED = "factor_skipped"  # whether a remembered device opened it without second factor

IDLE = timedelta(seconds=settings.SESSION_COOKIE_AGE)
LONGEST = timedelta(days=30)
NOTED_EVERY = timedelta(minutes=1)  # when it was last used is not written more often


def digest(session_key: str) -> str:
    """What the table keeps of a session key."""
    return digest_session(session_key)


def _end_of(created_at: datetime, now: datetime) -> datetime:
    """When a session that is used now ends: 12 hours later, and 30 days after its beginning."""
    return min(now + IDLE, created_at + LONGEST)


class SessionStore(DatabaseSessionStore):
    """Sessions in `accounts.UserSession`."""

    @classmethod
    def get_model_class(cls) -> type[Any]:
        """The table."""
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
        else:
            self._note_use(row)
        return row

    def _note_use(self, row: Any) -> None:
        """Put its end off, at most once a minute."""
        now = timezone.now()
        if now - row.last_used_at < NOTED_EVERY:
            return
        unnoted: Any = self.get_model_class().objects
        unnoted.filter(pk=row.pk, last_used_at=row.last_used_at).update(
            last_used_at=now, expire_date=_end_of(row.created_at, now)
        )

    def exists(self, session_key: str) -> bool:
        """Whether a session of that key is stored."""
        return super().exists(digest(session_key))

    def cycle_key(self) -> None:
        """Go on under a new key.

        The row is renamed, where Django would make another one: a session that was ended while
        this request was on its way must not come back.

        Raises:
            SessionInterrupted: if it was ended meanwhile.
        """
        store: Any = super()
        _data = store._session  # reading it forgets the key of a session that is over
        former = self.session_key
        if former is None:
            store.cycle_key()
            return
        key = store._get_new_session_key()
        rows = self.model.objects.filter(session_key=digest(former))
        if rows.update(session_key=digest(key)) != 1:
            raise SessionInterrupted("The session was ended before the request was answered.")
        self._session_key = key
        self.modified = True

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row for the present data; every save writes all columns."""
        session: Any = super().create_model_instance(data)
        session.session_key = digest(session.session_key)
        session.user_id = data.get(SESSION_KEY)
        session.device_id = data.get(DEVICE)
        session.network_address, session.user_agent = data.get(OPENED_FROM, ("", ""))
        if SIGNED_IN_AT in data:
            session.created_at = datetime.fromtimestamp(data[SIGNED_IN_AT], UTC)
        session.expire_date = _end_of(session.created_at, session.last_used_at)
        return session

    def delete(self, session_key: str | None = None) -> None:
        """Remove the session of that key, or this one."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest(key))
