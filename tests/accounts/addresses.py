"""All addresses of the site, about rows of one person, for tests that walk them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

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
from indexsite.middleware import MACHINE_DOORS
from projects.models import Invitation
from tests.support.people import Person
from tokens.models import APIToken


@dataclass(frozen=True)
class Door:
    """One address of the site.

    Attributes:
        name: the full name of its URL pattern, or its route where it has none.
        path: an address that the pattern matches.
    """

    name: str
    path: str

    @property
    def is_for_machines(self) -> bool:
        return self.path.startswith(MACHINE_DOORS)


def all_doors(values: dict[str, str]) -> list[Door]:
    """Every URL pattern of the site, with an address that it matches."""
    return list(_doors(get_resolver().url_patterns, "/", "", values))


def _doors(patterns: Any, prefix: str, space: str, values: dict[str, str]) -> Iterator[Door]:
    for row in patterns:
        path = prefix + _fill(row.pattern, values)
        if isinstance(row, URLResolver):
            inner = f"{space}{row.namespace}:" if row.namespace else space
            yield from _doors(row.url_patterns, path, inner, values)
        else:
            assert isinstance(row, URLPattern)
            yield Door(f"{space}{row.name}" if row.name else path, path)


def _fill(pattern: RoutePattern | RegexPattern, values: dict[str, str]) -> str:
    if isinstance(pattern, RegexPattern):
        return _fill_regex(str(pattern))
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match.group(1)], str(pattern))


def _fill_regex(text: str) -> str:
    """The two kinds that Django's admin has: a choice of apps, and everything else."""
    text = text.removeprefix("^").removesuffix("$")
    text = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", text)
    text = re.sub(r"\(\?P<url>\.\*\)", "anything/else", text)
    assert not set("()?*+[]^$|\\") & set(text), f"teach this test to fill {text}"
    return text


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


def address_about(door: Door, person: Person) -> str:
    """The address, about a row of this person."""
    if door.name not in ROWS:
        return door.path
    return door.path.replace(
        str(APIToken.objects.get(name="a token").pk), str(ROWS[door.name](person))
    )
