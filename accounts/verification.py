"""Every guessable secret is checked here: limited, replay-proof, compared in constant time, and
with each failure recorded.
"""

from __future__ import annotations

import time

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils import timezone

from accounts import devices, limits, totp
from accounts.events import (
    CONFIRM_FAILED,
    LIMIT_REACHED,
    RECOVERY_CODE_NOT_CONFIRMED,
    SIGN_IN_FAILED,
)
from accounts.limits import Attempt, LimitReached, Limits
from accounts.models import AuthenticatorApp, KnownDevice, RecoveryCode, RecoveryCodeSet, User
from audit import keyring
from audit.actors import Actor
from audit.failures import record_failure

RECOVERY_CODES = keyring.declare("recovery codes")
TOTP_SECRETS = keyring.declare("authenticator app secrets")
OFFERED_SECRETS = keyring.declare("offered secrets")


def check_password(username: str, password: str, *, by: Actor) -> User | None:
    """The account whose name and password these are, or None, which is then recorded.

    Raises:
        LimitReached: after too many failures; the password is not looked at.
    """
    attempt = _take_password_attempt(username, by=by)
    user = authenticate(username=username, password=password)
    if isinstance(user, User):
        attempt.succeed()
        return user
    known = _find_user(username)
    record_failure(
        SIGN_IN_FAILED,
        by=by,
        about=[known] if known else [],
        distinct_by="password",
        reason="wrong password" if known else "unknown user name",
        name_digest="" if known else keyring.digest(keyring.NAMES, username.lower())[:16],
    )
    return None


def confirm_password(user: User, password: str, *, by: Actor) -> bool:
    """Whether this is the password of a user who is signed in. A failure is recorded.

    Raises:
        LimitReached: after too many failures; the password is not looked at.
    """
    attempt = _take_password_attempt(user.username, by=by)
    if authenticate(username=user.username, password=password) == user:
        attempt.succeed()
        return True
    record_failure(CONFIRM_FAILED, by=by, about=[user])
    return False


def _find_user(username: str) -> User | None:
    return User.objects.filter(username_key=username.lower().replace("\x00", "")).first()


def _take_password_attempt(username: str, *, by: Actor) -> Attempt:
    user = _find_user(username)
    # People type their password into the field of the name: an unknown one is kept as a digest
    digest = keyring.digest(keyring.NAMES, username.lower())
    return _take(
        by,
        user,
        devices.find(user, by),
        limits.PASSWORD_USER,
        (limits.PASSWORD_NETWORK, limits.network_key(by.network_address)),
        (limits.PASSWORD_SITE, "site"),
        (limits.PASSWORD_USER, limits.user_key(user) if user else f"name:{digest}"),
    )


def take_factor_attempt(user: User, *, by: Actor) -> Attempt:
    """Use up one of the user's attempts at a second factor.

    Raises:
        LimitReached: if none is left.
    """
    return _take(
        by,
        user,
        devices.find(user, by),
        limits.FACTOR_USER,
        (limits.FACTOR_NETWORK, limits.network_key(by.network_address)),
        (limits.FACTOR_SITE, "site"),
        (limits.FACTOR_USER, limits.user_key(user)),
    )


def take_passkey_attempt(*, by: Actor) -> Attempt:
    """Use up one of the attempts to sign in with a passkey, which says of itself whose it is.

    Raises:
        LimitReached: if none is left.
    """
    return _take(
        by,
        None,
        devices.find_of_anybody(by),
        limits.FACTOR_USER,
        (limits.FACTOR_NETWORK, limits.network_key(by.network_address)),
        (limits.FACTOR_SITE, "site"),
    )


def _take(
    by: Actor,
    user: User | None,
    device: KnownDevice | None,
    of_device: Limits,
    *of_others: tuple[Limits, str],
) -> Attempt:
    """Use up an attempt of a device that has signed in before, or one of all others.

    What others do, at this account, from this address or to the whole site, does not stop a known
    device: its attempts are counted apart.
    """
    try:
        if device is not None:
            return of_device.take(limits.device_key(device))
        return limits.take_all(*of_others)
    except LimitReached as reached:
        record_failure(
            LIMIT_REACHED,
            by=by,
            about=[user] if user else [],
            distinct_by=reached.limit,
            limit=reached.limit,
        )
        raise


def check_code(
    app: AuthenticatorApp,
    text: str,
    *,
    by: Actor,
) -> bool:
    """Whether `text` is a code of the app that was not spent before; spends it.

    A code is spent by one conditional UPDATE, so of any number of requests that bring the same
    code at once, one succeeds (RFC 6238 §5.2).

    Raises:
        LimitReached: after too many failures; the code is not looked at.
    """
    attempt = take_factor_attempt(app.user, by=by)
    if _spend_code(app, text):
        attempt.succeed()
        return True
    record_failure(
        SIGN_IN_FAILED,
        by=by,
        about=[app.user],
        distinct_by="code",
        reason="wrong code",
        name_digest="",
    )
    return False


def confirm_code(user: User, text: str, *, by: Actor) -> AuthenticatorApp | None:
    """The app of a user who is signed in that this is a code of; spends it, or records a failure.

    Raises:
        LimitReached: after too many failures; the code is not looked at.
    """
    attempt = take_factor_attempt(user, by=by)
    app = next((app for app in user.authenticator_apps if _spend_code(app, text)), None)
    _conclude(attempt, user, is_right=app is not None, by=by)
    return app


def confirm_recovery_code(user: User, text: str, *, by: Actor) -> bool:
    """Whether this is an unused recovery code of a user who is signed in; uses it up, or records a
    failure.

    Raises:
        LimitReached: after too many failures; the code is not looked at.
    """
    attempt = take_factor_attempt(user, by=by)
    is_right = _spend_recovery_code(user, text)
    _conclude(attempt, user, is_right=is_right, by=by)
    return is_right


def _conclude(attempt: Attempt, user: User, *, is_right: bool, by: Actor) -> None:
    if is_right:
        attempt.succeed()
    else:
        record_failure(CONFIRM_FAILED, by=by, about=[user])


def _spend_code(app: AuthenticatorApp, text: str) -> bool:
    code = totp.normalize_code(text)
    if code is None:
        return False
    secret = keyring.unwrap(TOTP_SECRETS, app.secret, context=f"user:{app.user_id}")
    step = totp.matching_step(secret, code, now=time.time(), after=app.last_step)
    return step is not None and _spend_step(app, step)


def _spend_step(app: AuthenticatorApp, step: int) -> bool:
    rows = AuthenticatorApp.objects.filter(pk=app.pk, last_step__lt=step)
    return rows.update(last_step=step, last_used_at=timezone.now()) == 1


def digest_recovery_code(text: str) -> str:
    """What is stored of a recovery code; white space, dashes and case do not matter."""
    plain = "".join(text.split()).replace("-", "").lower()
    return keyring.digest(RECOVERY_CODES, plain[:100])


def check_recovery_code(user: User, text: str, *, by: Actor, spend: bool) -> bool:
    """Whether `text` is an unused recovery code of the user; uses it up if `spend`.

    Raises:
        LimitReached: after too many failures; the code is not looked at.
    """
    attempt = take_factor_attempt(user, by=by)
    found = _spend_recovery_code(user, text) if spend else _recovery_codes_like(user, text).exists()
    if found:
        attempt.succeed()
    elif spend:
        record_failure(
            SIGN_IN_FAILED,
            by=by,
            about=[user],
            distinct_by="recovery code",
            reason="wrong recovery code",
            name_digest="",
        )
    else:
        record_failure(RECOVERY_CODE_NOT_CONFIRMED, by=by, about=[user])
    return found


def _recovery_codes_like(user: User, text: str) -> QuerySet[RecoveryCode]:
    # By the id of the set, not by a join to its user: PostgreSQL updates the rows of a joined
    # condition without asking it again after it waited for another transaction.
    code_set = RecoveryCodeSet.objects.filter(user=user).values_list("pk", flat=True).first()
    return RecoveryCode.objects.filter(
        digest=digest_recovery_code(text), code_set_id=code_set, used_at=None
    )


def _spend_recovery_code(user: User, text: str) -> bool:
    return _recovery_codes_like(user, text).update(used_at=timezone.now()) == 1


def codes_left(user: User) -> int:
    """How many recovery codes are unused."""
    code_set = RecoveryCodeSet.objects.filter(user=user).first()
    return code_set.unused if code_set else 0


def check_upload_password(username: str, password: str, *, by: Actor) -> User | None:
    """The account whose name and password these are, for an upload; or None, which is recorded.

    It is no sign-in: what is returned opens no session. The attempts are those of signing in.

    Raises:
        LimitReached: after too many failures; the password is not looked at.
    """
    attempt = _take_password_attempt(username, by=by)
    user = authenticate(upload_user=username, upload_password=password)
    if isinstance(user, User):
        attempt.succeed()
        return user
    known = User.objects.filter(username_key=username.lower().replace("\x00", "")).first()
    record_failure(
        SIGN_IN_FAILED,
        by=by,
        about=[known] if known else [],
        distinct_by="upload password",
        reason="wrong password at an upload" if known else "unknown user name at an upload",
        name_digest="" if known else keyring.digest(keyring.NAMES, username.lower())[:16],
    )
    return None
