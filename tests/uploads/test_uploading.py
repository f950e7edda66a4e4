"""The delivery door, request by request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, User
from audit.models import Event
from projects import storage
from projects.models import File, Project, Release, Role
from tests.support.artifacts import make_wheel
from tests.support.people import Person
from tests.support.uploading import basic, form_for, said, token_of, upload
from tokens.macaroons import attenuate
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token
from uploads import incoming

pytestmark = pytest.mark.django_db


def leftovers() -> list[Path]:
    """What requests left in the folder of incoming files."""
    return list(Path(settings.INCOMING_ROOT).glob("*"))


def test_a_first_upload_creates_project_release_file_and_owner(alice: Person) -> None:
    response = upload(token_of(alice), "foo", "1.0")
    assert response.status_code == 200
    file = File.objects.select_related("project", "release").get()
    assert (file.project.name, file.release.version, file.kind) == ("foo", "1.0", "bdist_wheel")
    assert Role.objects.get().user_id == alice.user.pk
    assert (file.uploaded_by, file.token_name) == ("alice", "a token")
    assert storage.exists(file.blake2b_256)
    kinds = list(Event.objects.order_by("number").values_list("kind", flat=True))
    assert kinds[-2:] == ["project:release:created", "project:file:uploaded"]
    assert file.project.serial == Event.objects.order_by("-number").values_list("number").first()[0]


def test_metadata_is_kept_beside_a_wheel(alice: Person) -> None:
    upload(token_of(alice))
    file = File.objects.get()
    with storage.open_blob(file.blake2b_256, ".metadata") as content:
        assert hashlib.sha256(content.read()).hexdigest() == file.metadata_sha256


def test_the_archive_decides_what_the_metadata_says(alice: Person) -> None:
    upload(token_of(alice), summary="what the form says")
    assert Release.objects.get().summary != "what the form says"


def test_the_same_file_again_is_no_error_and_changes_nothing(alice: Person) -> None:
    token = token_of(alice)
    upload(token)
    events, serial = Event.objects.count(), Project.objects.get().serial
    assert upload(token).status_code == 200
    assert (Event.objects.count(), Project.objects.get().serial) == (events, serial)


def test_the_same_name_with_other_content_is_refused(alice: Person) -> None:
    token = token_of(alice)
    upload(token)
    other = make_wheel("foo", "1.0", files={"foo/other.py": b"x = 1\n"})
    response = upload(token, artifact=other)
    assert response.status_code == 400
    assert said(response).startswith("File already exists (foo-1.0-py3-none-any.whl")
    assert File.objects.count() == 1


def test_a_stranger_cannot_upload_to_somebody_elses_project(alice: Person, mallory: Person) -> None:
    upload(token_of(alice))
    response = upload(token_of(mallory), release="1.1")
    assert response.status_code == 403
    assert "mallory" in said(response)
    assert "foo" in said(response)


def test_permission_is_asked_before_the_archive_is_opened(alice: Person, mallory: Person) -> None:
    upload(token_of(alice))
    response = upload(
        token_of(mallory), version="1.1", artifact=("foo-1.1-py3-none-any.whl", b"not a zip")
    )
    assert response.status_code == 403


def test_a_stranger_does_not_learn_whether_a_file_is_there(alice: Person, mallory: Person) -> None:
    upload(token_of(alice))
    assert upload(token_of(mallory)).status_code == 403


def test_a_maintainer_can_upload(alice: Person, bob: Person) -> None:
    upload(token_of(alice))
    Role.objects.create(user=bob.user, project=Project.objects.get(), kind="maintainer")
    assert upload(token_of(bob), release="1.1").status_code == 200


def test_a_project_token_uploads_to_its_project_alone(alice: Person) -> None:
    upload(token_of(alice, name="wide"))
    narrow = token_of(alice, Project.objects.get(), name="narrow")
    assert upload(narrow, release="1.1").status_code == 200
    refused = upload(narrow, "bar")
    assert refused.status_code == 403
    assert "bar" in said(refused)
    assert not Project.objects.filter(name="bar").exists()


def test_a_project_token_does_not_follow_the_name_to_another_project(
    alice: Person, bob: Person
) -> None:
    upload(token_of(alice, name="wide"))
    narrow = token_of(alice, Project.objects.get(), name="narrow")
    Project.objects.all().delete()
    upload(token_of(bob), "foo")
    Role.objects.create(user=alice.user, project=Project.objects.get(), kind="maintainer")
    assert upload(narrow, release="1.1").status_code == 403


def test_a_revoked_token_stops_working(alice: Person) -> None:
    text = token_of(alice)
    revoke_token(APIToken.objects.get(), reason="test", by=alice.actor)
    response = upload(text)
    assert response.status_code == 403
    assert "revoked" in said(response)


def test_a_token_that_is_revoked_while_the_file_travels_publishes_nothing(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = token_of(alice)
    receive = incoming.receive

    @contextmanager
    def revoke_meanwhile(request: Any) -> Iterator[Any]:
        with receive(request) as received:
            revoke_token(APIToken.objects.get(), reason="test", by=alice.actor)
            yield received

    monkeypatch.setattr(incoming, "receive", revoke_meanwhile)
    response = upload(text)
    assert response.status_code == 403
    assert "revoked while the file was on its way" in said(response)
    assert not File.objects.exists()


def test_what_a_bearer_writes_into_a_token_is_not_kept(alice: Person) -> None:
    text = token_of(alice)
    for number in range(5000, 5010):
        assert upload(attenuate(text, [f"[{number},1]"])).status_code == 403
    event = Event.objects.get(kind="token:token:refused")
    assert event.fields["reason"] == "its restrictions do not allow this"


def test_trying_one_project_after_another_is_one_failure(alice: Person, mallory: Person) -> None:
    token, theirs = token_of(alice), token_of(mallory)
    for number in range(4):
        upload(token, f"foo{number}")
        upload(theirs, f"foo{number}", "1.1")
    event = Event.objects.get(kind="token:token:refused")
    assert event.actor_label == "mallory"


def test_a_wheel_is_one_distribution(alice: Person) -> None:
    other = {"twob-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: twob\nVersion: 1.0\n"}
    response = upload(token_of(alice), "twoa", artifact=make_wheel("twoa", "1.0", files=other))
    assert response.status_code == 400
    assert "twob-1.0.dist-info" in said(response)


def test_a_name_in_the_metadata_that_is_none_leaves_nothing(alice: Person) -> None:
    metadata = f"Metadata-Version: 2.1\nName: bar{'.' * 300}baz\nVersion: 1.0\n"
    artifact = make_wheel("bar-baz", "1.0", metadata=metadata)
    before = [path for path in Path(settings.FILES_ROOT).rglob("*") if path.is_file()]
    assert upload(token_of(alice), "bar-baz", artifact=artifact).status_code == 400
    assert [path for path in Path(settings.FILES_ROOT).rglob("*") if path.is_file()] == before


def test_a_token_without_a_stored_action_is_refused(alice: Person) -> None:
    text = token_of(alice)
    token = APIToken.objects.get()
    token.caveats = token.caveats[:-1]
    token.save()
    assert upload(text).status_code == 403


def test_a_stored_caveat_narrows_a_token_that_is_out(alice: Person) -> None:
    text = token_of(alice)
    token = APIToken.objects.get()
    token.caveats = [*token.caveats[:-1], '[1000,["upload"]]']
    token.save()
    response = upload(text)
    assert response.status_code == 403
    assert "create" in said(response)


def test_a_forged_token_is_refused(alice: Person) -> None:
    text = token_of(alice)
    flipped = "B" if text[-10] == "A" else "A"
    assert upload(text[:-10] + flipped + text[-9:]).status_code == 403


def test_the_token_of_a_closed_account_is_refused(alice: Person) -> None:
    text = token_of(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert upload(text).status_code == 403


def test_an_account_without_a_verified_address_uploads_nothing(alice: Person) -> None:
    text = token_of(alice)
    EmailAddress.objects.update(verified_at=None)
    response = upload(text)
    assert response.status_code == 403
    assert "not verified" in said(response)


def test_an_account_without_a_second_factor_uploads_nothing(alice: Person) -> None:
    text = token_of(alice)
    AuthenticatorApp.objects.all().delete()
    response = upload(text)
    assert response.status_code == 403
    assert "second factor" in said(response)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic " + "A" * 3,
        basic("x", username="alice"),
        basic("", username="__token__"),
        basic("pypi-garbage"),
        basic("pypi-" + "A" * 7000),
        "Digest x",
        "Bearer pypi-AgEIcHlwaS5vcmc",
    ],
)
def test_bad_credentials_are_refused_with_403_and_a_line(header: str) -> None:
    response = upload("", header=header)
    assert response.status_code == 403
    assert said(response)


def test_a_password_is_refused_with_what_to_do(alice: Person) -> None:
    response = upload("", header=basic(alice.password, username="alice"))
    assert response.status_code == 403
    assert "__token__" in said(response)


def test_bearer_works_too(alice: Person) -> None:
    assert upload("", header=f"Bearer {token_of(alice)}").status_code == 200


def test_a_token_in_a_password_with_a_line_end_works(alice: Person) -> None:
    assert upload("", header=basic(f"{token_of(alice)}\r\n")).status_code == 200


@pytest.mark.parametrize(
    ("action", "status"),
    [("submit", 410), ("submit_pkg_info", 410), ("doc_upload", 410), ("x", 405), ("", 405)],
)
def test_other_actions_say_so(alice: Person, action: str, status: int) -> None:
    response = upload(token_of(alice), **{":action": action})
    assert response.status_code == status
    assert said(response)


def test_the_action_may_stand_in_the_address(alice: Person) -> None:
    filename, content = make_wheel("foo", "1.0")
    form = form_for(filename, content, "foo", "1.0")
    del form[":action"]
    response = Client().post(
        "/legacy/?:action=file_upload", form, headers={"Authorization": basic(token_of(alice))}
    )
    assert response.status_code == 200


def test_the_address_without_its_slash_says_where_to_go(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    response = Client(SERVER_NAME="evil.example.org").post("/legacy")
    assert (response.status_code, response["Location"]) == (308, "http://localhost:8000/legacy/")
    assert "http://localhost:8000/legacy/, with a slash" in said(response)


def test_other_methods_are_refused_and_a_browser_gets_help() -> None:
    assert Client().put("/legacy/").status_code == 405
    page = Client().get("/legacy/")
    assert page.status_code == 200
    assert "Cookie" not in page.headers.get("Vary", "")


def test_a_signature_file_is_ignored(alice: Person) -> None:
    signature = SimpleUploadedFile("foo.asc", b"signature")
    assert upload(token_of(alice), gpg_signature=signature).status_code == 200
    assert not leftovers()


def test_unknown_fields_are_ignored(alice: Person) -> None:
    assert upload(token_of(alice), attestations="[]", nonsense=["1", "2"]).status_code == 200


def test_a_refusal_is_recorded_for_the_account_and_the_project(
    alice: Person, mallory: Person
) -> None:
    upload(token_of(alice))
    upload(token_of(mallory), release="1.1")
    event = Event.objects.get(kind="token:token:refused")
    assert event.actor_label == "mallory"
    assert event in Event.objects.for_user(mallory.user)
    assert event in Event.objects.for_project(Project.objects.get())


def test_no_token_is_in_any_event(alice: Person) -> None:
    text = token_of(alice)
    upload(text)
    upload(text[:-4])
    for event in Event.objects.all():
        assert text[:60] not in str(event.fields)


def test_last_use_is_noted(alice: Person) -> None:
    upload(token_of(alice))
    used = APIToken.objects.get().last_used_at
    assert used is not None
    assert timezone.now() - used < timedelta(minutes=1)


def _count_queries(django_assert_max_num_queries: Any, token: str, version: str) -> int:
    with django_assert_max_num_queries(80) as queries:
        assert upload(token, release=version).status_code == 200
    return len(queries)


def test_an_uploads_queries_do_not_grow_with_what_is_there(
    alice: Person, django_assert_max_num_queries: Any
) -> None:
    token = token_of(alice)
    upload(token)
    few = _count_queries(django_assert_max_num_queries, token, "1.1")
    project = Project.objects.get()
    _fill(project, alice)
    APIToken.objects.update(last_used_at=None)
    many = _count_queries(django_assert_max_num_queries, token, "1.2")
    assert many <= few + 1  # the note of the token's use, which is due again
    assert few < 55


def _fill(project: Project, person: Person, count: int = 500) -> None:
    Project.objects.bulk_create(
        Project(name=f"other-{n}", normalized_name=f"other-{n}") for n in range(count)
    )
    releases = Release.objects.bulk_create(
        Release(project=project, version=f"2.{n}", canonical_version=f"2.{n}") for n in range(count)
    )
    File.objects.bulk_create(
        File(
            project=project,
            release=release,
            filename=f"foo-{release.version}.tar.gz",
            kind="sdist",
            size=1,
            sha256="0" * 64,
            blake2b_256="0" * 64,
            md5="0" * 32,
            python_tag="source",
            uploaded_by="alice",
        )
        for release in releases
    )
    APIToken.objects.bulk_create(
        APIToken(user=person.user, name=f"token {n}", root_key="", caveats=[]) for n in range(490)
    )
