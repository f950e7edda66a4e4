"""The order of a project's releases on its pages: right at each serial, and made once for it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from packaging.version import Version

from projects import models
from projects.models import Project
from projects.operations.lifecycle import delete_release
from projects.operations.publishing import yank_release
from tests.projects.conftest import Publish
from tests.projects.test_pages import text
from tests.support.people import Person


@pytest.mark.parametrize("path", ["/project/foo/", "/project/foo/9.7/", "/project/foo/releases/"])
def test_the_versions_of_a_project_are_parsed_once(
    path: str,
    foo: Project,
    many: Callable[[Project, int], None],
    machine: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many(foo, 300)
    parsed: list[str] = []
    monkeypatch.setattr(models, "Version", lambda text: parsed.append(text) or Version(text))
    first = machine.get(path)
    assert len(parsed) >= 300
    parsed.clear()
    assert machine.get(path).content == first.content
    assert len(parsed) <= 51  # those that are shown


def test_the_order_is_that_of_the_serial(
    foo: Project, publish: Publish, alice: Person, machine: Client
) -> None:
    def shown() -> tuple[str, list[str]]:
        page = text(machine.get("/project/foo/"))
        listed = page.partition("release-list")[2].partition("</ul>")[0]
        return re.findall('version-of">([^<]+)<', page)[0], re.findall(">([0-9][^<]*)</a>", listed)

    publish("9.0")
    publish("10.0")
    assert shown() == ("10.0", ["10.0", "9.0"])
    file = publish("11.0")
    assert shown() == ("11.0", ["11.0", "10.0", "9.0"])
    yank_release(file.release, by=alice.actor)
    assert shown() == ("10.0", ["11.0", "10.0", "9.0"])
    delete_release(foo.releases.get(version="10.0"), by=alice.actor)
    assert shown() == ("9.0", ["11.0", "9.0"])


def test_a_latest_release_that_is_not_among_the_first_is_named(
    foo: Project, publish: Publish, machine: Client
) -> None:
    for number in range(1, 25):
        publish(f"2.0.dev{number}")
    publish("1.0")
    page = text(machine.get("/project/foo/"))
    assert 'version-of">1.0<' in page
    assert "5 more releases" in page
    page = text(machine.get("/project/foo/2.0.dev3/"))
    assert "This is not the latest version, which is 1.0." in page
