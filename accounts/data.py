"""Everything that the site holds about a person, as one JSON object; and the socket for its parts.

A part is plain data, or an iterator of plain data where there may be much of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F

from accounts.models import SECOND_FACTORS, OutboxMail, User
from audit import downloads
from audit.models import Event

Part = Callable[[User], Any]
_parts: dict[str, Part] = {}


def add_part(name: str, gather: Part) -> None:
    """Fill the socket: what a higher floor holds about a person."""
    _parts[name] = gather


def stream(user: User) -> Iterator[str]:
    """The text of the JSON object, a piece at a time."""
    for number, (name, gather) in enumerate(_parts.items()):
        yield ("{" if number == 0 else ",\n") + f"{json.dumps(name)}: "
        content = gather(user)
        if isinstance(content, Iterator):
            yield from downloads.as_json(content, encoder=DjangoJSONEncoder)
        else:
            yield json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
    yield "}\n"


def _account(user: User) -> dict[str, Any]:
    shown = ("id", "username", "name", "language", "is_staff", "joined_at", "last_login")
    return {name: getattr(user, name) for name in shown}


def _addresses(user: User) -> list[dict[str, Any]]:
    shown = ("address", "is_primary", "added_at", "verified_at", "held_at")
    return list(user.email_addresses.values(*shown))


def _second_factors(user: User) -> list[dict[str, Any]]:
    shown = ("name", "created_at", "last_used_at", "held_at")
    return [
        {"kind": str(kind._meta.verbose_name)} | row
        for kind in SECOND_FACTORS
        for row in kind.objects.filter(user=user, confirmed=True).values(*shown)
    ]


def _recovery_codes(user: User) -> dict[str, Any] | None:
    codes = user.recovery_codes
    return {"created_at": codes.created_at, "unused": codes.unused} if codes else None


def _sessions(user: User) -> list[dict[str, Any]]:
    names = {"signed_in_at": F("created_at"), "ends_at": F("expire_date")}
    shown = ("network_address", "user_agent", "last_used_at")
    return list(user.sessions.order_by("created_at").values(*shown, **names))


def _devices(user: User) -> list[dict[str, Any]]:
    shown = ("network_address", "user_agent", "created_at", "last_used_at", "remembered_until")
    return list(user.known_devices.values(*shown))


def _unknown_sign_ins(user: User) -> list[dict[str, Any]]:
    """Those from devices that had not signed in before, and whether their owner denied them."""
    shown = ("happened_at", "network_address", "user_agent", "denied_at")
    return list(user.unknown_sign_ins.order_by("happened_at").values(*shown))


def _recovery_cases(user: User) -> list[dict[str, Any]]:
    """Who asked for the removal of all second factors, why it was believed, and what came of it."""
    shown = ("evidence", "reason", "opened_at", "due_at", "ended_at", "ended_because", "outcome")
    return list(user.recovery_cases.values(*shown))


def _mail_choices(user: User) -> dict[str, str]:
    """What was chosen; topics of which nothing was are not there."""
    return dict(user.mail_choices.values_list("topic", "choice"))


def _mails(user: User) -> Iterator[dict[str, Any]]:
    """The notices of the last days to verified addresses; recipients are blanked after that."""
    addresses = user.email_addresses.filter(verified_at__isnull=False).values("address")
    mails = OutboxMail.objects.filter(recipient__in=addresses, recipient_name=user.username)
    shown = ("notice", "recipient", "queued_at", "sent_at")
    return iter(mails.values(*shown).iterator(chunk_size=500))


def _history(user: User) -> Iterator[dict[str, Any]]:
    lines = downloads.lines_of(Event.objects.for_user(user), reader_id=str(user.pk))
    return map(downloads.as_fields, lines)


add_part("account", _account)
add_part("mail_addresses", _addresses)
add_part("second_factors", _second_factors)
add_part("recovery_codes", _recovery_codes)
add_part("sessions", _sessions)
add_part("devices", _devices)
add_part("unknown_sign_ins", _unknown_sign_ins)
add_part("recovery_cases", _recovery_cases)
add_part("mail_choices", _mail_choices)
add_part("mails", _mails)
add_part("history", _history)
