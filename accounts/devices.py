"""Known devices: browsers that have signed in before, by a cookie of which a digest is kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import KnownDevice, User
from audit.actors import Actor, digest_device, from_connection

COOKIE_LASTS = timedelta(days=365)
REMEMBERED_FOR = timedelta(days=30)
MOST = 50  # of one account: a browser that keeps no cookies is a new device each time
_COOKIE = "device_cookie"  # on the request, until its answer takes it along


def find(user: User | None, by: Actor) -> KnownDevice | None:
    """The device that this request comes from, if the account was signed in to on it before."""
    if user is None or not by.device:
        return None
    return KnownDevice.objects.filter(user=user, digest=by.device).first()


def find_of_anybody(by: Actor) -> KnownDevice | None:
    """The device that this request comes from, if any account was signed in to on it before."""
    return KnownDevice.objects.filter(digest=by.device).first() if by.device else None


def is_remembered(request: HttpRequest, user: User) -> bool:
    """Whether this browser was chosen to sign this account in without second factor, now."""
    device = find(user, from_connection(request))
    return device is not None and device.is_remembered and not user.is_staff


def note_sign_in(
    request: HttpRequest, user: User, *, remember: bool, by: Actor
) -> tuple[KnownDevice, bool]:
    """Keep the device that this sign-in is from, within the transaction of the sign-in.

    A device that the account does not know gets a new cookie, whatever cookie it came with: one
    that somebody planted must not become known. Other accounts that use this browser know it by
    the new one, too.

    Args:
        remember: whether it may skip the second factor from now on; never for staff.

    Returns:
        The device, and whether it was known before.
    """
    now = timezone.now()
    remembered_until = now + REMEMBERED_FOR if remember and not user.is_staff else None
    device = find(user, by)
    is_known = device is not None
    if device is None:
        device = _welcome(request, user, now, by=by)
    else:
        put_cookie(request, request.COOKIES[settings.DEVICE_COOKIE_NAME])
    device.last_used_at = now
    device.user_agent, device.network_address = by.user_agent, by.network_address
    device.remembered_until = remembered_until or device.remembered_until
    device.save(update_fields=["last_used_at", "user_agent", "network_address", "remembered_until"])
    return device, is_known


def _welcome(request: HttpRequest, user: User, now: datetime, *, by: Actor) -> KnownDevice:
    value = secrets.token_urlsafe(32)
    put_cookie(request, value)
    if by.device:
        KnownDevice.objects.filter(digest=by.device).update(digest=digest_device(value))
    known = KnownDevice.objects.filter(user=user).order_by("-last_used_at", "-pk")
    KnownDevice.objects.filter(pk__in=list(known.values_list("pk", flat=True)[MOST - 1 :])).delete()
    return KnownDevice.objects.create(user=user, digest=digest_device(value), created_at=now)


def put_cookie(request: HttpRequest, value: str) -> None:
    """Have the answer to this request set the device's cookie."""
    setattr(request, _COOKIE, value)


def set_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie that `put_cookie` was given, if there was a sign-in."""
    value = getattr(request, _COOKIE, "")
    if value:
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            value,
            max_age=COOKIE_LASTS,
            secure=settings.SITE_IS_SECURE,
            httponly=True,
            samesite="Lax",
        )


def forget_unused() -> int:
    """Delete devices whose cookie is over."""
    before = timezone.now() - COOKIE_LASTS
    _count, rows = KnownDevice.objects.filter(last_used_at__lt=before).delete()
    return rows.get(KnownDevice._meta.label, 0)
