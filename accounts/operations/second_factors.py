"""Switching second factors on and off, and recovery codes."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices, policy, security_keys, totp, verification, webauthn
from accounts.events import (
    APP_ADDED,
    APP_REFUSED,
    APP_REMOVED,
    KEY_ADDED,
    KEY_REFUSED,
    KEY_REMOVED,
    PASSKEY_ADDED,
    PASSKEY_REMOVED,
    RECOVERY_CODES_CONFIRMED,
    RECOVERY_CODES_CREATED,
    SECOND_FACTOR_RENAMED,
    SECOND_FACTORS_RESET,
)
from accounts.models import (
    SECOND_FACTORS,
    AuthenticatorApp,
    RecoveryCase,
    RecoveryCode,
    RecoveryCodeSet,
    SecondFactor,
    SecurityKey,
    User,
)
from accounts.operations import sessions
from accounts.permissions import lock_own_account
from audit import keyring
from audit.actors import Actor
from audit.failures import record_failure
from audit.log import record

RECOVERY_CODE_COUNT = 8
_OFFER_LASTS = timedelta(minutes=30)


def wrap_secret(user: User, secret: bytes) -> str:
    """An app's secret as it is stored, bound to its account."""
    return keyring.wrap(verification.TOTP_SECRETS, secret, context=f"user:{user.pk}")


def unwrap_secret(app: AuthenticatorApp) -> bytes:
    """The secret of an app."""
    return keyring.unwrap(verification.TOTP_SECRETS, app.secret, context=f"user:{app.user_id}")


def offered_app(user: User, *, session: str) -> AuthenticatorApp:
    """The app that is being set up: one for each user, its secret stays the same for a while.

    So going back or loading the page again does not spoil a QR code that was scanned. Another
    session is offered another secret: whoever knew the password may have looked at this one.

    Args:
        session: the digest of the key of the session that sees it.
    """
    offers = AuthenticatorApp.objects.filter(user=user, confirmed=False)
    offers.filter(created_at__lt=timezone.now() - _OFFER_LASTS).delete()
    offers.exclude(offered_to=session).delete()
    app = offers.first()
    if app is not None:
        return app
    secret = wrap_secret(user, totp.new_secret())
    try:
        with transaction.atomic():
            return AuthenticatorApp.objects.create(
                user=user, name="", confirmed=False, secret=secret, offered_to=session
            )
    except IntegrityError as error:  # another tab was quicker
        app = offers.filter(offered_to=session).first()
        if app is None:
            raise PermissionDenied("Another session sets an app up now.") from error
        return app


def require_setup_code(secret: bytes, code: str) -> int:
    """The time step of a right code for a secret that is not in use yet.

    Raises:
        ValidationError: if it is wrong; says so if a clock seems to be off (by up to 10 minutes).
    """
    now = time.time()
    digits = totp.normalize_code(code)
    step = totp.matching_step(secret, digits, now=now, after=-1) if digits else None
    if step is not None:
        return step
    drift = totp.clock_drift(secret, digits, now=now) if digits else None
    if drift is not None:
        raise ValidationError(
            _(
                "This code is right for a clock that is %(seconds)d seconds off. Set the clock of "
                "your device, or have it set itself, and type a new code."
            )
            % {"seconds": abs(drift)},
            code="drift",
        )
    raise ValidationError(
        _("This code is wrong. Type the six digits that the app shows for this site now."),
        code="wrong",
    )


def store_first_app(user: User, *, secret: bytes, step: int) -> AuthenticatorApp:
    """Store a confirmed app for an account that is being made in this transaction."""
    return AuthenticatorApp.objects.create(
        user=user,
        name="authenticator",
        confirmed=True,
        secret=wrap_secret(user, secret),
        last_step=step,
        last_used_at=timezone.now(),
    )


def add_app(
    app: AuthenticatorApp, *, label: str, code: str, keep_session: str | None, by: Actor
) -> None:
    """Confirm the offered app with a code, which this spends. Ends the user's other sessions.

    Of any number of requests that bring the same code at once, one succeeds.

    Raises:
        ValidationError: if the code is wrong or was spent, or the label is taken.
        LimitReached: after too many wrong codes.
    """
    user = app.user
    attempt = verification.take_factor_attempt(user, by=by)
    try:
        step = require_setup_code(unwrap_secret(app), code)
    except ValidationError:
        record_failure(APP_REFUSED, by=by, about=[user])
        raise
    with transaction.atomic():
        lock_own_account(user.pk, by=by)
        require_free_label(user, label)
        offer = AuthenticatorApp.objects.filter(pk=app.pk, confirmed=False, last_step__lt=step)
        now = timezone.now()
        if not offer.update(
            confirmed=True, name=label, last_step=step, created_at=now, last_used_at=now
        ):
            raise ValidationError(_("This code was used before."), code="spent")
        app.refresh_from_db()
        _tell_added(app, keep_session=keep_session, by=by)
    attempt.succeed()


def add_key(
    user: User, *, label: str, answer: str, as_passkey: bool, session: str | None, by: Actor
) -> SecurityKey:
    """Store the key that a browser has made. Ends the user's other sessions.

    Args:
        answer: what the browser returned, as JSON.
        as_passkey: whether it may sign in alone.
        session: the key of the session that asked for it, which goes on.

    Raises:
        ValidationError: if the answer is not accepted, the key is known, or the label is taken.
        LimitReached: after too many answers that were not accepted.
    """
    attempt = verification.take_factor_attempt(user, by=by)
    try:
        made = security_keys.check_made(user, answer, session=session, as_passkey=as_passkey)
        if as_passkey and made.is_discoverable is False:
            raise ValueError("it cannot be found without its id")
    except ValueError as error:
        record_failure(KEY_REFUSED, by=by, about=[user], reason="the answer was not accepted")
        raise ValidationError(
            _("This was not accepted, or took longer than five minutes. Try again."), code="answer"
        ) from error
    with transaction.atomic():
        lock_own_account(user.pk, by=by)
        require_free_label(user, label)
        key = _store_key(user, made, label=label, as_passkey=as_passkey)
        _tell_added(key, keep_session=session, by=by)
    attempt.succeed()
    return key


def _store_key(user: User, made: webauthn.NewKey, *, label: str, as_passkey: bool) -> SecurityKey:
    try:
        with transaction.atomic():
            return SecurityKey.objects.create(
                user=user,
                name=label,
                credential_id=webauthn.text_of(made.credential_id),
                public_key=made.public_key,
                sign_count=made.sign_count,
                transports=list(made.transports),
                aaguid=made.aaguid,
                is_passkey=as_passkey,
                is_backed_up=made.is_backed_up,
                last_used_at=timezone.now(),
            )
    except IntegrityError as error:
        raise ValidationError(
            _("This key is registered on this site already."), code="known"
        ) from error


_ADDED = {"app": APP_ADDED, "key": KEY_ADDED, "passkey": PASSKEY_ADDED}
_REMOVED = {"app": APP_REMOVED, "key": KEY_REMOVED, "passkey": PASSKEY_REMOVED}


def _tell_added(factor: SecondFactor, *, keep_session: str | None, by: Actor) -> None:
    user = factor.user
    sessions.end_sessions(user, keep=keep_session, by=by)
    record(_ADDED[factor.kind], by=by, about=[user], label=factor.name)
    notices.send("second_factor_added", [user], by=by, label=factor.name, kind=factor.kind)


def require_free_label(user: User, label: str, *, besides: SecondFactor | None = None) -> None:
    """Refuse a label that another second factor of the account has, whatever its kind.

    Raises:
        ValidationError: if one has it.
    """
    for kind in SECOND_FACTORS:
        others = kind.objects.filter(user=user, confirmed=True, name=label)
        if isinstance(besides, kind):
            others = others.exclude(pk=besides.pk)
        if others.exists():
            raise ValidationError(
                _("You have a second factor of this name. Choose another name."), code="taken"
            )


@transaction.atomic
def rename_factor(factor: SecondFactor, *, label: str, by: Actor) -> None:
    """Give a second factor another label.

    Raises:
        ValidationError: if another second factor of the account has it.
    """
    user = lock_own_account(factor.user_id, by=by)
    require_free_label(user, label, besides=factor)
    row = type(factor).objects.filter(pk=factor.pk, confirmed=True).exclude(name=label)
    if row.update(name=label):
        record(SECOND_FACTOR_RENAMED, by=by, about=[user], former=factor.name, label=label)


@transaction.atomic
def remove_factor(factor: SecondFactor, *, keep_session: str | None, by: Actor) -> None:
    """Remove an authenticator app, a security key or a passkey. Ends the user's other sessions.

    Raises:
        PermissionDenied: if it is the last second factor of somebody who must have one.
    """
    user = lock_own_account(factor.user_id, by=by)
    is_last = user.second_factors == [factor]
    if is_last and policy.must_have_second_factor(user):
        raise PermissionDenied(
            _("Your account must have a second factor. Add another one before you remove this one.")
        )
    if not type(factor).objects.filter(pk=factor.pk, confirmed=True).delete()[0]:
        return
    if is_last:
        RecoveryCodeSet.objects.filter(user=user).delete()
    sessions.end_sessions(user, keep=keep_session, by=by)
    record(_REMOVED[factor.kind], by=by, about=[user], label=factor.name)
    notices.send("second_factor_removed", [user], by=by, label=factor.name, kind=factor.kind)


@transaction.atomic
def create_recovery_codes(user: User, *, by: Actor) -> list[str]:
    """Make 8 new codes of 64 bits; the former ones end. The caller shows them once.

    Raises:
        PermissionDenied: if the account has no second factor that they could stand in for.
    """
    lock_own_account(user.pk, by=by)
    if not user.has_second_factor:
        raise PermissionDenied(_("Recovery codes stand in for a second factor. Add one first."))
    codes = [secrets.token_hex(8) for _number in range(RECOVERY_CODE_COUNT)]
    RecoveryCodeSet.objects.filter(user=user).delete()
    code_set = RecoveryCodeSet.objects.create(user=user, name="", confirmed=False)
    RecoveryCode.objects.bulk_create(
        RecoveryCode(code_set=code_set, digest=verification.digest_recovery_code(code))
        for code in codes
    )
    record(RECOVERY_CODES_CREATED, by=by, about=[user], count=len(codes))
    notices.send("recovery_codes_created", [user], by=by)
    return ["-".join(code[place : place + 4] for place in range(0, 16, 4)) for code in codes]


@transaction.atomic
def confirm_recovery_codes(code_set: RecoveryCodeSet, *, by: Actor) -> None:
    """Note that one code of this set was typed back; `verification` has checked it.

    Args:
        code_set: as it was before the check: codes that were made since were not typed back.
    """
    unconfirmed = RecoveryCodeSet.objects.filter(pk=code_set.pk, confirmed=False)
    if unconfirmed.update(confirmed=True) == 1:
        record(RECOVERY_CODES_CONFIRMED, by=by, about=[code_set.user])


@transaction.atomic
def reset_second_factors(user: User, *, reason: str, by: Actor) -> int:
    """Take all second factors and recovery codes off an account whose owner has lost them.

    From then on its password alone signs in, until its owner adds a factor anew. All sessions end,
    and all verified addresses are told.

    Returns:
        How many factors were taken off, held ones included.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    count = 0
    for kind in SECOND_FACTORS:
        count += kind.objects.filter(user=user, confirmed=True).count()
        kind.objects.filter(user=user).delete()
    RecoveryCodeSet.objects.filter(user=user).delete()
    done = RecoveryCase.Outcome.COMPLETED  # no case outlives what it asks for
    user.recovery_cases.end(done, ended_by=by.label, reason=reason)
    sessions.end_sessions(user, keep=None, by=by)
    record(SECOND_FACTORS_RESET, by=by, about=[user], reason=reason, count=count)
    notices.send_to_all("second_factors_reset", user, by=by, reason=reason)
    return count
