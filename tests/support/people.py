"""The cast: alice (owner), bob (maintainer), mallory (a stranger), sam (staff).

They are made from rows, at rest: no event tells of them and no mail is queued for them.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, Group
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import login, verification
from accounts.models import (
    ADMINISTRATOR,
    AuthenticatorApp,
    EmailAddress,
    RecoveryCode,
    RecoveryCodeSet,
    User,
)
from accounts.operations import second_factors
from accounts.sessions import SessionStore
from audit.actors import Actor

STEP = 30  # seconds
NETWORK_ADDRESS = "192.0.2.17"


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and everything that they know and hold.

    Attributes:
        user: the account as it was when it was made.
        password: in clear.
        secret: of the authenticator app, 20 bytes.
        recovery_codes: as they were shown, all unused.
    """

    user: User
    password: str
    secret: bytes
    recovery_codes: tuple[str, ...]

    @property
    def username(self) -> str:
        """The user name."""
        return self.user.username

    @property
    def email(self) -> str:
        """The primary mail address, which is verified."""
        return f"{self.username}@example.org"

    @property
    def app(self) -> AuthenticatorApp:
        """The authenticator app, read from the database."""
        app: AuthenticatorApp = AuthenticatorApp.objects.get(user=self.user, name="phone")
        return app

    @property
    def actor(self) -> Actor:
        """Who acts when this person uses a browser."""
        here = Actor(kind="anonymous", network_address=NETWORK_ADDRESS, user_agent="A Browser/1")
        return here.as_user(self.fresh_user, credential="session")

    @property
    def fresh_user(self) -> User:
        """The account as it is in the database now."""
        return User.objects.get(pk=self.user.pk)


def make_person(username: str, *, is_administrator: bool = False, group: str = "") -> Person:
    """The account of that name, with a verified address and a confirmed second factor.

    What a person knows follows from the name, so a person who is there already is found again and
    known as well as before: servers of several tests may share a database.

    Args:
        group: a staff group to be in; "" for people who are not staff.
    """
    group = ADMINISTRATOR if is_administrator else group
    digest = hashlib.sha256(username.encode()).hexdigest()
    password = f"a long password of {username} {digest[:6]}"
    secret = bytes.fromhex(digest)[:20]
    codes = tuple(f"{digest[:4]}-{digest[4:8]}-{digest[8:12]}-{number:04x}" for number in range(8))
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create(
            username=username, password=make_password(password), is_staff=bool(group)
        )
        EmailAddress.objects.create(
            user=user,
            address=f"{username}@example.org",
            is_primary=True,
            verified_at=timezone.now(),
        )
        _equip(user, secret, codes)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return Person(user, password, secret, codes)


def _equip(user: User, secret: bytes, codes: tuple[str, ...]) -> None:
    AuthenticatorApp.objects.create(
        user=user, name="phone", confirmed=True, secret=second_factors.wrap_secret(user, secret)
    )
    code_set = RecoveryCodeSet.objects.create(user=user, name="", confirmed=True)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(code_set=code_set, digest=verification.digest_recovery_code(code))
        for code in codes
    )


def totp(secret: bytes, step: int) -> str:
    """The code of one time step (RFC 6238), computed apart from the code under test."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def code_for(person: Person) -> str:
    """A code of the person's app that was not spent and is accepted now.

    The present step's, or the next one's, which is accepted too. Once both are spent, the app
    forgets the present step, because no test should wait for half a minute; so ask for the code
    before the row of the app is read.
    """
    now = int(time.time() // STEP)
    app = person.app
    for step in (now, now + 1):
        if app.last_step < step:
            return totp(person.secret, step)
    AuthenticatorApp.objects.filter(pk=app.pk).update(last_step=now - 1)
    return totp(person.secret, now)


def sign_in(client: Client, person: Person) -> None:
    """Give the client a session, verified by the person's app and in sudo mode."""
    request: Any = RequestFactory().post("/account/sign-in/", REMOTE_ADDR=NETWORK_ADDRESS)
    request.session, request.user = SessionStore(), AnonymousUser()
    user = person.fresh_user
    device = user.second_factors[0] if user.second_factors else None
    login.complete(request, user, method="an authenticator app", device=device)
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key


Browser = Callable[..., Client]


@pytest.fixture
def browser() -> Browser:
    """Browsers: `browser(alice)` is signed in, `browser()` is nobody's."""

    def open_browser(person: Person | None = None) -> Client:
        client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", REMOTE_ADDR=NETWORK_ADDRESS)
        if person is not None:
            sign_in(client, person)
        return client

    return open_browser


@pytest.fixture
def _database(request: pytest.FixtureRequest) -> None:
    """The database that the test asked for; a rolled-back transaction if it asked for none."""
    for fixture in ("committed_db", "site", "fresh_site"):
        if fixture in request.fixturenames:
            request.getfixturevalue(fixture)
            break
    else:
        request.getfixturevalue("db")


@pytest.fixture
def alice(_database: None) -> Person:
    """Owns projects."""
    return make_person("alice")


@pytest.fixture
def bob(_database: None) -> Person:
    """Maintains projects."""
    return make_person("bob")


@pytest.fixture
def mallory(_database: None) -> Person:
    """Has an account and no business here."""
    return make_person("mallory")


@pytest.fixture
def sam(_database: None) -> Person:
    """Administers the site."""
    return make_person("sam", is_administrator=True)
