"""Uploads, yanks and tokens at the same moment, on a database that commits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Signal
from typing import Any

import pytest
from django.utils import timezone

from audit.actors import system
from audit.log import verify
from audit.models import Event
from projects import storage
from projects.models import File, Project, Release, Role
from projects.operations import contents
from projects.operations.contents import ContentInUse
from projects.operations.publishing import unyank_release, yank_release
from tests.support.artifacts import make_wheel
from tests.support.clone import Database, race_all
from tests.support.people import Person
from tests.support.uploading import said, token_of, upload


def uploading(token: str, project: str, release: str, **options: Any) -> Callable[[], Any]:
    """A function that uploads."""
    return lambda: upload(token, project, release, **options)


def test_uploads_yanks_and_new_tokens_do_not_stop_one_another(
    committed_db: Database, alice: Person
) -> None:
    token = token_of(alice, name="first")
    upload(token, "foo", "1.0")
    project, release = Project.objects.get(), Release.objects.get()

    def make_token(number: int) -> Callable[[], Any]:
        return lambda: token_of(alice, project, name=f"token {number}")

    def yank() -> None:
        yank_release(release, by=alice.actor, reason="broken")
        unyank_release(release, by=alice.actor)

    for round_number in range(4):
        functions: list[Callable[[], Any]] = [yank, yank]
        for number in range(3):
            functions.append(uploading(token, "foo", f"2.{round_number}.{number}"))
            functions.append(make_token(10 * round_number + number))
        outcomes = race_all(functions)
        assert not [row for row in outcomes if isinstance(row, BaseException)]
        assert {row.status_code for row in outcomes if hasattr(row, "status_code")} == {200}
    assert File.objects.count() == 13
    last = Event.objects.filter(kind__startswith="project:").order_by("-number").first()
    assert last
    assert Project.objects.get().serial == last.number
    assert verify() is None


def test_of_two_people_who_upload_a_new_name_at_once_one_owns_it(
    committed_db: Database, alice: Person, bob: Person
) -> None:
    tokens = [token_of(alice), token_of(bob)]
    for name in ("one", "two", "three"):
        outcomes: list[Any] = race_all([uploading(token, name, "1.0") for token in tokens] * 2)
        assert not [row for row in outcomes if isinstance(row, BaseException)]
        assert {row.status_code for row in outcomes} <= {200, 400, 403}
        owner = Role.objects.get(project__name=name).user_id
        assert owner in {alice.user.pk, bob.user.pk}
        refused = [said(row) for row in outcomes if row.status_code == 403]
        assert len(refused) == 2
        assert File.objects.filter(project__name=name).count() == 1


def test_of_two_contents_for_one_file_name_at_once_one_is_published(
    committed_db: Database, alice: Person
) -> None:
    token = token_of(alice)
    upload(token, "foo", "1.0")
    for release in ("1.1", "1.2", "1.3"):
        artifacts = [
            make_wheel("foo", release, files={"foo/which.py": f"x = {n}\n".encode()})
            for n in range(2)
        ]
        outcomes: list[Any] = race_all(
            [uploading(token, "foo", release, artifact=artifact) for artifact in artifacts]
        )
        assert sorted(row.status_code for row in outcomes) == [200, 400]
        assert [said(row)[:19] for row in outcomes if row.status_code == 400] == [
            "File already exists"
        ]


def test_of_an_upload_and_a_removal_of_its_content_at_once_one_sees_the_other(
    committed_db: Database, alice: Person
) -> None:
    token = token_of(alice)

    def removing(digest: str) -> Callable[[], Any]:
        def remove() -> None:
            with suppress(ContentInUse):
                contents.remove_content(digest, by=system())

        return remove

    for number in range(8):
        artifact = make_wheel("foo", f"1.{number}")
        digest = hashlib.blake2b(artifact[1], digest_size=32).hexdigest()
        send = uploading(token, "foo", f"1.{number}", artifact=artifact)
        answer, removed = race_all([send, removing(digest)])
        assert not isinstance(removed, BaseException)
        is_published = File.objects.filter(filename=artifact[0]).exists()
        assert answer.status_code == (200 if is_published else 503)
        assert storage.exists(digest) or not is_published


def test_a_removal_that_another_process_has_finished_takes_nothing_from_under_a_new_file(
    committed_db: Database, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, artifact = token_of(alice), make_wheel("foo", "1.0")
    digest = hashlib.blake2b(artifact[1], digest_size=32).hexdigest()
    upload(token, artifact=artifact)
    File.objects.all().delete()
    is_waiting, goes_on = Signal(), Signal()
    set_aside = storage.set_aside

    def set_aside_and_answer_late(path: str) -> None:
        set_aside(path)
        if not is_waiting.is_set():
            is_waiting.set()
            assert goes_on.wait(60)

    def take_over_and_upload() -> Any:
        assert is_waiting.wait(60)
        later = timezone.now() + contents.ABANDONED_AFTER
        assert upload(token, artifact=artifact).status_code == 503
        contents.remove_contents_due(by=system(), now=later)
        answer = upload(token, artifact=artifact)
        goes_on.set()
        return answer

    monkeypatch.setattr(storage, "set_aside", set_aside_and_answer_late)
    answer, removed = race_all(
        [
            take_over_and_upload,
            lambda: contents.remove_content(digest, by=system(), sets_aside=True),
        ]
    )
    assert (getattr(answer, "status_code", answer), removed) == (200, None)
    assert storage.exists(digest)
    assert storage.exists(digest, storage.METADATA)


def test_sixteen_uploads_at_once_to_one_project_and_to_sixteen_lose_nothing(
    committed_db: Database, alice: Person
) -> None:
    token = token_of(alice)
    upload(token, "one", "0.1")
    functions = [uploading(token, "one", f"1.{number}") for number in range(16)]
    functions += [uploading(token, f"many-{number:02}x", "1.0") for number in range(16)]
    for half in (functions[:16], functions[16:]):
        outcomes: list[Any] = race_all(half)
        assert [getattr(row, "status_code", row) for row in outcomes] == [200] * 16
    assert File.objects.filter(project__name="one").count() == 17
    assert Project.objects.count() == Role.objects.count() == 17
    assert File.objects.count() == Event.objects.filter(kind="project:file:uploaded").count() == 33
    assert all(storage.exists(file.blake2b_256) for file in File.objects.all())
    assert verify() is None


def test_of_two_names_that_look_alike_created_at_once_one_is(
    committed_db: Database, alice: Person, bob: Person
) -> None:
    tokens = token_of(alice), token_of(bob)
    for number in range(4):
        names = f"al1ke-{number}q", f"alike-{number}q"
        outcomes: list[Any] = race_all(
            [uploading(token, name, "1.0") for token, name in zip(tokens, names, strict=True)]
        )
        assert sorted(row.status_code for row in outcomes) == [200, 400]
        assert Project.objects.filter(name__in=names).count() == 1
