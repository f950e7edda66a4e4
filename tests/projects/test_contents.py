"""Stored contents are removed in time, and never from under a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.actors import system
from audit.models import Event
from projects import storage
from projects.models import BurntFilename, ContentRemoval, File, Project
from projects.operations import contents
from projects.operations.contents import ContentInUse, ContentRemoved
from projects.stores import relative_path

pytestmark = pytest.mark.django_db
BY = system()
Publish = Callable[..., File]


@pytest.fixture
def deleted(foo: Project, publish: Publish) -> str:
    """The digest of a file that was deleted; its content is still there."""
    file = publish("1.0")
    BurntFilename.objects.burn(foo.files.all())
    file.delete()
    return file.blake2b_256


def in_days(days: float) -> Any:
    return timezone.now() + timedelta(days=days)


def is_kept(digest: str) -> bool:
    kept = {storage.exists(digest), storage.exists(digest, storage.METADATA)}
    assert len(kept) == 1
    return kept.pop()


def test_the_content_of_a_deleted_file_stays_for_seven_days(deleted: str) -> None:
    assert contents.remove_contents_due(by=BY, now=in_days(6.9)) == 0
    assert is_kept(deleted)
    assert contents.remove_contents_due(by=BY, now=in_days(7.1)) == 1
    assert not is_kept(deleted)
    assert contents.remove_contents_due(by=BY, now=in_days(8)) == 0


def test_a_removal_is_recorded(deleted: str) -> None:
    contents.remove_content(deleted, by=BY)
    event = Event.objects.get(kind="project:content:removed")
    assert event.fields["blake2b_256"] == deleted
    assert ContentRemoval.objects.get().finished_at is not None


def test_a_content_that_a_file_has_stays(publish: Publish) -> None:
    file = publish("1.0")
    with pytest.raises(ContentInUse):
        contents.remove_content(file.blake2b_256, by=BY)
    assert is_kept(file.blake2b_256)
    assert not Event.objects.filter(kind="project:content:removed").exists()
    assert contents.find_last_removal(file.blake2b_256) == 0


def test_a_content_that_another_file_has_stays_when_its_time_has_come(
    deleted: str, publish: Publish
) -> None:
    other = publish("1.1")
    File.objects.filter(pk=other.pk).update(blake2b_256=deleted)
    assert contents.remove_contents_due(by=BY, now=in_days(8)) == 0
    assert is_kept(deleted)
    assert BurntFilename.objects.get().content_settled_at is not None


def test_a_removal_between_storing_and_publishing_is_seen(deleted: str) -> None:
    mark = contents.find_last_removal(deleted)
    contents.require_kept(deleted, since=mark)
    contents.remove_content(deleted, by=BY)
    with pytest.raises(ContentRemoved):
        contents.require_kept(deleted, since=mark)
    contents.require_kept(deleted, since=contents.find_last_removal(deleted))


def test_while_a_content_is_being_removed_it_is_not_stored(
    deleted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def take(digest: str) -> None:
        with pytest.raises(ContentRemoved):
            contents.find_last_removal(digest)
        seen.append(digest)

    monkeypatch.setattr(storage, "remove", take)
    contents.remove_content(deleted, by=BY)
    assert seen == [deleted]
    assert contents.find_last_removal(deleted) > 0


@pytest.fixture
def deleted_later(deleted: str, publish: Publish, foo: Project) -> str:
    """The digest of a second file that was deleted."""
    file = publish("1.1")
    BurntFilename.objects.burn(foo.files.all())
    file.delete()
    return str(file.blake2b_256)


def test_a_content_that_cannot_be_removed_keeps_no_other_up(
    deleted: str, deleted_later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed, really_remove = [], storage.remove

    def remove(digest: str) -> None:
        if digest == deleted:
            raise PermissionError("the folder is read-only")
        really_remove(digest)
        removed.append(digest)

    monkeypatch.setattr(storage, "remove", remove)
    for day in (8, 9, 10):
        with pytest.raises(PermissionError):
            contents.remove_contents_due(by=BY, now=in_days(day))
    assert removed == [deleted_later]
    assert ContentRemoval.objects.filter(blake2b_256=deleted).count() == 1
    monkeypatch.undo()
    contents.remove_contents_due(by=BY, now=in_days(11))
    assert not is_kept(deleted)


@pytest.mark.usefixtures("deleted_later")
def test_where_the_store_is_down_the_first_content_ends_it(
    deleted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def remove(digest: str) -> None:
        tried.append(digest)
        raise storage.StorageFailed("no answer", is_passing=True)

    monkeypatch.setattr(storage, "remove", remove)
    with pytest.raises(storage.StorageFailed):
        contents.remove_contents_due(by=BY, now=in_days(8))
    assert tried == [deleted]


def die(*words: str) -> None:
    raise KeyboardInterrupt


def kill_removal(digest: str, monkeypatch: pytest.MonkeyPatch, **how: bool) -> None:
    """A removal whose process ends before the store has done anything."""
    with monkeypatch.context() as patched:
        patched.setattr(storage, "set_aside" if how else "remove", die)
        with pytest.raises(KeyboardInterrupt):
            contents.remove_content(digest, by=BY, **how)
    assert is_kept(digest)


def finish_later() -> None:
    contents.remove_contents_due(by=BY)
    contents.remove_contents_due(by=BY, now=timezone.now() + contents.ABANDONED_AFTER)


def test_a_removal_that_was_cut_off_is_done_later(
    deleted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_removal(deleted, monkeypatch)
    contents.remove_contents_due(by=BY)
    assert is_kept(deleted)
    finish_later()
    assert not is_kept(deleted)
    assert contents.find_last_removal(deleted) > 0


def test_what_was_to_be_set_aside_is_set_aside_later(
    deleted: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    BurntFilename.objects.update(content_settled_at=timezone.now())
    kill_removal(deleted, monkeypatch, sets_aside=True)
    finish_later()
    assert not is_kept(deleted)
    aside = settings.FILES_ROOT.parent / "set-aside" / relative_path(deleted)
    assert aside.is_file()
    assert aside.with_name(f"{aside.name}.metadata").is_file()


def test_an_older_removal_that_was_cut_off_holds_uploads_back(
    deleted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_removal(deleted, monkeypatch)
    contents.remove_content(deleted, by=BY)
    with pytest.raises(ContentRemoved):
        contents.find_last_removal(deleted)
    finish_later()
    assert contents.find_last_removal(deleted) > 0
