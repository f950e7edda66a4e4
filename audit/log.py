"""`record()`: the only writer of events."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from audit import chain, keyring
from audit.actors import Actor
from audit.models import ChainHead, Event, EventOrigin, EventSubject
from audit.networks import address_key
from audit.prepared import Prepared, PreparedInsert, PreparedUpdate
from audit.signals import event_recorded
from audit.vocabulary import EventKind

_HEAD = Prepared(lambda: ChainHead.objects.select_for_update().filter(pk=1))
_MOVE_HEAD = PreparedUpdate(
    lambda number, seal: (ChainHead.objects.filter(pk=1), {"number": number, "seal": seal})
)
_STORE = PreparedInsert(Event)
_STORE_SUBJECTS = PreparedInsert(EventSubject)
_STORE_ORIGIN = PreparedInsert(EventOrigin)


class HasHistory(Protocol):
    """A row that events can be about."""

    pk: Any

    def event_subject(self) -> tuple[str, str]:
        """Its kind ("user" or "project") and the label that events keep."""


@dataclass(frozen=True)
class Subject:
    """An account or project that an event is about, by id and by the name it had."""

    kind: str
    subject_id: str
    label: str

    @classmethod
    def of(cls, row: HasHistory | Subject) -> Subject:
        """The subject that stands for `row`."""
        if isinstance(row, Subject):
            return row
        kind, label = row.event_subject()
        return cls(kind, str(row.pk), label[:200])


@dataclass(frozen=True)
class Happening:
    """What is recorded as one event; see `record`."""

    kind: EventKind
    fields: Mapping[str, Any]
    about: Sequence[HasHistory | Subject] = ()
    mail_addresses: Sequence[str] = ()


_Rows = tuple[Event, list[Subject], EventOrigin]


def origin_digest(
    *, network_address: str, user_agent: str, mail_addresses: Sequence[str], salt: str
) -> str:
    """SHA-256 over the erasable part of an event and its salt, as 64 hexadecimal digits."""
    text = json.dumps([network_address, user_agent, list(mail_addresses), salt])
    return hashlib.sha256(text.encode()).hexdigest()


def sealed_content(event: Event, subjects: Iterable[Subject | EventSubject]) -> dict[str, Any]:
    """Everything of an event that its seal covers."""
    return {
        "kind": event.kind,
        "recorded_at": event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "is_failure": event.is_failure,
        "actor": [event.actor_kind, event.actor_id, event.actor_label],
        "credential": [event.credential, event.credential_id, event.credential_label],
        "fields": event.fields,
        "about": [[row.kind, row.subject_id, row.label] for row in subjects],
        "origin": event.origin_digest,
    }


def _check_fields(kind: EventKind, fields: Mapping[str, Any]) -> None:
    given = frozenset(fields)
    if given != kind.fields:
        raise ValueError(
            f"{kind} takes the fields {sorted(kind.fields)} and was given {sorted(given)}."
        )
    for name, value in fields.items():
        _check_value(kind, name, value)


def _check_value(kind: EventKind, name: str, value: Any) -> None:
    if isinstance(value, (list, tuple)):
        for part in value:
            _check_value(kind, name, part)
    elif value is not None and not isinstance(value, (str, int, bool)):
        raise ValueError(f"{kind}: {name} must be text, a whole number or a list of them.")
    elif isinstance(value, str) and "\x00" in value:
        raise ValueError(f"{kind}: {name} holds a NUL character.")


def record(
    kind: EventKind,
    *,
    by: Actor,
    about: Sequence[HasHistory | Subject] = (),
    mail_addresses: Sequence[str] = (),
    **fields: Any,
) -> Event:
    """Write one event into the memory, at the end of the operation's transaction.

    It takes the lock on the chain's head, which orders all changes of the site, so nothing slow and
    no other lock may follow it.

    Args:
        kind: a declared kind.
        by: who acts.
        about: the accounts and projects in whose histories it shows.
        mail_addresses: mail addresses that it is about; kept in the erasable part only.
        fields: exactly the fields that the kind declares: text, whole numbers, or lists of them.

    Raises:
        RuntimeError: outside of a transaction.
        ValueError: if the fields are not those that the kind declares.
    """
    one = Happening(kind, fields, about=about, mail_addresses=mail_addresses)
    return record_all([one], by=by)[0]


def record_all(happenings: Sequence[Happening], *, by: Actor) -> list[Event]:
    """Write several events of one actor, in their order, as `record` writes one.

    Raises:
        RuntimeError: outside of a transaction.
        ValueError: if the fields are not those that a kind declares.
    """
    if not transaction.get_connection().in_atomic_block:
        kinds = ", ".join(str(one.kind) for one in happenings)
        raise RuntimeError(f"{kinds} must be recorded in the transaction of what it records.")
    prepared = [_prepare(one, by) for one in happenings]
    _append(prepared)
    events = [event for event, _subjects, _origin in prepared]
    for event in events:
        transaction.on_commit(partial(event_recorded.send_robust, sender=Event, event=event))
    return events


def _prepare(one: Happening, by: Actor) -> _Rows:
    """The rows of an event, without what depends on the events before it."""
    _check_fields(one.kind, one.fields)
    erasable: dict[str, Any] = {
        "network_address": by.network_address[:45],
        "user_agent": by.user_agent,
        "mail_addresses": list(one.mail_addresses),
        "salt": secrets.token_hex(16),
    }
    event = Event(
        kind=one.kind.name,
        recorded_at=timezone.now(),
        is_failure=one.kind.is_failure,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_label=by.label[:150],
        credential=by.credential,
        credential_id=by.credential_id,
        credential_label=by.credential_label[:150],
        fields=json.loads(json.dumps(one.fields)),
        origin_digest=origin_digest(**erasable),
    )
    origin = EventOrigin(
        recorded_at=event.recorded_at,
        address_key=address_key(erasable["network_address"]),
        **erasable,
    )
    return event, [Subject.of(row) for row in one.about], origin


def _append(prepared: Sequence[_Rows]) -> None:
    """Give the events their numbers and seals, under the lock of the head, and store them."""
    head = _HEAD.all()[0]
    number, seal = head.number, head.seal
    for event, subjects, origin in prepared:
        number += 1
        event.number = origin.event_number = number
        event.key_id, key = keyring.current_key(keyring.SEALS)
        content = sealed_content(event, subjects)
        event.seal = seal = chain.seal(key, previous=seal, number=number, content=content)
    _STORE(*[event for event, _subjects, _origin in prepared])
    stored = [
        _stored(subject, event.number, position)
        for event, subjects, _origin in prepared
        for position, subject in enumerate(subjects)
    ]
    if stored:
        _STORE_SUBJECTS(*stored)
    _STORE_ORIGIN(*[origin for _event, _subjects, origin in prepared])
    _MOVE_HEAD(number, seal)


def _stored(subject: Subject, event_number: int, position: int) -> EventSubject:
    return EventSubject(
        event_number=event_number,
        position=position,
        kind=subject.kind,
        subject_id=subject.subject_id,
        label=subject.label,
    )


def verify(*, expected: dict[int, str] | None = None) -> chain.Break | None:
    """Check the whole chain, and the origins that were not erased, in constant memory.

    Events that are recorded while it reads do not disturb it.

    Args:
        expected: numbers and seals of events as they were noted elsewhere.

    Returns:
        The first break, or None if everything holds.
    """
    head = ChainHead.objects.get(pk=1)
    found = chain.find_break(
        sealed_rows(head.number),
        keys=lambda key_id: keyring.find_key(keyring.SEALS, key_id),
        head_number=head.number,
        head_seal=head.seal,
        expected=expected,
    )
    return found or find_row_past_head() or find_false_origin()


def verify_span(after: chain.Place, last: int) -> chain.Place | chain.Break:
    """Check the events that follow a place, up to number `last`, and where they came from."""
    end = chain.follow(
        sealed_rows(last, after=after.number),
        after=after,
        keys=lambda key_id: keyring.find_key(keyring.SEALS, key_id),
    )
    if isinstance(end, chain.Break):
        return end
    if end.number < last:
        return chain.Break(end.number + 1, "is missing")
    return find_false_origin(after=after.number, last=last) or end


def sealed_rows(last: int, *, after: int = 0, size: int = 2000) -> Iterable[chain.SealedRow]:
    """The events from `after` up to number `last` with their subjects, read `size` at a time."""
    while after < last:
        until = min(after + size, last)
        span = (after + 1, until)
        subjects: dict[int, list[EventSubject]] = {}
        for subject in EventSubject.objects.filter(event_number__range=span):
            subjects.setdefault(subject.event_number, []).append(subject)
        for event in Event.objects.filter(number__range=span).order_by("number"):
            content = sealed_content(event, subjects.get(event.number, []))
            yield chain.SealedRow(event.number, content, event.key_id, event.seal)
        after = until


def find_row_past_head() -> chain.Break | None:
    """An event or subject with a number that the chain has not given out."""
    head = ChainHead.objects.values("number")[:1]
    planted = Event.objects.filter(number__gt=head).order_by("number").first()
    if planted:
        return chain.Break(planted.number, "was put in after the last event")
    stray = EventSubject.objects.filter(event_number__gt=head).first()
    below = stray or EventSubject.objects.filter(event_number__lt=1).first()
    below_event = Event.objects.filter(number__lt=1).first()
    if below or below_event:
        number = below.event_number if below else below_event.number  # type: ignore[union-attr]
        return chain.Break(number, "was put in outside of the chain")
    return None


def find_false_origin(*, after: int = 0, last: int | None = None) -> chain.Break | None:
    """The first event of these whose origin is not what was sealed; erased ones are none."""
    stored = EventOrigin.objects.order_by("event_number")
    if last is not None:
        stored = stored.filter(event_number__lte=last)
    while origins := list(stored.filter(event_number__gt=after)[:2000]):
        after = origins[-1].event_number
        numbers = [origin.event_number for origin in origins]
        digests = dict(
            Event.objects.filter(number__in=numbers).values_list("number", "origin_digest")
        )
        for origin in origins:
            right = origin_digest(
                network_address=origin.network_address,
                user_agent=origin.user_agent,
                mail_addresses=origin.mail_addresses,
                salt=origin.salt,
            )
            is_found_by = address_key(origin.network_address)
            if digests.get(origin.event_number) != right or origin.address_key != is_found_by:
                return chain.Break(origin.event_number, "has an origin that was altered")
    return None
