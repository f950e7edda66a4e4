"""Archiving and deleting: what goes, what stays, who may, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.models import OutboxMail
from accounts.notices import render
from audit.models import Event
from projects.models import BurntFilename, DeletedProject, File, Project, Release, Role
from projects.operations import lifecycle
from projects.operations.publishing import create_project
from tests.projects.conftest import Publish
from tests.projects.test_simple import as_json
from tests.support.clone import Database, race_all
from tests.support.people import Person

Verb = Callable[..., None]


def last_event(project: Project) -> Event:
    return Event.objects.for_project(project).first()


def told() -> dict[str, list[str]]:
    """Who gets which mail."""
    found: dict[str, list[str]] = {}
    for mail in OutboxMail.objects.order_by("recipient"):
        found.setdefault(mail.notice, []).append(mail.recipient_name)
    return found


@pytest.fixture
def shelf(foo: Project, publish: Publish, bob: Person) -> Project:
    """Foo with two releases and three files, and bob as a maintainer."""
    publish("1.0")
    publish("1.0", kind="sdist")
    publish("2.0")
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    OutboxMail.objects.all().delete()
    return foo


# Archiving


def test_an_archived_project_takes_no_files_until_it_is_active_again(
    shelf: Project, alice: Person, publish: Publish
) -> None:
    lifecycle.archive_project(shelf, by=alice.actor)
    with pytest.raises(PermissionDenied, match="archived"):
        publish("3.0")
    lifecycle.unarchive_project(shelf, by=alice.actor)
    publish("3.0")


def test_archiving_shows_on_the_next_request(shelf: Project, alice: Person, tool: Client) -> None:
    assert as_json(tool, "/simple/foo/")["project-status"] == {"status": "active"}
    lifecycle.archive_project(shelf, by=alice.actor)
    answer = as_json(tool, "/simple/foo/")
    assert answer["project-status"] == {"status": "archived"}
    assert len(answer["files"]) == 3
    lifecycle.unarchive_project(shelf, by=alice.actor)
    assert as_json(tool, "/simple/foo/")["project-status"] == {"status": "active"}


def test_archiving_twice_is_recorded_once(shelf: Project, alice: Person) -> None:
    lifecycle.archive_project(shelf, by=alice.actor)
    number = last_event(shelf).number
    lifecycle.archive_project(shelf, by=alice.actor)
    assert last_event(shelf).number == number
    lifecycle.unarchive_project(shelf, by=alice.actor)
    number = last_event(shelf).number
    lifecycle.unarchive_project(shelf, by=alice.actor)
    assert last_event(shelf).number == number


# Deleting


def test_a_deleted_file_is_gone_on_the_next_request(
    shelf: Project, alice: Person, tool: Client
) -> None:
    file = File.objects.get(filename="foo-1.0.tar.gz")
    address = f"/files/{file.path}/{file.filename}"
    assert tool.head(address).status_code == 200
    lifecycle.delete_file(file, by=alice.actor)
    assert tool.head(address).status_code == 404
    names = [row["filename"] for row in as_json(tool, "/simple/foo/")["files"]]
    assert names == ["foo-1.0-py3-none-any.whl", "foo-2.0-py3-none-any.whl"]


def test_the_name_of_a_deleted_file_is_burnt(shelf: Project, alice: Person) -> None:
    file = File.objects.get(filename="foo-1.0.tar.gz")
    digest = file.blake2b_256
    lifecycle.delete_file(file, by=alice.actor)
    burnt = BurntFilename.objects.get()
    assert (burnt.filename, burnt.blake2b_256) == ("foo-1.0.tar.gz", digest)


def test_a_release_stays_when_its_last_file_is_deleted(shelf: Project, alice: Person) -> None:
    lifecycle.delete_file(File.objects.get(release__version="2.0"), by=alice.actor)
    assert shelf.releases.filter(version="2.0").exists()


def test_a_deleted_release_takes_its_files_along(
    shelf: Project, alice: Person, tool: Client
) -> None:
    lifecycle.delete_release(shelf.releases.get(version="1.0"), by=alice.actor)
    assert as_json(tool, "/simple/foo/")["versions"] == ["2.0"]
    assert [release.version for release in shelf.releases.all()] == ["2.0"]
    assert BurntFilename.objects.count() == 2
    event = last_event(shelf)
    assert event.fields == {
        "version": "1.0",
        "filenames": "foo-1.0-py3-none-any.whl, foo-1.0.tar.gz",
    }


def test_a_deleted_project_leaves_a_tombstone(shelf: Project, alice: Person, tool: Client) -> None:
    lifecycle.delete_project(shelf, by=alice.actor)
    assert tool.get("/simple/foo/").status_code == 404
    assert not Release.objects.exists()
    assert not File.objects.exists()
    assert not Role.objects.exists()
    assert BurntFilename.objects.count() == 3
    stone = DeletedProject.objects.get()
    assert (stone.normalized_name, stone.deleted_by) == ("foo", "alice")
    assert stone.owner_ids == [str(alice.user.pk)]
    event = Event.objects.latest("number")
    assert stone.serial == event.number
    assert event.fields == {"releases": 2, "files": 3}


def test_the_serial_of_the_index_does_not_fall_when_a_project_is_deleted(
    shelf: Project, alice: Person, tool: Client
) -> None:
    create_project("bar", by=alice.actor)
    lifecycle.delete_project(shelf, by=alice.actor)
    answer = as_json(tool, "/simple/")
    assert [one["name"] for one in answer["projects"]] == ["bar"]
    assert answer["meta"]["_last-serial"] == DeletedProject.objects.get().serial


def test_the_serial_of_an_emptied_index_does_not_fall(
    shelf: Project, alice: Person, tool: Client
) -> None:
    lifecycle.delete_project(shelf, by=alice.actor)
    answer = as_json(tool, "/simple/")
    assert answer["projects"] == []
    assert answer["meta"]["_last-serial"] == DeletedProject.objects.get().serial


def test_the_history_of_a_deleted_project_stays_with_its_owners(
    shelf: Project, alice: Person
) -> None:
    lifecycle.delete_project(shelf, by=alice.actor)
    newest = Event.objects.for_user(alice.user).first()
    assert newest.kind == "project:project:deleted"


def test_an_event_names_at_most_fifty_files(
    foo: Project, alice: Person, many: Callable[[Project, int], None]
) -> None:
    many(foo, 60)
    release = foo.releases.first()
    File.objects.update(release=release)
    lifecycle.delete_release(release, by=alice.actor)
    assert last_event(foo).fields["filenames"].count(", ") == lifecycle.MAX_NAMED
    assert last_event(foo).fields["filenames"].endswith(", …")


VERBS: dict[str, Verb] = {
    "archive": lambda shelf, by: lifecycle.archive_project(shelf, by=by),
    "delete a file": lambda shelf, by: lifecycle.delete_file(shelf.files.first(), by=by),
    "delete a release": lambda shelf, by: lifecycle.delete_release(shelf.releases.first(), by=by),
    "delete": lambda shelf, by: lifecycle.delete_project(shelf, by=by),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
@pytest.mark.parametrize("who", ["bob", "mallory"])
def test_only_owners_may(
    verb: Verb, who: str, shelf: Project, bob: Person, mallory: Person
) -> None:
    number = last_event(shelf).number
    with pytest.raises(PermissionDenied):
        verb(shelf, by={"bob": bob, "mallory": mallory}[who].actor)
    assert Event.objects.latest("number").number == number
    assert shelf.files.count() == 3


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_nothing_is_changed_in_quarantine(verb: Verb, shelf: Project, alice: Person) -> None:
    Project.objects.update(status="quarantined")
    with pytest.raises(PermissionDenied, match="quarantined"):
        verb(shelf, by=alice.actor)
    assert shelf.files.count() == 3


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
@pytest.mark.parametrize("lacks", ["a second factor", "a verified address"])
def test_an_account_that_is_not_protected_may_not(
    verb: Verb, lacks: str, shelf: Project, alice: Person
) -> None:
    if lacks == "a second factor":
        alice.app.delete()
    else:
        alice.user.email_addresses.update(verified_at=None)
    with pytest.raises(PermissionDenied, match="before you manage projects"):
        verb(shelf, by=alice.actor)
    assert shelf.files.count() == 3


@pytest.mark.parametrize(
    ("verb", "notice"),
    [
        ("archive", "project_archived"),
        ("delete a file", "file_deleted"),
        ("delete a release", "release_deleted"),
        ("delete", "project_deleted"),
    ],
)
def test_everybody_with_a_role_is_told(
    verb: str, notice: str, shelf: Project, alice: Person
) -> None:
    VERBS[verb](shelf, by=alice.actor)
    assert told() == {notice: ["alice", "bob"]}
    for mail in OutboxMail.objects.all():
        message = render(mail)
        assert "Foo" in message.subject
        assert "alice" in message.body


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_what_was_deleted_meanwhile_is_refused(verb: Verb, shelf: Project, alice: Person) -> None:
    rows: dict[str, Any] = {"file": shelf.files.first(), "release": shelf.releases.first()}
    lifecycle.delete_project(shelf, by=alice.actor)
    number = Event.objects.latest("number").number
    for act in (
        lambda: lifecycle.archive_project(shelf, by=alice.actor),
        lambda: lifecycle.delete_file(rows["file"], by=alice.actor),
        lambda: lifecycle.delete_release(rows["release"], by=alice.actor),
        lambda: lifecycle.delete_project(shelf, by=alice.actor),
    ):
        with pytest.raises(ValidationError, match="deleted in the meantime"):
            act()
    assert Event.objects.latest("number").number == number


def test_a_file_is_deleted_once(shelf: Project, alice: Person) -> None:
    file = shelf.files.select_related("project").first()
    again = File.objects.select_related("project").get(pk=file.pk)
    lifecycle.delete_file(file, by=alice.actor)
    with pytest.raises(ValidationError, match="deleted in the meantime"):
        lifecycle.delete_file(again, by=alice.actor)


def test_an_upload_races_with_the_deletion_of_its_project(
    committed_db: Database, alice: Person, publish: Publish, foo: Project
) -> None:
    """One after the other: either there is a project with a file, or a tombstone and nothing."""
    first = publish("1.0")
    outcomes = race_all(
        [
            lambda: lifecycle.delete_project(foo, by=alice.actor),
            lambda: publish("2.0"),
            lambda: publish("3.0"),
        ]
    )
    assert outcomes[0] is None
    assert not File.objects.exists()
    assert BurntFilename.objects.filter(filename=first.filename).exists()
    for outcome in outcomes[1:]:
        assert isinstance(outcome, File | ValidationError)
