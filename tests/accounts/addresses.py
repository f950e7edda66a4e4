"""Addresses about rows of one person, for tests that walk all addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from accounts.models import (
    AccountLink,
    BetaFeature,
    BlockedRange,
    EmailAddress,
    KnownDevice,
    ProhibitedDomain,
    RateCount,
    SecurityKey,
    SwitchState,
    UserSession,
)
from projects.models import Invitation
from tests.support.people import Person
from tokens.models import APIToken


class Named(Protocol):
    """An address of the site, and what it is called."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...


def _second_address(_alice: Person) -> object:
    return EmailAddress.objects.get(address="second@example.org").pk


def _key(alice: Person) -> object:
    return SecurityKey.objects.get(user=alice.user).pk


def _token(_alice: Person) -> object:
    return APIToken.objects.get(name="a token").pk


# Whose ids an address holds: a row of alice's. Addresses that are new here have to be added.
ROWS: dict[str, Callable[[Person], object]] = {
    "accounts:end-session": lambda alice: UserSession.objects.filter(user=alice.user)[0].pk,
    "accounts:forget-device": lambda alice: KnownDevice.objects.filter(user=alice.user)[0].pk,
    "accounts:make-primary": _second_address,
    "accounts:remove-address": _second_address,
    "accounts:remove-app": lambda alice: alice.app.pk,
    "accounts:remove-key": _key,
    "accounts:rename-app": lambda alice: alice.app.pk,
    "accounts:rename-key": _key,
    "accounts:resend-verification": _second_address,
    "admin:act-allow-domain": lambda _: ProhibitedDomain.objects.get().pk,
    "admin:act-cancel": lambda _: AccountLink.objects.get().pk,
    "admin:act-clear": lambda _: RateCount.objects.all()[0].pk,
    "admin:act-lift-range": lambda _: BlockedRange.objects.get().pk,
    "admin:act-turn": lambda _: SwitchState.objects.get(name="registration").pk,
    "admin:act-unmark-beta": lambda _: BetaFeature.objects.get().pk,
    "admin:act-verify": _second_address,
    "projects:invitation-detail": lambda _: Invitation.objects.get().pk,
    "projects:invitation-revoke": lambda _: Invitation.objects.get().pk,
    "tokens:deny": _token,
    "tokens:let-in": _token,
    "tokens:token-detail": _token,
    "tokens:token-rename": _token,
    "tokens:token-revoke": _token,
}


def address_about(door: Named, person: Person) -> str:
    """The address, about a row of this person."""
    if door.name not in ROWS:
        return door.path
    return door.path.replace(
        str(APIToken.objects.get(name="a token").pk), str(ROWS[door.name](person))
    )
