"""Completing a sign-in. The only caller of `auth.login`."""

from __future__ import annotations

import time
from typing import Any

import django_otp
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth import login as open_session
from django.contrib.auth import logout as close_session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django_otp.models import Device

from accounts.events import (
    RECOVERY_CODE_USED,
    RECOVERY_CODES_CONFIRMED,
    SIGN_IN_SUCCEEDED,
    SIGNED_OUT,
)
from accounts.models import RecoveryCodeSet, User
from accounts.notices import send
from accounts.sessions import SIGNED_IN_AT
from audit.actors import Actor, from_connection
from audit.log import record

PASSWORD_BACKEND = "accounts.backends.PasswordBackend"  # noqa: S105  (a dotted name)
SUDO_AT = "sudo_at"  # unix seconds, in the session


def open_sudo(request: HttpRequest) -> None:
    """Start sudo mode now: the person has just proved who it is."""
    request.session[SUDO_AT] = int(time.time())


@transaction.atomic
def complete(request: HttpRequest, user: User, *, method: str, device: Device | None) -> None:
    """Open a signed-in session: rotate it, record it, start sudo mode.

    Args:
        request: the request that brought the last proof.
        user: who proved to be this account.
        method: how, for the history: "a password", "an authenticator app", …
        device: the second factor that was verified, or None where the account has none.

    Raises:
        PermissionDenied: if the account has a second factor and none was verified.
    """
    if user.has_second_factor and device is None:
        raise PermissionDenied("A second factor is needed.")
    if device is not None and device.user_id != user.pk:
        raise PermissionDenied("This second factor belongs to another account.")
    open_session(request, user, backend=PASSWORD_BACKEND)
    if device is not None:
        django_otp.login(request, device)
    request.session[SIGNED_IN_AT] = int(time.time())
    open_sudo(request)
    by = from_connection(request).as_user(user, credential="session")
    label = device.name if device is not None else ""
    record(SIGN_IN_SUCCEEDED, by=by, about=[user], method=method, factor=label)
    if isinstance(device, RecoveryCodeSet):
        note_recovery_code(device, user, by=by)


@transaction.atomic
def note_recovery_code(code_set: RecoveryCodeSet, user: User, *, by: Actor) -> None:
    """Record that a recovery code was used, and tell its owner; `verification` has spent it."""
    # Who signs in with a code has kept it: that is as good as typing one back, and without it
    # django-otp would not let an unconfirmed set verify the session.
    unconfirmed = RecoveryCodeSet.objects.filter(pk=code_set.pk, confirmed=False)
    if unconfirmed.update(confirmed=True):
        record(RECOVERY_CODES_CONFIRMED, by=by, about=[user])
    left = code_set.unused
    record(RECOVERY_CODE_USED, by=by, about=[user], left=left)
    send("recovery_code_used", [user], by=by, left=left)


def keep_session(request: HttpRequest) -> None:
    """Go on with this session although the password was hashed anew.

    Whenever a password is verified, a hash with weaker parameters than today's is replaced, and a
    session is bound to the hash that it was opened under.
    """
    user: Any = request.user
    user.refresh_from_db(fields=["password"])
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


def verify_session(request: HttpRequest, device: Device) -> None:
    """Let this session count as verified by a factor that it has just set up."""
    if device.user_id != request.user.pk:
        raise PermissionDenied("This second factor belongs to another account.")
    request.session.cycle_key()
    django_otp.login(request, device)


@transaction.atomic
def sign_out(request: HttpRequest, *, by: Actor) -> None:
    """End this session."""
    user: Any = request.user
    if user.is_authenticated:
        record(SIGNED_OUT, by=by, about=[user])
    close_session(request)
