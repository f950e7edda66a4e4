"""A site that cannot take a file says so in one line, and publishes nothing half."""

from __future__ import annotations

import errno
import hashlib
from typing import Any

import pytest
from django.conf import settings as site
from django.db import OperationalError
from django.test import Client

from accounts import obstacles
from audit.actors import system
from audit.models import Event
from projects import storage
from projects.models import ContentRemoval, File, Project
from projects.operations import contents
from projects.storage import StorageFailed
from tests.support.artifacts import make_wheel
from tests.support.people import Person
from tests.support.uploading import said, token_of, upload
from tests.uploads.test_bad_uploads import leftovers
from uploads import incoming, views
from uploads.authentication import UploadAuthentication

pytestmark = pytest.mark.django_db


def failing(error: Exception) -> Any:
    """A function that only fails."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")
READ_ONLY = OSError(errno.EROFS, "Read-only file system")
DOWN = StorageFailed("the bucket does not answer", is_passing=True)
FORBIDDEN = StorageFailed("AccessDenied", is_passing=False)


@pytest.mark.parametrize(
    ("error", "status", "part"),
    [
        (FULL, 507, "cannot store"),
        (READ_ONLY, 507, "cannot store"),
        (FORBIDDEN, 507, "cannot store"),
        (DOWN, 503, "try again"),
    ],
    ids=["full disk", "read-only disk", "forbidden bucket", "silent bucket"],
)
def test_a_store_that_fails_is_one_line_and_the_same_upload_succeeds_later(
    alice: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, part: str
) -> None:
    token = token_of(alice)
    with monkeypatch.context() as patched:
        patched.setattr(storage, "store", failing(error))
        response = upload(token)
    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("60" if status == 503 else None)
    assert part in said(response)
    assert "Nothing was published" in said(response)
    assert str(error) not in said(response)
    assert not Project.objects.exists()
    assert not leftovers()
    assert upload(token).status_code == 200


def test_a_disk_that_fills_up_while_the_file_travels_is_one_line(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(alice)
    with monkeypatch.context() as patched:
        patched.setattr(incoming.ReceivingHandler, "receive_data_chunk", failing(FULL))
        response = upload(token)
    assert (response.status_code, leftovers()) == (507, [])
    assert said(response).startswith("This site cannot store the file")
    assert upload(token).status_code == 200


def test_what_is_the_sites_fault_is_not_counted_against_the_uploader(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "store", failing(DOWN))
    upload(token_of(alice))
    assert not Event.objects.filter(kind="upload:file:refused").exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(alice: Person, settings: Any) -> None:
    site.FILES_ROOT.parent.joinpath("a-file").write_text("in the way")
    settings.FILES_ROOT = site.FILES_ROOT.parent / "a-file" / "files"
    assert upload(token_of(alice)).status_code == 507
    assert not Project.objects.exists()


@pytest.mark.parametrize("place", ["accept_upload", "record_failure"])
def test_a_database_that_does_not_answer_is_one_line(
    alice: Person, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    token = token_of(alice)
    monkeypatch.setattr(views, place, failing(OperationalError("database is locked")))
    response = upload(token, **({} if place == "accept_upload" else {"name": ""}))
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert said(response).startswith("The database of this site does not answer at the moment")


@pytest.mark.parametrize(
    ("owner", "name"), [(UploadAuthentication, "authenticate"), (obstacles, "find_obstacle")]
)
def test_a_database_that_is_gone_before_anybody_is_known_is_one_line(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    monkeypatch.setattr(owner, name, failing(OperationalError("connection refused")))
    response = upload("pypi-x")
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "try again" in said(response)


@pytest.mark.parametrize("place", ["accept_upload", "read_form"])
def test_a_mistake_of_the_sites_own_is_one_line_and_the_same_upload_succeeds_later(
    alice: Person, monkeypatch: pytest.MonkeyPatch, caplog: Any, place: str
) -> None:
    token = token_of(alice)
    client = Client(raise_request_exception=False)
    with monkeypatch.context() as patched:
        patched.setattr(views, place, failing(RuntimeError("a bug")))
        response = upload(token, client=client)
    assert (response.status_code, leftovers()) == (500, [])
    assert "the request is not to blame" in said(response)
    assert "a bug" not in said(response)
    assert "RuntimeError: a bug" in caplog.text
    assert not Event.objects.filter(kind="upload:file:refused").exists()
    assert upload(token).status_code == 200


def test_a_content_that_is_being_removed_is_not_published(alice: Person) -> None:
    artifact = make_wheel("foo", "1.0")
    token = token_of(alice)
    digest = hashlib.blake2b(artifact[1], digest_size=32).hexdigest()
    removal = ContentRemoval.objects.create(blake2b_256=digest)
    response = upload(token, artifact=artifact)
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "being removed at this moment" in said(response)
    removal.finished_at = removal.started_at
    removal.save()
    assert upload(token, artifact=artifact).status_code == 200
    assert File.objects.count() == 1


def test_a_content_that_is_removed_after_it_was_stored_is_not_published(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, store = token_of(alice), storage.store

    def store_and_lose(path: Any, digest: str, suffix: str = "") -> None:
        store(path, digest, suffix)
        if not suffix:
            contents.remove_content(digest, by=system())

    with monkeypatch.context() as patched:
        patched.setattr(storage, "store", store_and_lose)
        assert upload(token).status_code == 503
    assert not Project.objects.exists()
    assert upload(token).status_code == 200


@pytest.mark.parametrize("suffix", ["", storage.METADATA])
def test_a_content_that_was_lost_comes_again_by_the_same_upload(alice: Person, suffix: str) -> None:
    token = token_of(alice)
    upload(token)
    file, count = File.objects.get(), Event.objects.count()
    path = storage.path_of(file.blake2b_256, suffix)
    content = path.read_bytes()
    path.unlink()
    assert upload(token).status_code == 200
    assert path.read_bytes() == content
    assert (File.objects.count(), Event.objects.count()) == (1, count)


def test_a_store_that_cannot_say_whether_it_has_a_content_is_one_line(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(alice)
    upload(token)
    monkeypatch.setattr(storage, "exists", failing(DOWN))
    response = upload(token)
    assert (response.status_code, leftovers()) == (503, [])
    assert "try again" in said(response)
