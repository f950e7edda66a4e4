"""The odd uploads that PyPI's own tests are made of, and what becomes of them here."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from packaging.version import Version

from projects.models import File, Project, Release
from tests.support.artifacts import make_metadata, make_sdist, make_wheel, tar_gz_of, zip_of
from tests.support.people import Person
from tests.support.uploading import said, token_of, upload
from tests.uploads.test_bad_uploads import send_raw

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# Name of the case, changes of the form, fields left out, and a part of the refusal
FORMS: list[tuple[str, dict[str, Any], tuple[str, ...], str]] = [
    *[
        (f"protocol version {value}", {"protocol_version": value}, (), "protocol_version")
        for value in ("2", "3", "-1", "0", "dog")
    ],
    ("no name", {}, ("name",), "'name' is missing"),
    ("an empty version", {"version": ""}, (), "'version' is missing"),
    ("version dog", {"version": "dog"}, (), "not valid (PEP 440)"),
    ("version 1.0.dev.a1", {"version": "1.0.dev.a1"}, (), "not valid (PEP 440)"),
    ("a wheel without pyversion", {}, ("pyversion",), "'pyversion'"),
    ("no digest", {}, ("sha256_digest",), "Send a digest"),
    ("no file", {}, ("content",), "no file"),
    ("another sha256", {"md5_digest": "right", "sha256_digest": "0" * 64}, (), "does not match"),
]


@pytest.mark.parametrize(
    ("changes", "without", "reason"), [pytest.param(*row[1:], id=row[0]) for row in FORMS]
)
def test_a_form_that_is_wrong_is_refused(
    alice: Person, changes: dict[str, Any], without: tuple[str, ...], reason: str
) -> None:
    if changes.get("md5_digest"):
        digest = hashlib.md5(make_wheel("foo", "1.0")[1], usedforsecurity=False)
        changes = changes | {"md5_digest": digest.hexdigest()}
    response = upload(token_of(alice), without=without, **changes)
    assert response.status_code == 400
    assert reason in said(response)
    assert not Project.objects.exists()


@pytest.mark.parametrize("without", [(), ("sha256_digest",)])
def test_the_long_digest_that_distutils_sends_counts_for_none(
    alice: Person, without: tuple[str, ...]
) -> None:
    long = hashlib.blake2b(make_wheel("foo", "1.0")[1]).hexdigest()
    response = upload(token_of(alice), without=without, blake2_256_digest=long)
    assert response.status_code == (400 if without else 200)


def test_several_things_that_are_wrong_are_said_together(alice: Person) -> None:
    response = upload(
        token_of(alice),
        without=("pyversion", "sha256_digest"),
        protocol_version="2",
        version="",
    )
    for part in ("'protocol_version'", "'version' is missing", "'pyversion'", "Send a digest"):
        assert part in said(response)


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": "a\x00b"},
        {"classifiers": ["Nonsense", "Nonsense"], "project-url": ["x", "x"]},
        {"description_content_type": "", "requires_python": "", "home_page": ""},
        {"summary": "UNKNOWN", "pyversion": "py2.py3"},
        {"import_name": "foo", "import_names": "foo", "provides_extras": "x"},
        {"attestations": "[]", "comment": "x" * 10_000},
        {"protocol_version": ""},
        {"metadata_version": "9.9"},
    ],
    ids=str,
)
def test_fields_that_only_repeat_the_archive_are_not_looked_at(
    alice: Person, changes: dict[str, Any]
) -> None:
    assert upload(token_of(alice), **changes).status_code == 200


def test_the_archives_fields_win_over_the_forms(alice: Person) -> None:
    artifact = make_wheel("foo", "1.0", metadata_extra="Summary: from the archive\n")
    upload(token_of(alice), artifact=artifact, summary="from the form")
    assert Release.objects.get().summary == "from the archive"


def test_a_version_is_stored_in_its_normal_form(alice: Person) -> None:
    upload(token_of(alice), release="1.0", version="v1.0")
    release = Release.objects.get()
    assert (release.version, release.canonical_version) == ("1.0", "1")


LOCAL = make_wheel("foo", "1.0+local")
PRIVATE = make_wheel("foo", "1.0", metadata_extra="Classifier: Private :: Do Not Upload\n")
DIRECT = make_wheel("foo", "1.0", metadata_extra="Requires-Dist: x @ https://example.org/x.whl\n")
LINUX = make_wheel("foo", "1.0", filename="foo-1.0-cp311-cp311-linux_x86_64.whl")


@pytest.mark.parametrize(
    ("artifact", "setting"),
    [
        (LOCAL, "REFUSE_LOCAL_VERSIONS"),
        (PRIVATE, "REFUSE_PRIVATE_CLASSIFIERS"),
        (DIRECT, "REFUSE_DIRECT_URLS"),
        (LINUX, "REFUSE_OTHER_PLATFORMS"),
    ],
    ids=["local version", "Private ::", "direct URL", "linux_x86_64"],
)
def test_what_only_a_public_index_refuses_is_taken_unless_a_setting_says_so(
    alice: Person, settings: Any, artifact: tuple[str, bytes], setting: str
) -> None:
    token, version = token_of(alice), artifact[0].split("-")[1]
    setattr(settings, setting, True)
    response = upload(token, artifact=artifact, version=version)
    assert response.status_code == 400
    assert "not accepted here" in said(response)
    setattr(settings, setting, False)
    assert upload(token, artifact=artifact, version=version).status_code == 200


@pytest.mark.parametrize(
    "extra",
    [
        "Project-URL: Home, https://a.example\nProject-URL: Home, https://b.example\n",
        "Home-page: irc://example.com/\n",
        "Dynamic: Invalid\n",
        "Dynamic: Name\n",
        "License-Expression: MIT\n",
        "Provides-Dist: foo @ https://example.org/foo\n",
        "Classifier: No :: Such\n",
        "Author-email: nobody at all\n",
        f"Summary: {'x' * 600}\n",
        "Requires-Python: dog\n",
        "Description-Content-Type: text/html\n",
        "Description-Content-Type: text/x-rst\n\n.. raw:: html\n\n   x\n",
    ],
)
@pytest.mark.parametrize("is_sdist", [False, True])
def test_metadata_that_pypi_refuses_is_refused(alice: Person, extra: str, is_sdist: bool) -> None:
    make = make_sdist if is_sdist else make_wheel
    response = upload(token_of(alice), artifact=make("foo", "1.0", metadata_extra=extra))
    assert response.status_code == 400
    assert said(response)
    assert not Project.objects.exists()


@pytest.mark.parametrize("version", ["2.2", "2.4", "2.5"])
def test_import_names_and_license_files_of_newer_metadata_are_fine(
    alice: Person, version: str
) -> None:
    lines = {"2.4": "License-File: LICENSE\n", "2.5": "Import-Name: foo\nImport-Namespace: bar\n"}
    metadata = make_metadata("foo", "1.0", lines.get(version, "")).replace("2.1", version, 1)
    files = {"foo-1.0.dist-info/licenses/LICENSE": "free"}
    artifact = make_wheel("foo", "1.0", metadata=metadata, files=files)
    assert upload(token_of(alice), artifact=artifact).status_code == 200


def test_a_license_file_that_is_not_there_is_missed(alice: Person) -> None:
    metadata = make_metadata("foo", "1.0", "License-File: LICENSE\n").replace("2.1", "2.4", 1)
    for make in (make_wheel, make_sdist):
        response = upload(token_of(alice, name=make.__name__), artifact=make(metadata=metadata))
        assert "names the license file" in said(response)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "rrequirements.txt", "xml", "encodings.utf_8"]
)
def test_names_that_nobody_may_have_are_refused_before_the_archive_is_opened(
    alice: Person, name: str
) -> None:
    filename = f"{name.replace('.', '_')}-1.0.tar.gz"
    response = upload(token_of(alice), name, artifact=(filename, b"no archive"), is_sdist=True)
    assert response.status_code == 400
    assert "Choose another name" in said(response)


def test_too_many_new_projects_are_refused_with_429(alice: Person, settings: Any) -> None:
    settings.NEW_PROJECTS_PER_USER = 1
    token = token_of(alice)
    assert upload(token, "foo").status_code == 200
    response = upload(token, "bar")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 3960
    assert said(response).startswith("Too many projects were created")
    assert upload(token, "foo", "1.1").status_code == 200


def test_the_projects_name_stays_as_it_was_first_written(alice: Person) -> None:
    token = token_of(alice)
    upload(token, "Foo.Bar")
    upload(token, "foo_bar", "1.1")
    assert Project.objects.get().name == "Foo.Bar"


@pytest.mark.parametrize("character", [chr(number) for number in [*range(1, 32), 127]])
def test_a_file_name_with_a_control_character_is_refused(alice: Person, character: str) -> None:
    if character in "\r\n":  # which end the header of the part
        return
    filename = f"foo-1.0{character}-py3-none-any.whl"
    assert send_raw(token_of(alice), filename, make_wheel()[1]).status_code == 400


@pytest.mark.parametrize(
    "filename", ["../foo-1.0.tar.gz", "a/foo-1.0.tar.gz", "a\\\\foo-1.0.tar.gz"]
)
def test_a_file_name_with_a_separator_is_refused(alice: Person, filename: str) -> None:
    response = send_raw(token_of(alice), filename, make_sdist()[1])
    assert "may hold only" in said(response)


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("some_thing", "some_thing-1.0.post9.zip"),
        ("some_thing", "some-thing-1.0.post9.tar.gz"),
        ("some_thing", "some-thing-1.0-9.tar.gz"),
        ("some_thing", "Some_Thing-1.0.tar.gz"),
        ("some_thing", "some_thing-1.02.3.tar.gz"),
        ("foo-.bar", "foobar-1.0-py3-none-any.whl"),
        ("foo", "foo-1.0-py3-none-any.WHL"),
    ],
)
def test_file_names_against_the_specifications_are_refused(
    alice: Person, name: str, filename: str
) -> None:
    response = upload(token_of(alice), name, artifact=(filename, make_sdist()[1]), filetype="sdist")
    assert response.status_code == 400


def test_a_wheel_may_spell_its_version_otherwise_than_its_metadata(alice: Person) -> None:
    metadata = make_metadata("foo", "1.0.0")
    artifact = make_wheel("foo", "1", metadata=metadata, filename="foo-1-py3-none-any.whl")
    assert upload(token_of(alice), release="1.0.0", artifact=artifact).status_code == 200
    assert Release.objects.get().version == "1.0.0"


def test_an_sdist_must_spell_its_version_as_its_metadata_do(alice: Person) -> None:
    artifact = make_sdist("foo", "1.0", filename="foo-1.0.0.tar.gz")
    response = upload(token_of(alice), artifact=artifact, is_sdist=True)
    assert response.status_code == 400
    assert "as its PKG-INFO does, 1.0 (PEP 625)" in said(response)
    assert not File.objects.exists()


@pytest.mark.parametrize("version", ["v1.0", "1.00", "1.0-0"])
def test_metadata_of_an_sdist_may_spell_the_version_in_any_form(
    alice: Person, version: str
) -> None:
    filename = f"foo-{Version(version)}.tar.gz"
    artifact = make_sdist("foo", version, filename=filename)
    response = upload(token_of(alice), release=version, artifact=artifact, is_sdist=True)
    assert response.status_code == 200


def test_a_long_set_of_tags_is_fine(alice: Person) -> None:
    tags = ".".join(
        f"macosx_10_{minor}_{kind}" for minor in (6, 9, 10) for kind in ("intel", "fat")
    )
    artifact = make_wheel("foo", "1.0", filename=f"foo-1.0-py3-none-{tags}.whl")
    assert upload(token_of(alice), artifact=artifact).status_code == 200


ARCHIVES = {
    "two folders in a tar archive": (
        "foo-1.0.tar.gz",
        tar_gz_of({"foo-1.0/PKG-INFO": make_metadata(), "bar/x": "x"}),
    ),
    "a mixture of absolute and relative paths": (
        "foo-1.0.tar.gz",
        tar_gz_of({"foo-1.0/PKG-INFO": make_metadata(), "/etc/x": "x"}),
    ),
    "one member alone": ("foo-1.0.tar.gz", tar_gz_of({"foo-1.0/x": ""})),
    "another folder than the file name says": (
        "foo-1.0.tar.gz",
        tar_gz_of({"foo-2.0/PKG-INFO": make_metadata()}),
    ),
    "a truncated tar archive": ("foo-1.0.tar.gz", make_sdist()[1][:200]),
    "a zip archive as an sdist": ("foo-1.0.tar.gz", zip_of({"foo-1.0/PKG-INFO": make_metadata()})),
    "a tar archive as a wheel": ("foo-1.0-py3-none-any.whl", make_sdist()[1]),
    "an empty zip archive": ("foo-1.0-py3-none-any.whl", b"PK\x05\x06" + bytes(18)),
    "a wheel of another version": (
        "foo-1.0-py3-none-any.whl",
        make_wheel("foo", "1.0", metadata=make_metadata("foo", "2.0"))[1],
    ),
    "a wheel of another project": (
        "foo-1.0-py3-none-any.whl",
        make_wheel("foo", "1.0", metadata=make_metadata("bar", "1.0"))[1],
    ),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives_that_pypi_refuses_or_should_refuse_are_refused(alice: Person, case: str) -> None:
    filename, content = ARCHIVES[case]
    response = upload(
        token_of(alice), artifact=(filename, content), is_sdist=filename.endswith(".gz")
    )
    assert response.status_code == 400
    assert said(response)
    assert not File.objects.exists()
