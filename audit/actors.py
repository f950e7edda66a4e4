"""Who acts, with which credential, and from where."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True)
class Actor:
    """Whoever causes a change.

    Attributes:
        kind: "user", "system", "scanner" or "anonymous".
        id: the account's UUID as text, or "" where there is none.
        label: the name that the memory keeps: a user name, "system", …
        credential: how the actor proved who it is: "session", "token", "link", "command" or "".
        credential_id: the id of the token or link, "" for others.
        credential_label: its name at the time.
        network_address: where the request came from, "" outside of requests.
        user_agent: what the client calls itself, at most 400 characters.
        device: the digest of the cookie by which a browser is known; never stored here.
        session: the digest of the key of the session that the actor acts from; never stored here.
        user: the account itself, for permission checks; never stored.
    """

    kind: str
    id: str = ""
    label: str = ""
    credential: str = ""
    credential_id: str = ""
    credential_label: str = ""
    network_address: str = ""
    user_agent: str = ""
    device: str = ""
    session: str = ""
    user: Any = None

    def as_user(self, user: Any, *, credential: str = "") -> Actor:
        """The same request, now known to be made by `user`."""
        return replace(
            self,
            kind="user",
            id=str(user.pk),
            label=user.get_username(),
            credential=credential or self.credential,
            user=user,
        )

    def with_token(self, *, token_id: str, label: str) -> Actor:
        """The same actor, having proved itself by an API token."""
        return replace(self, credential="token", credential_id=token_id, credential_label=label)


def from_request(request: HttpRequest) -> Actor:
    """The actor behind a page request: the signed-in user, or somebody unknown.

    Reads `request.user`, and with it the session: not for machine doors.
    """
    actor = from_connection(request)
    user = request.user
    if not user.is_authenticated:
        return actor
    session = digest_session(request.session.session_key or "")
    return replace(actor.as_user(user, credential="session"), session=session)


def from_connection(request: HttpRequest) -> Actor:
    """Somebody unknown at the other end of this request, without a look at the session."""
    return Actor(
        kind="anonymous",
        network_address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[:400].replace("\x00", ""),
        device=digest_device(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")),
    )


def digest_session(session_key: str) -> str:
    """What is kept of a session's key, which has 32 random characters (SHA-256)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


def digest_device(cookie: str) -> str:
    """What is kept of a device's cookie, which has 256 random bits (SHA-256); "" of none."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest() if cookie else ""


def system(label: str = "system") -> Actor:
    """Indexsite itself, in timed work."""
    return Actor(kind="system", label=label)


def command(name: str) -> Actor:
    """Whoever has a shell on the server, through the management command `name`."""
    return Actor(kind="system", label="server", credential="command", credential_label=name)


def shorten(network_address: str) -> str:
    """The /24 or /48 that an address is in, which is what repeated failures are counted by."""
    try:
        address = ipaddress.ip_address(network_address)
    except ValueError:
        return ""
    if address.version == 4:
        return f"{network_address.rpartition('.')[0]}.0/24"
    return f"{ipaddress.IPv6Address(int(address) >> 80 << 80)}/48"
