"""Fills the memory of a site with sealed events: `python -m benchmarks.fill_events [COUNT]`.

Needs the environment of a site whose migrations have run, and which is used for nothing else: the
events stay there, as all events do. They tell of 2,000 people, 3,000 projects and 400 robots over
two years, and the chain verifies.
"""

from __future__ import annotations

import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import django

COUNT = 1_000_000
BATCH = 5_000
DAYS = 730


class Cast:
    """Who and what the events tell of, the same at each run."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed)  # noqa: S311  (nothing here is a secret)
        self.people = [(self._id(), f"person-{number:04d}") for number in range(2_000)]
        self.projects = [(self._id(), f"project-{number:04d}") for number in range(3_000)]
        self.robots = [(self._id(), f"robot {number:03d}") for number in range(400)]

    def _id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def some(self, rows: list[tuple[str, str]]) -> tuple[str, str]:
        """One of the rows, the first ones much more often than the last."""
        return rows[min(int(self.random.paretovariate(0.6)) - 1, len(rows) - 1)]

    def address(self) -> str:
        """A network address, IPv4 or IPv6."""
        if self.random.random() < 0.2:
            return f"2001:db8:{self.random.randrange(500):x}::{self.random.randrange(4000):x}"
        return f"10.{self.random.randrange(40)}.{self.random.randrange(200)}.7"


def facts(cast: Cast) -> dict[str, Any]:
    """One event as `record` would be given it."""
    chance = cast.random.random()
    person, project, robot = (
        cast.some(cast.people),
        cast.some(cast.projects),
        cast.some(cast.robots),
    )
    about = [("user", *person)]
    if chance < 0.55:
        fields = {
            "filename": f"{project[1]}-1.0.tar.gz",
            "version": "1.0",
            "size": 9,
            "sha256": "0",
        }
        return {
            "kind": "project:file:uploaded",
            "by": person,
            "token": robot,
            "about": [("project", *project), *about],
            "fields": fields,
        }
    if chance < 0.85:
        fields = {"method": "an authenticator app", "factor": "phone"}
        return {"kind": "sign-in:session:opened", "by": person, "about": about, "fields": fields}
    if chance < 0.93:
        fields = {"reason": "wrong password", "name_digest": ""}
        return {"kind": "sign-in:session:refused", "about": about, "fields": fields}
    if chance < 0.96:
        fields = {"code": "exists", "target": project[1], "filename": "x-1.0.tar.gz"}
        return {
            "kind": "upload:file:refused",
            "by": person,
            "token": robot,
            "about": [*about, ("project", *project)],
            "fields": fields,
        }
    kind = "token:token:created" if chance < 0.985 else "token:token:revoked"
    fields = {"token_id": robot[0], "name": robot[1]}
    fields |= {"scope": "all projects"} if "created" in kind else {"reason": "old"}
    return {"kind": kind, "by": person, "about": about, "fields": fields}


def fill(count: int) -> None:
    """Add `count` events at the end of the chain."""
    from django.db import transaction

    from audit.models import ChainHead

    cast = Cast()
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / count
    times: Iterator[datetime] = (begin + step * number for number in range(count))
    left = count
    while left:
        with transaction.atomic():
            head = ChainHead.objects.select_for_update().get(pk=1)
            batch = min(BATCH, left)
            _add(head, cast, [next(times) for _turn in range(batch)])
        left -= batch
        if not left % 100_000:
            print(f"{count - left} events", flush=True)


def _add(head: Any, cast: Cast, times: list[datetime]) -> None:
    from audit import chain, keyring, log
    from audit.models import ChainHead, Event, EventOrigin, EventSubject
    from audit.networks import address_key
    from audit.vocabulary import find

    key_id, key = keyring.current_key(keyring.SEALS)
    events, subjects, origins = [], [], []
    for recorded_at in times:
        told = facts(cast)
        kind: Any = find(told["kind"])
        by, token = told.get("by", ("", "")), told.get("token")
        origin: dict[str, Any] = {
            "network_address": cast.address(),
            "user_agent": "twine/6.2.0" if token else "A Browser/1",
            "mail_addresses": [],
            "salt": f"{cast.random.getrandbits(128):032x}",
        }
        head.number += 1
        event = Event(
            number=head.number,
            kind=kind.name,
            recorded_at=recorded_at,
            is_failure=kind.is_failure,
            actor_kind="user" if by[0] else "anonymous",
            actor_id=by[0],
            actor_label=by[1],
            credential="token" if token else "session" if by[0] else "",
            credential_id=token[0] if token else "",
            credential_label=token[1] if token else "",
            fields=told["fields"],
            origin_digest=log.origin_digest(**origin),
            key_id=key_id,
        )
        about = [log.Subject(*subject) for subject in told["about"]]
        event.seal = head.seal = chain.seal(
            key,
            previous=head.seal,
            number=head.number,
            content=log.sealed_content(event, about),
        )
        events.append(event)
        subjects += [
            EventSubject(event_number=head.number, position=position, **asdict(subject))
            for position, subject in enumerate(about)
        ]
        origins.append(
            EventOrigin(
                event_number=head.number,
                recorded_at=recorded_at,
                address_key=address_key(origin["network_address"]),
                **origin,
            )
        )
    for model, rows in ((Event, events), (EventSubject, subjects), (EventOrigin, origins)):
        model.objects.bulk_create(rows)  # type: ignore[attr-defined]
    ChainHead.objects.filter(pk=1).update(number=head.number, seal=head.seal)


def main() -> int:
    """Fill, and say how long it took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    began = time.monotonic()
    fill(count)
    print(f"{count} events in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
