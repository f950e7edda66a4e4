"""Completing a sign-in. The only caller of `auth.login`."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import django_otp
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth import login as open_session
from django.contrib.auth import logout as close_session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp.models import Device

from accounts import devices, notices
from accounts.events import (
    DEVICE_REMEMBERED,
    RECOVERY_CANCELLED,
    RECOVERY_CODE_USED,
    RECOVERY_CODES_CONFIRMED,
    SIGN_IN_FROM_UNKNOWN_DEVICE,
    SIGN_IN_SUCCEEDED,
    SIGNED_OUT,
)
from accounts.models import RecoveryCase, RecoveryCodeSet, UnknownSignIn, User
from accounts.sessions import DEVICE, FACTOR_SKIPPED, OPENED_FROM, SIGNED_IN_AT
from audit.actors import Actor, from_connection
from audit.log import record

PASSWORD_BACKEND = "accounts.backends.PasswordBackend"  # noqa: S105  (a dotted name)
SUDO_AT = "sudo_at"  # unix seconds, in the session
REGISTERED_JUST_NOW = timedelta(hours=1)


def open_sudo(request: HttpRequest) -> None:
    """Start sudo mode now: the person has just proved who it is."""
    request.session[SUDO_AT] = int(time.time())


@transaction.atomic
def complete(
    request: HttpRequest, user: User, *, method: str, device: Device | None, remember: bool = False
) -> None:
    """Open a signed-in session: rotate it, record it, start sudo mode.

    It is stored under the lock of the account, so whatever ends the account's sessions ends this
    one, too, or is over before it begins.

    Args:
        request: the request that brought the last proof.
        user: who proved to be this account, as the account was when it did.
        method: how, for the history: "a password", "an authenticator app", …
        device: the second factor that was verified, or None where the account has none.
        remember: whether this browser may skip the second factor for 30 days.

    Raises:
        PermissionDenied: if the account has a second factor, none was verified, and this browser
            is not remembered; or if the account was closed or deleted, got a new password or lost
            this factor meanwhile.
    """
    password_changed_at = user.password_changed_at
    present = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if present is None:
        raise PermissionDenied(_("This account was deleted meanwhile."))
    user = present
    if not user.is_active or user.password_changed_at != password_changed_at:
        raise PermissionDenied(_("The account was changed meanwhile. Sign in again."))
    if device is not None and device.user_id != user.pk:
        raise PermissionDenied("This second factor belongs to another account.")
    if device is not None and device not in _present_factors(user, device):
        raise PermissionDenied(_("This second factor was removed meanwhile. Sign in again."))
    is_skipped = user.has_second_factor and device is None
    if is_skipped and not devices.is_remembered(request, user):
        raise PermissionDenied("A second factor is needed.")
    is_first = user.last_login is None and timezone.now() - user.joined_at < REGISTERED_JUST_NOW
    by = from_connection(request).as_user(user, credential="session")
    _open_session(request, user, device, by=by)
    request.session[FACTOR_SKIPPED] = is_skipped
    if not is_skipped:
        open_sudo(request)
    remember = remember and device is not None and not isinstance(device, RecoveryCodeSet)
    known, is_known = devices.note_sign_in(request, user, remember=remember, by=by)
    request.session[DEVICE] = known.pk
    request.session.save()
    is_recovery_over = device is not None and user.recovery_cases.end(
        RecoveryCase.Outcome.CANCELLED, ended_by=user.username
    )
    label = device.name if device is not None else ""
    record(SIGN_IN_SUCCEEDED, by=by, about=[user], method=method, factor=label)
    if is_recovery_over:  # who has a factor has not lost all of them
        record(RECOVERY_CANCELLED, by=by, about=[user], means="sign-in with a second factor")
        notices.send_to_all("recovery_cancelled", user, by=by)
    if isinstance(device, RecoveryCodeSet):
        note_recovery_code(device, user, by=by)
    if remember and known.is_remembered:
        record(DEVICE_REMEMBERED, by=by, about=[user], days=devices.REMEMBERED_FOR.days)
    if not is_known and not is_first:
        _note_unknown_device(user, by=by)


def _present_factors(user: User, device: Device) -> list[Any]:
    """What the account has now of what this device is: second factors, or recovery codes."""
    return [user.recovery_codes] if isinstance(device, RecoveryCodeSet) else user.second_factors


def _open_session(request: HttpRequest, user: User, device: Device | None, *, by: Actor) -> None:
    if SESSION_KEY in request.session:  # of whomever; Django would go on with one's own
        request.session.flush()
    open_session(request, user, backend=PASSWORD_BACKEND)
    if device is not None:
        django_otp.login(request, device)
    request.session[SIGNED_IN_AT] = int(time.time())
    request.session[OPENED_FROM] = [by.network_address[:45], by.user_agent]


def _note_unknown_device(user: User, *, by: Actor) -> None:
    """Tell the owner, with a link to say that it was not them."""
    sign_in = UnknownSignIn.objects.create(
        user=user, user_agent=by.user_agent, network_address=by.network_address[:45]
    )
    record(SIGN_IN_FROM_UNKNOWN_DEVICE, by=by, about=[user])
    address = user.primary_email
    if address is not None and address.verified_at is not None:
        notices.send_to_address(
            "unknown_device", address, by=by, sign_in_id=sign_in.pk, sent_to=address.address
        )


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
    notices.send("recovery_code_used", [user], by=by, left=left)


def keep_session(request: HttpRequest) -> None:
    """Go on with this session although the password is a new one; its owner has just set it.

    Raises:
        PermissionDenied: if the account was deleted meanwhile.
    """
    user: Any = request.user
    try:
        user.refresh_from_db(fields=["password", "password_changed_at"])
    except User.DoesNotExist as error:
        raise PermissionDenied(_("This account was deleted meanwhile.")) from error
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()


def verify_session(request: HttpRequest, device: Device) -> None:
    """Let this session count as verified by a factor that it has just set up."""
    if device.user_id != request.user.pk:
        raise PermissionDenied("This second factor belongs to another account.")
    request.session.cycle_key()
    django_otp.login(request, device)
    request.session[FACTOR_SKIPPED] = False


@transaction.atomic
def sign_out(request: HttpRequest, *, by: Actor) -> None:
    """End this session."""
    user: Any = request.user
    actor = by.as_user(user, credential="session") if user.is_authenticated else None
    close_session(request)  # before the event: no row may be locked after the end of the memory
    if actor is not None:
        record(SIGNED_OUT, by=actor, about=[user])
