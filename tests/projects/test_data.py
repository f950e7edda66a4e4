"""What a person takes along of projects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from accounts.data import stream
from projects.models import Invitation, Report, Role
from tests.support.people import Person
from tests.tokens.keys import project_of

AT = datetime(2026, 5, 1, tzinfo=UTC)


def part(person: Person, name: str) -> Any:
    return json.loads("".join(stream(person.fresh_user)))[name]


def test_roles_are_taken_along(alice: Person, bob: Person) -> None:
    project = project_of(alice, "seagull")
    Role.objects.filter(user=alice.user).update(created_at=AT)
    Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    assert part(alice, "roles") == [
        {"project_name": "seagull", "kind": "owner", "created_at": "2026-05-01T00:00:00Z"}
    ]


def test_invitations_are_taken_along_by_both(alice: Person, bob: Person, mallory: Person) -> None:
    Invitation.objects.create(
        project=project_of(alice, "seagull"),
        user=bob.user,
        invited_by=alice.user,
        kind=Role.Kind.MAINTAINER,
        expires_at=AT,
    )
    for person in (alice, bob):
        (row,) = part(person, "invitations")
        assert (row["inviting"], row["invited"], row["kind"]) == ("alice", "bob", "maintainer")
    assert part(mallory, "invitations") == []


def test_reports_are_taken_along_by_who_made_them(alice: Person, bob: Person) -> None:
    Report.objects.create(
        project_id=project_of(alice, "seagull").pk,
        project_name="seagull",
        kind=Report.Kind.SPAM,
        text="It holds no software.",
        reporter=bob.user,
        made_at=AT,
    )
    assert part(bob, "reports") == [
        {
            "project_name": "seagull",
            "kind": "spam",
            "text": "It holds no software.",
            "made_at": "2026-05-01T00:00:00Z",
            "answered_at": None,
            "outcome": "",
            "answer": "",
        }
    ]
    assert part(alice, "reports") == []
