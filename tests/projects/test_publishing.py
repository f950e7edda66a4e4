"""First uploads, further files, and yanks: what changes, what is recorded, what is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import OutboxMail
from accounts.notices import render
from audit.models import Event
from projects.models import File, Project, Release, Role
from projects.operations import publishing
from projects.operations.publishing import (
    FileExists,
    create_project,
    publish_file,
    unyank_release,
    yank_release,
)
from tests.projects.conftest import Publish
from tests.projects.shelves import new_file
from tests.support.artifacts import make_wheel
from tests.support.people import Person


def kinds(project: Project) -> list[str]:
    """The kinds of a project's events, oldest first."""
    return [event.kind for event in reversed(Event.objects.for_project(project))]


def last_number(project: Project) -> int:
    return Event.objects.for_project(project).first().number


def test_the_first_upload_makes_an_owner(alice: Person) -> None:
    project = create_project("Foo.Bar", by=alice.actor)
    assert (project.name, project.normalized_name) == ("Foo.Bar", "foo-bar")
    assert [(role.user, role.kind) for role in project.roles.all()] == [(alice.user, "owner")]
    assert kinds(project) == ["project:project:created", "project:role:added"]


def test_a_new_project_shows_in_the_history_of_its_owner(alice: Person) -> None:
    create_project("foo", by=alice.actor)
    about_alice = {event.kind for event in Event.objects.for_user(alice.user)}
    assert about_alice == {"project:project:created", "project:role:added"}


@pytest.mark.parametrize("name", ["", "-foo", "foo bar", "f\u00f6\u00f6", "x" * 201])
def test_what_is_no_name_creates_nothing(name: str, alice: Person) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_project(name, by=alice.actor)
    assert refusal.value.messages[0].isascii()
    assert not Project.objects.exists()


def test_who_comes_second_and_has_no_role_is_refused(foo: Project, mallory: Person) -> None:
    with pytest.raises(PermissionDenied, match="'mallory' is not allowed to upload"):
        create_project("foo", by=mallory.actor)
    assert Project.objects.count() == 1
    assert Role.objects.count() == 1


def test_who_comes_second_and_has_a_role_goes_on(foo: Project, alice: Person) -> None:
    number = last_number(foo)
    assert create_project("FOO", by=alice.actor) == foo
    assert last_number(foo) == number


def test_a_file_is_put_on_the_shelf_with_all_that_is_known_of_it(
    foo: Project, alice: Person
) -> None:
    filename, content = make_wheel("foo", "1.0")
    upload = new_file(
        filename,
        content,
        metadata_file=b"Name: foo\n",
        summary="Does foo.",
        requires_python=">=3.11",
        token_id="b2f5ff47-4366-4c34-9a1f-3c39e2a5cdb1",
        token_name="release job",
        uploader_factor="app",
    )
    actor = alice.actor.with_token(token_id=upload.token_id, label="release job")
    file = publish_file(foo, upload, by=actor)
    file.refresh_from_db()
    written = {field.name for field in dataclasses.fields(upload)} - {
        "version",
        "metadata",
        "summary",
        "is_warned",
    }
    assert {name: getattr(file, name) for name in written} == {
        name: getattr(upload, name) for name in written
    }
    assert (file.uploaded_by, file.uploaded_by_id) == ("alice", str(alice.user.pk))
    assert (file.release.version, file.release.summary) == ("1.0", "Does foo.")
    assert file.path == f"{file.blake2b_256[:2]}/{file.blake2b_256[2:4]}/{file.blake2b_256[4:]}"
    event = Event.objects.for_project(foo).first()
    assert (event.credential, event.credential_label) == ("token", "release job")


def test_the_first_file_makes_the_release(foo: Project, publish: Publish) -> None:
    publish("1.0")
    assert kinds(foo)[2:] == ["project:release:created", "project:file:uploaded"]


def test_spellings_of_one_version_are_one_release(foo: Project, publish: Publish) -> None:
    publish("1.0")
    publish("1.0.0", kind="sdist")
    assert [release.version for release in foo.releases.all()] == ["1.0"]
    assert foo.files.count() == 2
    assert kinds(foo).count("project:release:created") == 1


def test_the_serial_is_the_number_of_the_last_event(
    foo: Project, publish: Publish, alice: Person
) -> None:
    serials = []
    for change in (
        lambda: None,
        lambda: publish("1.0"),
        lambda: publish("1.0", kind="sdist"),
        lambda: yank_release(foo.releases.get(), by=alice.actor, reason="broken"),
        lambda: unyank_release(foo.releases.get(), by=alice.actor),
    ):
        change()
        foo.refresh_from_db()
        assert foo.serial == last_number(foo)
        serials.append(foo.serial)
    assert serials == sorted(set(serials))


def test_the_same_file_again_changes_nothing(foo: Project, publish: Publish) -> None:
    file = publish("1.0")
    foo.refresh_from_db()
    serial, number = foo.serial, last_number(foo)
    assert publish("1.0") == file
    foo.refresh_from_db()
    assert (foo.serial, last_number(foo)) == (serial, number)


def test_other_content_under_a_taken_name_is_refused(
    foo: Project, publish: Publish, alice: Person
) -> None:
    file = publish("1.0")
    foo.refresh_from_db()
    with pytest.raises(FileExists) as refusal:
        publish_file(foo, new_file(file.filename, b"something else"), by=alice.actor)
    assert refusal.value.messages[0].isascii()
    assert file.filename in refusal.value.messages[0]
    assert foo.serial == last_number(foo)


def test_what_changed_since_the_check_is_checked_again(
    foo: Project, publish: Publish, alice: Person
) -> None:
    foo.refresh_from_db()
    checked_at, content = foo.serial, b"the same bytes"
    upload = new_file("foo-2.0.tar.gz", content)
    assert publishing.find_same_file(foo, upload) is None
    publish_file(foo, new_file("foo-1.0.tar.gz", content), by=alice.actor)  # while it travels
    with pytest.raises(FileExists) as refusal:
        publish_file(foo, upload, by=alice.actor, checked_at=checked_at)
    assert refusal.value.code == "same_content"


def test_the_same_content_in_another_project_is_refused(publish: Publish, alice: Person) -> None:
    file = publish("1.0")
    bar = create_project("bar", by=alice.actor)
    filename, content = make_wheel("Foo", "1.0")
    assert filename == file.filename
    with pytest.raises(FileExists):
        publish_file(bar, new_file(filename, content), by=alice.actor)


def test_a_file_name_that_is_taken_at_the_last_moment_is_refused(
    foo: Project, publish: Publish, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another project's lock is another one, so the database's constraint decides."""
    file = publish("1.0")
    bar = create_project("bar", by=alice.actor)
    upload = new_file(file.filename, b"late")
    store_row = publishing._store_row
    File.objects.filter(pk=file.pk).update(filename="x-1.tar.gz")

    def be_overtaken(*args: Any) -> File:
        File.objects.filter(pk=file.pk).update(filename=upload.filename)
        return store_row(*args)

    monkeypatch.setattr(publishing, "_store_row", be_overtaken)
    serial = bar.serial
    with pytest.raises(FileExists):
        publish_file(bar, upload, by=alice.actor)
    bar.refresh_from_db()
    assert bar.serial == serial
    assert not bar.releases.exists()


def test_permission_is_asked_again_under_the_lock(
    foo: Project, alice: Person, publish: Publish
) -> None:
    actor = alice.actor
    Role.objects.filter(project=foo).delete()
    with pytest.raises(PermissionDenied):
        publish("1.0", by=actor)
    assert not foo.files.exists()
    assert not foo.releases.exists()


def test_the_status_is_read_under_the_lock(foo: Project, publish: Publish) -> None:
    Project.objects.filter(pk=foo.pk).update(status="archived")
    with pytest.raises(PermissionDenied, match="archived"):
        publish("1.0")


def test_a_deleted_project_takes_no_file(foo: Project, alice: Person) -> None:
    upload = new_file(*make_wheel("foo", "1.0"))
    Project.objects.filter(pk=foo.pk).delete()
    with pytest.raises(ValidationError, match="deleted"):
        publish_file(foo, upload, by=alice.actor)


def test_the_project_is_locked_before_anything_is_asked(foo: Project, publish: Publish) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite locks the whole database at the start of a transaction")
    with CaptureQueriesContext(connection) as queries:
        publish("1.0")
    asked = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    role = next(number for number, sql in enumerate(asked) if "projects_role" in sql)
    lock = next(number for number, sql in enumerate(asked) if "FOR NO KEY UPDATE" in sql)
    assert lock < role


def test_a_yanked_release_says_why(foo: Project, publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    yank_release(release, by=alice.actor, reason="loses\n data")
    release.refresh_from_db()
    assert release.is_yanked
    assert release.yanked_reason == "loses data"
    event = Event.objects.for_project(foo).first()
    assert (event.kind, event.fields["reason"]) == ("project:release:yanked", "loses data")


def test_a_yank_is_told_to_the_owners(foo: Project, publish: Publish, alice: Person) -> None:
    yank_release(publish("1.0").release, by=alice.actor, reason="loses data")
    mail = OutboxMail.objects.get(notice="release_yanked")
    message = render(mail)
    assert mail.recipient == alice.email
    assert "Foo 1.0 was yanked" in message.subject
    assert "loses data" in message.body
    assert "/manage/project/foo/history/" in message.body


def test_taking_a_yank_back_is_told_to_the_owners(publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    yank_release(release, by=alice.actor, reason="loses data")
    unyank_release(release, by=alice.actor, reason="it was the disk")
    message = render(OutboxMail.objects.get(notice="release_unyanked"))
    assert "The yank of Foo 1.0 was taken back" in message.subject
    assert "it was the disk" in message.body


def test_yanking_again_changes_nothing(foo: Project, publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    yank_release(release, by=alice.actor, reason="broken")
    number, yanked_at = last_number(foo), release.yanked_at
    yank_release(release, by=alice.actor, reason="broken")
    assert last_number(foo) == number
    yank_release(release, by=alice.actor, reason="very broken")
    assert last_number(foo) == number + 1
    assert release.yanked_at == yanked_at


def test_an_unyanked_release_is_as_before(publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    yank_release(release, by=alice.actor, reason="broken")
    unyank_release(release, by=alice.actor)
    release.refresh_from_db()
    assert (release.yanked_at, release.yanked_reason) == (None, "")


def test_taking_back_no_yank_records_nothing(foo: Project, publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    number = last_number(foo)
    unyank_release(release, by=alice.actor)
    assert last_number(foo) == number


@pytest.mark.parametrize("act", [yank_release, unyank_release])
def test_only_owners_yank(
    act: Callable[..., None], foo: Project, publish: Publish, bob: Person, mallory: Person
) -> None:
    release = publish("1.0").release
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    for person in (bob, mallory):
        with pytest.raises(PermissionDenied):
            act(release, by=person.actor, reason="because")
    assert not Release.objects.get().is_yanked


def test_a_reason_gives_no_orders_to_terminals(publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    yank_release(release, by=alice.actor, reason="\x1b[2Jloses\x07\x00\x9bé data\x7f")
    assert release.yanked_reason == "[2Jloses é data"


@pytest.mark.parametrize("act", [yank_release, unyank_release])
def test_a_reason_has_a_greatest_length(
    act: Callable[..., None], publish: Publish, alice: Person
) -> None:
    release = publish("1.0").release
    with pytest.raises(ValidationError, match="300"):
        act(release, by=alice.actor, reason="x" * 301)


def test_a_deleted_release_is_not_yanked(foo: Project, publish: Publish, alice: Person) -> None:
    release = publish("1.0").release
    Release.objects.all().delete()
    with pytest.raises(ValidationError, match="deleted"):
        yank_release(release, by=alice.actor, reason="because")


def test_a_long_release_history_does_not_slow_an_upload(
    foo: Project, publish: Publish, many: Callable[[Project, int], None]
) -> None:
    publish("1.0")
    with CaptureQueriesContext(connection) as few:
        publish("2.0")
    many(foo, 500)
    with CaptureQueriesContext(connection) as lots:
        publish("3.0")
    assert len(few) == len(lots)
