"""The one rate limit. Counted in the database with conditional updates; closed on failure."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import KnownDevice, RateCount, User

SLOTS = 10  # in which the attempts of a limit's time are counted
_TURNS = 100  # to store a count that other requests change at the same time


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
    """At most `times` attempts in any `per` seconds, for each key.

    Attempts are counted in tenths of `per`, and count until the tenth that they fell into is `per`
    seconds old. So a limit lets through what it says in any stretch of that length, wherever it
    begins, and is at most a tenth stricter.

    Attributes:
        name: what pages and events call it.
        times: how many attempts are let through.
        per: in how many seconds.
    """

    name: str
    times: int
    per: int

    def take(self, key: str) -> int:
        """Use up one attempt.

        Returns:
            The tenth that it was counted in.

        Raises:
            LimitReached: if none is left.
        """
        now = time.time()
        slot = self.slot_at(now)
        for _turn in range(_TURNS):
            row = self._rows(key).first()
            slots = self.counted(row, slot)
            if sum(slots.values()) >= self.times:
                raise LimitReached(self.name, self._wait(slots, now))
            slots[str(slot)] = slots.get(str(slot), 0) + 1
            if self._store(row, key, slots):
                return slot
        raise LimitReached(self.name, 1)  # so many at once that none can be counted

    def give_back(self, key: str, slot: int) -> None:
        """Return an attempt that succeeded to where it was counted: only failures count."""
        for _turn in range(_TURNS):
            row = self._rows(key).first()
            slots = {} if row is None else dict(row.slots)
            if row is None or not slots.get(str(slot)):
                return
            slots[str(slot)] -= 1
            if self._store(row, key, slots):
                return

    def slot_at(self, now: float) -> int:
        """The tenth that a moment falls into."""
        return int(now * SLOTS // self.per)

    def _rows(self, key: str) -> QuerySet[RateCount]:
        return RateCount.objects.filter(limit=self.name, per=self.per, key=key)

    def counted(self, row: RateCount | None, slot: int) -> dict[str, int]:
        """The slots of a row that still count; those to come are of a clock that is ahead."""
        if row is None:
            return {}
        return {at: count for at, count in row.slots.items() if int(at) >= slot - SLOTS and count}

    def _wait(self, slots: dict[str, int], now: float) -> int:
        """Seconds until enough slots count no more."""
        left = sum(slots.values())
        for at in sorted(slots, key=int):
            left -= slots[at]
            if left < self.times:
                break
        return max(1, int((int(at) + SLOTS + 1) * self.per / SLOTS - now) + 1)

    def _store(self, row: RateCount | None, key: str, slots: dict[str, int]) -> bool:
        """Store the counts, unless another request has changed them since the row was read."""
        last = max((int(at) for at in slots), default=0)
        ends_at = datetime.fromtimestamp((last + SLOTS + 1) * self.per / SLOTS, UTC)
        new: dict[str, Any] = {"times": self.times, "slots": slots, "ends_at": ends_at}
        if row is not None:
            unchanged = self._rows(key).filter(version=row.version)
            return unchanged.update(version=row.version + 1, **new) == 1
        try:
            with transaction.atomic():
                RateCount.objects.create(limit=self.name, per=self.per, key=key, **new)
        except IntegrityError:
            return False
        return True


class Limits(tuple[Limit, ...]):
    """The limits of one thing over several times."""

    def take(self, key: str) -> Attempt:
        """Use up one attempt of each.

        Raises:
            LimitReached: if one of them has none left.
        """
        return take_all((self, key))

    def forget(self, key: str) -> None:
        """Begin to count anew."""
        names = [limit.name for limit in self]
        RateCount.objects.filter(limit__in=names, key=key).delete()


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


def user_key(user: User) -> str:
    """What attempts at an account are counted by."""
    return f"user:{user.pk}"


def device_key(device: KnownDevice) -> str:
    """What attempts at an account are counted by on a device that has signed in to it."""
    return f"user:{device.user_id}:device:{device.pk}"


@dataclass(frozen=True)
class Attempt:
    """Attempts taken from several limits together, given back together."""

    taken: tuple[tuple[Limit, str, int], ...]

    def succeed(self) -> None:
        """Give all of them back."""
        for limit, key, slot in self.taken:
            limit.give_back(key, slot)


def take_all(*limits_and_keys: tuple[Limit | Limits, str]) -> Attempt:
    """Use up one attempt of each limit, or of none.

    Raises:
        LimitReached: if one of them has none left.
    """
    taken: list[tuple[Limit, str, int]] = []
    for limits, key in limits_and_keys:
        for limit in limits if isinstance(limits, Limits) else (limits,):
            try:
                slot = limit.take(key)
            except LimitReached:
                Attempt(tuple(taken)).succeed()
                raise
            taken.append((limit, key, slot))
    return Attempt(tuple(taken))


def current_count(row: RateCount) -> int:
    """How many attempts of a row count now."""
    limit = Limit(row.limit, row.times, row.per)
    return sum(limit.counted(row, limit.slot_at(time.time())).values())


def forget_old_counts() -> int:
    """Delete counts that count no more."""
    count, _rows = RateCount.objects.filter(ends_at__lt=timezone.now()).delete()
    return count


MINUTE, HOUR, DAY = 60, 3600, 86400  # seconds


def _read(name: str, setting: str) -> Limits:
    return Limits(Limit(name, times, per) for times, per in settings.RATE_LIMITS[setting])


PASSWORD_USER = _read("password", "PASSWORD_USER")
PASSWORD_NETWORK = _read("password by network address", "PASSWORD_NETWORK")
PASSWORD_SITE = _read("password, whole site", "PASSWORD_SITE")
FACTOR_USER = _read("second factor", "FACTOR_USER")
FACTOR_NETWORK = _read("second factor by network address", "FACTOR_NETWORK")
FACTOR_SITE = _read("second factor, whole site", "FACTOR_SITE")
REGISTRATION_NETWORK = _read("registration by network address", "REGISTRATION_NETWORK")
REGISTRATION_FORMS = _read("registration forms by network address", "REGISTRATION_FORMS")
VERIFICATION_MAIL = _read("verification mail", "VERIFICATION_MAIL")
RESET_NETWORK = _read("password reset by network address", "RESET_NETWORK")
RESET_USER = _read("password reset", "RESET_USER")
IN_USE_MAIL = _read("mail about an address in use", "IN_USE_MAIL")
