"""What can only be read says so to whoever sends something, and where files are sent."""

from __future__ import annotations

import pytest
from django.test import Client

from projects.models import Project
from tests.projects.conftest import Publish
from tests.projects.shelves import ask_to_take

pytestmark = pytest.mark.once

LINE = (
    "This address can only be read. Upload to http://localhost:8000/legacy/ instead: put that into "
    "the client's settings."
)
ADDRESSES = [
    "/",
    "/simple",
    "/simple/",
    "/simple/foo/",
    "/simple/Foo",
    "/simple/legacy/",
    "/pypi/foo/json",
    "/pypi/foo/1.0/json/",
    "/rss/updates.xml",
    "/rss/packages.xml",
    "/rss/project/foo/releases.xml",
    "/classifiers.txt",
    "/robots.txt",
    "/.well-known/security.txt",
]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_can_be_sent(path: str, method: str, foo: Project) -> None:
    ask_to_take(path, method)


def test_nothing_can_be_sent_to_a_file(publish: Publish) -> None:
    file = publish("1.0")
    for suffix in ("", ".metadata"):
        ask_to_take(f"/files/{file.path}/{file.filename}{suffix}", "POST")


@pytest.mark.parametrize("path", ["/", "/simple/", "/simple/foo/"])
def test_an_upload_tool_with_a_wrong_address_learns_the_right_one(path: str, foo: Project) -> None:
    client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    response = client.post(path, {":action": "file_upload", "name": "foo"})
    assert (response.status_code, response.reason_phrase) == (405, LINE)
    assert response.content.decode() == f"{LINE}\n"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert not response.cookies
