"""Shelves to test on: projects are made by the real operations, contents are really stored.

Rooms are imported inside of the fixtures: pytest may load this file before the settings are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from audit.actors import Actor
    from projects.models import File, Project
    from tests.support.people import Person

Publish = Callable[..., "File"]


@pytest.fixture(autouse=True)
def _fresh_shelves(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Folders of the test's own, and nothing remembered from another test's database."""
    from projects import root_index
    from projects.cache import documents, pages

    settings.FILES_ROOT = tmp_path / "files"
    settings.INCOMING_ROOT = tmp_path / "incoming"
    settings.INCOMING_ROOT.mkdir()
    settings.INDEX_ROOT = tmp_path / "index"
    pages.clear()
    documents.clear()
    root_index.forget()
    yield
    pages.clear()
    documents.clear()
    root_index.forget()


@pytest.fixture
def foo(alice: Person) -> Project:
    """A project of alice, without files."""
    from projects.operations.publishing import create_project

    return create_project("Foo", by=alice.actor)


@pytest.fixture
def publish(foo: Project, alice: Person) -> Publish:
    """`publish("1.0", kind="sdist")` puts a real artifact of foo on the shelf."""
    from projects.operations.publishing import publish_file
    from tests.projects.shelves import new_file
    from tests.support.artifacts import make_sdist, make_wheel

    def put_on_shelf(
        version: str = "1.0",
        *,
        kind: str = "wheel",
        by: Actor | None = None,
        project: Project | None = None,
        **facts: object,
    ) -> File:
        project = project or foo
        make = make_wheel if kind == "wheel" else make_sdist
        filename, content = make(project.name, version)
        beside = b"Metadata-Version: 2.1\n" if kind == "wheel" else b""
        upload = new_file(filename, content, metadata_file=beside, **facts)
        return publish_file(project, upload, by=by or alice.actor)

    return put_on_shelf


@pytest.fixture
def many() -> Callable[[Project, int], None]:
    """`many(foo, 500)` adds that many releases with a file each, as rows."""
    from projects.models import File, Release
    from projects.names import canonical_version

    def add(project: Project, count: int) -> None:
        versions = [f"9.{number}" for number in range(1, count + 1)]
        Release.objects.bulk_create(
            Release(project=project, version=one, canonical_version=canonical_version(one))
            for one in versions
        )
        File.objects.bulk_create(
            File(
                project=project,
                release=release,
                filename=f"{project.normalized_name}-{release.version}.tar.gz",
                kind="sdist",
                size=1,
                sha256=hashlib.sha256(release.version.encode()).hexdigest(),
                blake2b_256=hashlib.sha256(release.version.encode()).hexdigest(),
                md5="0" * 32,
                python_tag="source",
                uploaded_by_id="",
                uploaded_by="alice",
            )
            for release in project.releases.filter(version__in=versions)
        )

    return add


@pytest.fixture
def machine() -> Client:
    """A client without cookies."""
    from django.test import Client

    return Client(SERVER_NAME="localhost", SERVER_PORT="8000")


@pytest.fixture(params=["the whole way", "the short path"])
def tool(request: pytest.FixtureRequest) -> Client:
    """A client such as pip: each test of what it reads is run through both ways."""
    from django.test import Client

    from tests.projects.shelves import ShortPathClient

    make = Client if request.param == "the whole way" else ShortPathClient
    return make(SERVER_NAME="localhost", SERVER_PORT="8000", HTTP_HOST="localhost:8000")


@pytest.fixture
def shared(foo: Project, publish: Publish, bob: Person) -> Project:
    """Foo with a release and a file, and bob as a maintainer."""
    from projects.models import Role

    publish("1.0", token_name="release job", uploader_factor="app")
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    return foo


@pytest.fixture
def owner(browser: Callable[..., Client], alice: Person) -> Client:
    """Alice's browser."""
    return browser(alice)
