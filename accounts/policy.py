"""Who must have a second factor, and from when on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

_reasons: list[Callable[[User], bool]] = []


def add_reason(applies: Callable[[User], bool]) -> None:
    """Fill the socket: a reason of a higher floor why somebody counts as a publisher."""
    _reasons.append(applies)


def _required_of() -> str:
    """ "nobody", "staff", "publishers" (and staff) or "everybody"."""
    return str(settings.SECOND_FACTOR_REQUIRED)


def begins_on() -> date | None:
    """The day from which on it is required, while that is to come; until then it is asked for."""
    day: date | None = settings.SECOND_FACTOR_REQUIRED_FROM
    return day if day is not None and timezone.now().date() < day else None


def _is_meant(user: User, *, publishes: bool) -> bool:
    required = _required_of()
    if required in {"nobody", "everybody"}:
        return required == "everybody"
    return user.is_staff or (required == "publishers" and publishes)


def is_asked_for_second_factor(user: User) -> bool:
    """Whether this account must have a second factor, now or from the day on."""
    return _is_meant(user, publishes=any(applies(user) for applies in _reasons))


def must_have_second_factor(user: User) -> bool:
    """Whether this account may not be without a second factor now."""
    return begins_on() is None and is_asked_for_second_factor(user)


def lacks_second_factor(user: User) -> bool:
    """Whether this account must have a second factor now, and has none."""
    return not user.has_second_factor and must_have_second_factor(user)


def may_publish(user: User) -> bool:
    """Whether this account has the second factor that uploading, and holding a role or an API
    token, takes.
    """
    return user.has_second_factor or may_publish_without(user)


def may_publish_without(user: User) -> bool:
    """Whether this account may publish, or could, without a second factor."""
    return begins_on() is not None or not _is_meant(user, publishes=True)


def require_to_publish(user: User) -> None:
    """Stand before the making of a role or an API token.

    Raises:
        PermissionDenied: if the account lacks the second factor that this takes.
    """
    if not may_publish(user):
        raise PermissionDenied(demand(user))


def demand(user: User) -> str:
    """What somebody is told who must have a second factor, now or from the day on, and has none."""
    day = begins_on()
    if day is not None:
        return _("From %(day)s on, the account %(name)s must have a second factor.") % {
            "day": day.isoformat(),
            "name": user.username,
        }
    return _("The account %s must have a second factor. Add one first.") % user.username
