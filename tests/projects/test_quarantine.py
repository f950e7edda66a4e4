"""Quarantine: what is hidden, what stays, who may, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.models import OutboxMail
from audit.actors import command
from audit.models import Event
from projects.events import PROJECT_QUARANTINED, PROJECT_RELEASED
from projects.models import Project, Role
from projects.operations import roles
from projects.operations.lifecycle import archive_project
from projects.operations.publishing import publish_file
from projects.operations.quarantine import quarantine_projects, release_project
from tests.accounts.doors import count_events, text_of_page
from tests.projects.shelves import new_file
from tests.support.artifacts import make_wheel
from tests.support.clone import race
from tests.support.people import Person, make_person
from tests.support.uploading import token_of, upload
from tests.tokens.keys import make, project_of
from tokens.models import APIToken

Browser = Callable[..., Client]
REASON = "Malware was reported in this project."


@pytest.fixture
def paul(db: None) -> Person:
    """Somebody of the group Projects."""
    return make_person("paul", group="Projects")


@pytest.fixture
def foo(alice: Person) -> Project:
    """A project with a file."""
    project = project_of(alice, "foo")
    publish_file(project, new_file(*make_wheel("foo", "1.0")), by=alice.actor)
    return Project.objects.get(pk=project.pk)


def simple(client: Client) -> str:
    return client.get("/simple/foo/").content.decode()


def test_the_index_hides_the_files_on_the_next_request_and_shows_them_again(
    browser: Browser, foo: Project, paul: Person
) -> None:
    client = browser()
    assert "foo-1.0" in simple(client)
    assert quarantine_projects([foo], reason=REASON, by=paul.actor) == 1
    assert "foo-1.0" not in simple(client)
    assert "quarantined" in simple(client)
    release_project(foo, reason="Nothing was found in it.", by=paul.actor)
    assert "foo-1.0" in simple(client)


def test_nothing_can_be_uploaded_meanwhile(foo: Project, alice: Person, paul: Person) -> None:
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    with pytest.raises(PermissionDenied, match="quarantined"):
        publish_file(foo, new_file(*make_wheel("foo", "2.0")), by=alice.actor)


def test_roles_stay_as_they_are(
    foo: Project, alice: Person, bob: Person, mallory: Person, paul: Person, browser: Browser
) -> None:
    role = Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    (offer,) = roles.invite([foo], mallory.user, "owner", by=alice.actor)
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    for act in (
        lambda: roles.invite([foo], paul.user, "owner", by=alice.actor),
        lambda: roles.change_role(role, "owner", by=alice.actor),
        lambda: roles.remove_role(role, by=alice.actor),
        lambda: roles.accept_invitation(offer, by=mallory.actor),
    ):
        with pytest.raises(PermissionDenied, match="nothing in it can be changed"):
            act()
    assert sorted(foo.roles.values_list("user__username", "kind")) == [
        ("alice", "owner"),
        ("bob", "maintainer"),
    ]
    page = browser(alice).get("/manage/project/foo/people/").content.decode()
    assert "Take back" in page
    assert "Invite somebody" not in page


def test_whoever_wants_to_leave_may_and_offers_are_taken_back(
    foo: Project, alice: Person, bob: Person, mallory: Person, paul: Person
) -> None:
    role = Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    (offer,) = roles.invite([foo], mallory.user, "owner", by=alice.actor)
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    roles.revoke_invitation(offer, by=alice.actor)
    roles.remove_role(role, by=bob.actor)
    assert not foo.roles.exclude(user=alice.user).exists()


def test_accounts_stay_as_they_are(
    browser: Browser, foo: Project, alice: Person, paul: Person
) -> None:
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    assert alice.fresh_user.is_active
    assert browser(alice).get("/account/security/").status_code == 200


def test_it_is_recorded_and_told_to_all_with_a_role(
    foo: Project, alice: Person, bob: Person, paul: Person
) -> None:
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    event = Event.objects.for_project(foo).first()
    assert event is not None
    assert (event.kind, event.fields) == (PROJECT_QUARANTINED.name, {"reason": REASON})
    assert Project.objects.get(pk=foo.pk).serial == event.number
    release_project(foo, reason="Nothing was found in it.", by=paul.actor)
    for notice in ("project_quarantined", "project_released"):
        told = OutboxMail.objects.filter(notice=notice).values_list("recipient", flat=True)
        assert set(told) == {alice.email, bob.email}
    assert count_events(PROJECT_RELEASED) == 1


def test_twice_is_once(foo: Project, paul: Person) -> None:
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    first = Project.objects.get(pk=foo.pk).quarantined_at
    assert quarantine_projects([foo], reason="Another reason.", by=paul.actor) == 0
    assert Project.objects.get(pk=foo.pk).quarantined_at == first
    assert count_events(PROJECT_QUARANTINED) == 1


def test_what_was_archived_is_archived_again(foo: Project, alice: Person, paul: Person) -> None:
    archive_project(foo, by=alice.actor)
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    release_project(foo, reason="Nothing was found in it.", by=paul.actor)
    assert Project.objects.get(pk=foo.pk).is_archived


def test_what_is_not_in_quarantine_cannot_be_released(foo: Project, paul: Person) -> None:
    with pytest.raises(ValidationError, match="not in quarantine"):
        release_project(foo, reason=REASON, by=paul.actor)


@pytest.mark.parametrize("group", ["", "Auditor", "Support"])
def test_others_may_not(foo: Project, group: str) -> None:
    other = make_person("other", group=group)
    with pytest.raises(PermissionDenied):
        quarantine_projects([foo], reason=REASON, by=other.actor)
    quarantine_projects([foo], reason=REASON, by=command("quarantine"))
    with pytest.raises(PermissionDenied):
        release_project(foo, reason=REASON, by=other.actor)
    assert Project.objects.get(pk=foo.pk).is_quarantined


def test_of_several_all_are_hidden_or_none(foo: Project, alice: Person, paul: Person) -> None:
    gone = project_of(alice, "gone")
    Project.objects.filter(pk=gone.pk).delete()
    with pytest.raises(ValidationError, match="deleted"):
        quarantine_projects([foo, gone], reason=REASON, by=paul.actor)
    assert not Project.objects.get(pk=foo.pk).is_quarantined


def test_two_staff_who_release_at_once_release_once(committed_db: Any) -> None:
    alice, paul = make_person("alice"), make_person("paul", group="Projects")
    foo = project_of(alice, "foo")
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    outcomes = race(2, lambda: release_project(foo, reason="Nothing was found.", by=paul.actor))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "ValidationError"]
    assert count_events(PROJECT_RELEASED) == 1


def test_the_queue_shows_the_oldest_first(
    browser: Browser, alice: Person, paul: Person, foo: Project
) -> None:
    bar, _calm = project_of(alice, "bar"), project_of(alice, "calm")
    quarantine_projects([foo], reason=REASON, by=paul.actor)
    quarantine_projects([bar], reason=REASON, by=paul.actor)
    page = browser(paul).get("/admin/projects/quarantinedproject/").content.decode()
    assert 0 < page.index(">foo</a>") < page.index(">bar</a>")
    assert "calm" not in page


def test_what_a_token_uploaded_since_is_found(
    browser: Browser, alice: Person, paul: Person, foo: Project
) -> None:
    token, _text = make(alice, "leaked")
    by = alice.actor.with_token(token_id=str(token.pk), label="leaked")
    bar, baz = project_of(alice, "bar"), project_of(alice, "baz")
    facts = {"token_id": str(token.pk), "token_name": "leaked"}
    publish_file(bar, new_file(*make_wheel("bar", "1.0"), **facts), by=by)
    publish_file(baz, new_file(*make_wheel("baz", "1.0")), by=alice.actor)
    client = browser(paul)
    address = f"/admin/events/quarantine-uploaded/?used_key={token.pk}"
    page = text_of_page(client.get(address))
    assert "> bar</label>" in page
    assert "baz" not in page
    assert "> foo</label>" not in page
    client.post(address, {"reason": REASON, "row": str(bar.pk)})
    assert Project.objects.get(pk=bar.pk).is_quarantined
    assert "No API token of these events" in text_of_page(client.get(address))


def test_the_first_upload_that_a_filter_finds_is_among_them(
    browser: Browser, alice: Person, paul: Person
) -> None:
    """Its file is a few milliseconds older than its event."""
    text = token_of(alice)
    for name in ("older", "first", "second"):
        assert upload(text, project=name).status_code == 200
    client = browser(paul)
    address = "/admin/events/quarantine-uploaded/?kind=project:file:uploaded"
    address += f"&used_key={APIToken.objects.get().pk}"
    page = text_of_page(client.get(address))
    assert all(f"> {name}</label>" in page for name in ("older", "first", "second"))
    page = text_of_page(client.get(f"{address}&project=first"))
    assert all(f"> {name}</label>" in page for name in ("first", "second"))
    assert "> older</label>" not in page
