"""The server is killed at each step of an upload: the file is published, or it never was."""

from __future__ import annotations

import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from audit.log import verify
from audit.models import Event
from projects.models import File, Project, Release, Role
from tests.support.artifacts import make_wheel
from tests.support.people import make_person
from tests.support.server import Site, StartSite
from tests.support.uploading import basic, form_for, name_and_version, token_of

pytestmark = pytest.mark.long

# The steps of `uploads.operations.accepting.accept_upload`, in order: function, which call, when
STEPS = [
    ("uploads.incoming:ReceivingHandler.receive_data_chunk", 1, "after"),
    ("uploads.incoming:ReceivingHandler.file_complete", 1, "after"),
    ("uploads.views:accept_upload", 1, "before"),
    ("uploads.operations.accepting:inspect", 1, "after"),
    ("projects.storage:store", 1, "before"),
    ("projects.storage:store", 1, "after"),
    ("projects.storage:store", 2, "before"),
    ("projects.storage:store", 2, "after"),
    ("projects.operations.publishing:create_project", 1, "before"),
    ("projects.operations.publishing:create_project", 1, "after"),
    ("projects.operations.publishing:publish_file", 1, "after"),
    ("projects.operations.contents:require_kept", 1, "after"),
    ("tokens.credentials:TokenCredential.note_use", 1, "before"),
    ("tokens.credentials:TokenCredential.note_use", 1, "after"),
    ("uploads.views:accept_upload", 1, "after"),
]
COMMITTED = 12  # steps before the transaction ends


@pytest.fixture(scope="module")
def site(start_site: StartSite, django_db_blocker: Any) -> Iterator[Site]:
    """The site that dies again and again, with its database as the default one."""
    with (
        start_site() as running,
        django_db_blocker.unblock(),
        running.database.as_default(),
    ):
        yield running


def multipart(project: str, artifact: tuple[str, bytes]) -> tuple[str, bytes]:
    """Content type and body of an upload."""
    form = form_for(*artifact, project, name_and_version(artifact[0])[1])
    del form["content"]
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.items()
    ]
    head = f'Content-Disposition: form-data; name="content"; filename="{artifact[0]}"'
    parts += [f"--frontier\r\n{head}\r\n\r\n".encode(), artifact[1], b"\r\n--frontier--\r\n"]
    return "multipart/form-data; boundary=frontier", b"".join(parts)


def send(site: Site, token: str, project: str, artifact: tuple[str, bytes]) -> int:
    """The status of an upload; 0 if the server died."""
    content_type, body = multipart(project, artifact)
    request = urllib.request.Request(
        f"{site.url}/legacy/", body, {"Authorization": basic(token), "Content-Type": content_type}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        raise AssertionError(error.reason) from error
    except (OSError, http.client.HTTPException):
        return 0


def start_deadly(site: Site, place: str, call: int, when: str) -> None:
    """Start a server that will die."""
    site.environment |= {"CRASH_AT": place, "CRASH_CALL": str(call), "CRASH_WHEN": when}
    gunicorn = [sys.executable, "-m", "gunicorn", "tests.support.crashing:application"]
    site.start_program("deadly", [*gunicorn, "--config", "indexsite/gunicorn.py"])
    end = time.monotonic() + 60
    while not site.is_healthy():
        assert time.monotonic() < end, site.errors("deadly")
        time.sleep(0.05)


def listed(site: Site, project: str) -> str:
    """The Simple page of a project; "" if there is none."""
    try:
        with urllib.request.urlopen(f"{site.url}/simple/{project}/", timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return ""


def is_published(site: Site, project: str, artifact: tuple[str, bytes]) -> bool:
    """Whether a file is on the page, downloadable and in the log; or in none of these places."""
    file = File.objects.filter(filename=artifact[0]).first()
    is_listed = artifact[0] in listed(site, project)
    is_recorded = any(
        event.fields["filename"] == artifact[0]
        for event in Event.objects.filter(kind="project:file:uploaded")
    )
    assert is_listed == is_recorded == (file is not None)
    if file is None:
        assert not Project.objects.filter(normalized_name=project).exists()
        assert not Release.objects.filter(project__normalized_name=project).exists()
        assert not Role.objects.filter(project__normalized_name=project).exists()
        return False
    address = file.url.replace("http://localhost:8000", site.url)
    for suffix, digest in [("", file.sha256), (".metadata", file.metadata_sha256)]:
        with urllib.request.urlopen(address + suffix, timeout=30) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == digest
    return True


@pytest.mark.parametrize(
    "step", range(len(STEPS)), ids=lambda step: "-".join(map(str, STEPS[step]))
)
def test_a_server_killed_at_any_step_publishes_whole_or_not_at_all(site: Site, step: int) -> None:
    project = f"crash-{step}-z"
    artifact = make_wheel(project, "1.0")
    token = token_of(make_person("alice"), name=project)
    site.stop()
    start_deadly(site, *STEPS[step])
    assert send(site, token, project, artifact) == 0
    site.stop()
    site.start_server()
    assert is_published(site, project, artifact) == (step >= COMMITTED)
    assert send(site, token, project, artifact) == 200
    assert is_published(site, project, artifact)
    assert File.objects.filter(filename=artifact[0]).count() == 1
    assert verify() is None
