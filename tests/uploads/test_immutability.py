"""What was published once stays as it was: names of files, contents, old releases; and limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import OutboxMail, User
from accounts.notices import render
from audit.models import Event
from projects.models import BurntFilename, DeletedProject, File, Project, Release, Role
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.uploading import said, token_of, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(alice: Person) -> str:
    """A token of alice, whose project foo has a wheel of 1.0."""
    text = token_of(alice)
    assert upload(text).status_code == 200
    return text


def delete_files() -> None:
    BurntFilename.objects.burn(File.objects.all())
    File.objects.all().delete()


def test_the_name_of_a_deleted_file_is_not_used_again(token: str) -> None:
    same = make_wheel("foo", "1.0")
    delete_files()
    for artifact in (same, make_wheel("foo", "1.0", files={"foo/x.py": "x = 1\n"})):
        response = upload(token, artifact=artifact)
        assert response.status_code == 400
        assert "was used by a file that was deleted" in said(response)


def test_the_name_of_a_file_of_a_deleted_project_is_not_used_again(
    token: str, alice: Person
) -> None:
    DeletedProject.objects.bury(Project.objects.get(), deleted_by="alice")
    Project.objects.all().delete()
    assert "was used by a file that was deleted" in said(upload(token))
    assert not Project.objects.exists()
    assert upload(token, release="1.1").status_code == 200


def test_the_same_content_under_another_name_is_refused_in_the_project(token: str) -> None:
    content = make_wheel("foo", "1.0")[1]
    response = upload(token, artifact=("foo-1.0-1-py3-none-any.whl", content))
    assert response.status_code == 400
    assert said(response).startswith(
        "File already exists, under another name: foo-1.0-py3-none-any"
    )


def test_a_release_has_one_sdist(token: str) -> None:
    assert upload(token, is_sdist=True).status_code == 200
    other = make_sdist("foo", "1.0.0")
    response = upload(token, release="1.0.0", artifact=other)
    assert response.status_code == 400
    assert "has an sdist, foo-1.0.tar.gz, and can have one" in said(response)


def test_an_old_release_takes_files_unless_the_settings_say_otherwise(
    token: str, settings: Any
) -> None:
    Release.objects.update(created_at=timezone.now() - timedelta(days=15))
    settings.RELEASE_OPEN_DAYS = 14
    response = upload(token, is_sdist=True)
    assert "older than 14 days" in said(response)
    assert upload(token).status_code == 200  # what is there already stays no error
    other = make_wheel("foo", "1.0", files={"foo/x.py": ""})
    assert said(upload(token, artifact=other)).startswith("File already exists")
    assert upload(token, release="1.1").status_code == 200
    settings.RELEASE_OPEN_DAYS = 0
    assert upload(token, is_sdist=True).status_code == 200


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"file_size_limit": 100}, "the limit of this project is"),
        ({"total_size_limit": 1000}, "all its files together"),
    ],
)
def test_a_project_may_have_limits_of_its_own(
    token: str, limits: dict[str, int], reason: str
) -> None:
    Project.objects.update(**limits)
    response = upload(token, release="1.1")
    assert response.status_code == 400
    assert reason in said(response)
    assert upload(token).status_code == 200


def test_all_files_of_a_project_together_are_limited(token: str, settings: Any) -> None:
    size = File.objects.get().size
    settings.PROJECT_SIZE_LIMIT = size * 3
    assert upload(token, release="1.1").status_code == 200
    assert upload(token, release="1.2").status_code == 200
    assert upload(token, release="1.3").status_code == 400
    Project.objects.update(total_size_limit=size * 10)
    assert upload(token, release="1.3").status_code == 200


def test_a_suspended_account_uploads_nothing(token: str) -> None:
    User.objects.update(uploads_suspended_at=timezone.now())
    response = upload(token, release="1.1")
    assert response.status_code == 403
    assert "suspended" in said(response)


def test_owners_hear_of_a_release_that_somebody_else_made(
    token: str, alice: Person, bob: Person
) -> None:
    project = Project.objects.get()
    Role.objects.create(user=bob.user, project=project, kind="maintainer")
    theirs = token_of(bob)
    assert upload(theirs, release="1.1").status_code == 200
    assert upload(theirs, release="1.1", is_sdist=True).status_code == 200
    mail = OutboxMail.objects.get(notice="release_created")
    message = render(mail)
    assert message.to == [alice.email]
    assert message.subject == "[Indexsite] bob released foo 1.1"
    assert "bob uploaded the first file of version 1.1 of foo" in message.body
    assert "http://localhost:8000/" in message.body


def test_owners_do_not_hear_of_their_own_releases(token: str) -> None:
    assert not OutboxMail.objects.filter(notice="release_created").exists()


def test_an_upload_is_recorded_with_its_token_and_digests(token: str) -> None:
    event = Event.objects.get(kind="project:file:uploaded")
    file = File.objects.get()
    assert event.fields["sha256"] == file.sha256
    assert event.fields["blake2b_256"] == file.blake2b_256
    assert (event.credential, event.credential_id) == ("token", file.token_id)
