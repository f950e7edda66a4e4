"""Forms, bodies and archives that are wrong: one line each, and nothing half-stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from projects.models import Project
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.uploading import basic, form_for, said, token_of, upload

pytestmark = pytest.mark.django_db


def leftovers() -> list[Path]:
    """What requests left in the folder of incoming files."""
    return list(Path(settings.INCOMING_ROOT).glob("*"))


BAD_FORMS: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({}, ("content",), "no file"),
    ({}, ("name",), "'name' is missing"),
    ({}, ("version",), "'version' is missing"),
    ({}, ("filetype",), "'filetype' is missing"),
    ({}, ("sha256_digest",), "Send a digest"),
    ({"name": ["foo", "foo"]}, (), "2 times"),
    ({"name": "foo\x00"}, (), "NUL"),
    ({"name": "x" * 10_000}, (), "longer than"),
    ({"name": "_foo"}, (), "not valid"),
    ({"name": "föö"}, (), "not valid"),
    ({"version": "dog"}, (), "not valid"),
    ({"version": "2.0"}, (), "is of version 1.0, and the form says '2.0'"),
    ({"name": "bar"}, (), "not of the project"),
    ({"filetype": "sdist", "pyversion": "source"}, (), "filetype"),
    ({"filetype": "sdist"}, (), "must be 'source'"),
    ({}, ("pyversion",), "'pyversion' is missing"),
    ({"filetype": "bdist_egg"}, (), "'filetype' must be"),
    ({"protocol_version": "2"}, (), "protocol_version"),
    ({"sha256_digest": "0" * 64}, (), "does not match"),
    ({"sha256_digest": "nonsense"}, (), "hexadecimal"),
    ({"sha256_digest": "ü" * 64}, (), "hexadecimal"),
    ({"blake2_256_digest": "0" * 64}, (), "does not match"),
    ({"name": SimpleUploadedFile("name", b"foo")}, (), "may be sent as a file"),
    ({"content": "plain text"}, (), "must be sent as a file"),
]


@pytest.mark.parametrize(("changes", "without", "words"), BAD_FORMS)
def test_bad_forms_get_a_line_and_leave_nothing(
    alice: Person, changes: dict[str, Any], without: tuple[str, ...], words: str
) -> None:
    response = upload(token_of(alice), without=without, **changes)
    assert response.status_code == 400
    assert words in said(response)
    assert not Project.objects.exists()
    assert not leftovers()


def test_a_description_of_ten_megabytes_gets_a_line(alice: Person) -> None:
    response = upload(token_of(alice), description="x" * (10 * 1024 * 1024 + 1))
    assert response.status_code == 413
    assert "10 MiB" in said(response)
    assert not leftovers()


def test_too_many_fields_get_a_line(alice: Person) -> None:
    response = upload(token_of(alice), classifiers=["x"] * 10_001)
    assert response.status_code == 413
    assert said(response)


def test_a_file_beyond_the_limit_gets_a_line_and_leaves_nothing(
    alice: Person, settings: Any
) -> None:
    settings.UPLOAD_SIZE_LIMIT = 1000
    response = upload(token_of(alice), artifact=("foo-1.0-py3-none-any.whl", b"x" * 1001))
    assert response.status_code == 413
    assert "limit" in said(response)
    assert not leftovers()


@pytest.mark.parametrize(
    "filename",
    [
        "../foo-1.0-py3-none-any.whl",
        "foo-1.0-py3-none-any.whl\n",
        "foo/foo-1.0.tar.gz",
        "foo-1.0.zip",
        "foo-1.0.exe",
        "foo.whl",
        "Foo-1.0-py3-none-any.whl",
        "fóo-1.0-py3-none-any.whl",
        "x" * 300 + ".whl",
        " ",
    ],
)
def test_bad_file_names_get_a_line(alice: Person, filename: str) -> None:
    response = send_raw(token_of(alice), filename, make_wheel("foo", "1.0")[1])
    assert response.status_code == 400
    assert said(response)
    assert not leftovers()


def send_raw(token: str, filename: str, content: bytes) -> Any:
    """Send the name of the file exactly so; Django's client would tidy it up."""
    fields = form_for("foo-1.0-py3-none-any.whl", content, "foo", "1.0")
    del fields["content"]
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--b\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, b"\r\n--b--\r\n"])
    return Client().generic(
        "POST",
        "/legacy/",
        body,
        content_type="multipart/form-data; boundary=b",
        headers={"Authorization": basic(token)},
    )


def test_a_good_file_name_sent_so_is_accepted(alice: Person) -> None:
    content = make_wheel("foo", "1.0")[1]
    assert send_raw(token_of(alice), "foo-1.0-py3-none-any.whl", content).status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"not an archive", b"PK\x03\x04", make_wheel("foo", "1.0")[1][:-30]]
)
def test_broken_wheels_get_a_line(alice: Person, content: bytes) -> None:
    response = upload(token_of(alice), artifact=("foo-1.0-py3-none-any.whl", content))
    assert response.status_code == 400
    assert said(response)
    assert not Project.objects.exists()
    assert not leftovers()


def test_a_broken_sdist_gets_a_line(alice: Person) -> None:
    content = make_sdist("foo", "1.0")[1][:-20]
    response = upload(token_of(alice), artifact=("foo-1.0.tar.gz", content), is_sdist=True)
    assert response.status_code == 400
    assert said(response)


def test_metadata_of_another_project_is_refused(alice: Person) -> None:
    _name, content = make_wheel(
        "foo", "1.0", metadata="Metadata-Version: 2.1\nName: bar\nVersion: 1.0\n"
    )
    response = upload(token_of(alice), artifact=("foo-1.0-py3-none-any.whl", content))
    assert response.status_code == 400
    assert "bar" in said(response)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b"\x00\xff" * 100),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"name=foo"),
        ("", b""),
    ],
)
def test_bodies_that_are_no_form_get_a_line(alice: Person, content_type: str, body: bytes) -> None:
    response = Client().generic(
        "POST",
        "/legacy/",
        body,
        content_type=content_type,
        headers={"Authorization": basic(token_of(alice))},
    )
    assert 400 <= response.status_code < 500
    assert said(response)
