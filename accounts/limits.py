"""The one rate limit. Counted in the database with conditional updates; closed on failure."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import RateCount


def _span(seconds: int) -> str:
    """A time to wait, in whole minutes or hours."""
    minutes = max(1, round(seconds / 60))
    if minutes <= 90:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    hours = round(minutes / 60)
    return ngettext("%d hour", "%d hours", hours) % hours


class LimitReached(ValidationError):
    """Too many attempts.

    Attributes:
        retry_after: seconds until the next attempt is let through.
        limit: the name of the limit.
    """

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(
            _("There were too many attempts. Try again in %(time)s.")
            % {"time": _span(retry_after)},
            code="limit",
        )
        self.limit = limit
        self.retry_after = retry_after


@dataclass(frozen=True)
class Limit:
    """At most `times` attempts `per` seconds for each key, in fixed windows.

    Attributes:
        name: what pages and events call it.
        times: how many attempts a window lets through.
        per: the length of a window in seconds.
    """

    name: str
    times: int
    per: int

    @property
    def _stored_name(self) -> str:
        return f"{self.name}/{self.per}"

    def take(self, key: str) -> int:
        """Use up one attempt.

        Returns:
            The window that it was taken from.

        Raises:
            LimitReached: if none is left.
        """
        now = time.time()
        window = int(now // self.per)
        row = RateCount.objects.filter(limit=self._stored_name, key=key, window=window)
        if self._take_from(row):
            return window
        ends_at = datetime.fromtimestamp((window + 1) * self.per, UTC)
        try:
            with transaction.atomic():
                RateCount.objects.create(
                    limit=self._stored_name, key=key, window=window, ends_at=ends_at
                )
        except IntegrityError as error:  # the window is there: full, or made at this moment
            if not self._take_from(row):
                raise LimitReached(self.name, int((window + 1) * self.per - now) + 1) from error
        return window

    def _take_from(self, row: QuerySet[RateCount]) -> bool:
        return row.filter(count__lt=self.times).update(count=F("count") + 1) > 0

    def give_back(self, key: str, window: int) -> None:
        """Return an attempt that succeeded to the window it was taken from: only failures count."""
        RateCount.objects.filter(
            limit=self._stored_name, key=key, window=window, count__gt=0
        ).update(count=F("count") - 1)


def network_key(network_address: str) -> str:
    """What requests are counted by: the address, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(network_address)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # on a socket for both, all of IPv4 would be one /64
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


@dataclass(frozen=True)
class Attempt:
    """Attempts taken from several limits together, given back together."""

    taken: tuple[tuple[Limit, str, int], ...]

    def succeed(self) -> None:
        """Give all of them back."""
        for limit, key, window in self.taken:
            limit.give_back(key, window)


def take_all(*limits_and_keys: tuple[Limit, str]) -> Attempt:
    """Use up one attempt of each limit, or of none.

    Raises:
        LimitReached: if one of them has none left.
    """
    taken: list[tuple[Limit, str, int]] = []
    for limit, key in limits_and_keys:
        try:
            window = limit.take(key)
        except LimitReached:
            Attempt(tuple(taken)).succeed()
            raise
        taken.append((limit, key, window))
    return Attempt(tuple(taken))


def forget_old_counts() -> int:
    """Delete counts whose windows are over."""
    count, _rows = RateCount.objects.filter(ends_at__lt=timezone.now()).delete()
    return count


MINUTE, HOUR, DAY = 60, 3600, 86400
PASSWORD_USER = Limit("password", 10, 5 * MINUTE)
PASSWORD_NETWORK = Limit("password by network address", 10, 5 * MINUTE)
PASSWORD_SITE = Limit("password, whole site", 1000, 5 * MINUTE)
FACTOR_USER = (
    Limit("second factor", 5, 5 * MINUTE),
    Limit("second factor", 20, HOUR),
    Limit("second factor", 50, DAY),
)
FACTOR_NETWORK = (
    Limit("second factor by network address", 10, 5 * MINUTE),
    Limit("second factor by network address", 50, HOUR),
)
REGISTRATION_NETWORK = Limit("registration by network address", 10, HOUR)
VERIFICATION_MAIL = Limit("verification mail", 3, 6 * HOUR)
RESET_NETWORK = Limit("password reset by network address", 10, HOUR)
RESET_USER = Limit("password reset", 5, DAY)
IN_USE_MAIL = Limit("mail about an address in use", 3, DAY)
