"""The root index: what it names, how old it may be, and what it costs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from projects import jobs, root_index
from projects.models import Project
from projects.operations.publishing import create_project
from tests.projects.conftest import Publish
from tests.projects.test_simple import PIP, V1_JSON, as_json, text
from tests.support.clone import Database, race
from tests.support.people import Person


def index_root() -> Path:
    return Path(site.INDEX_ROOT)


def test_the_index_names_projects_in_their_order(foo: Project, alice: Person, tool: Client) -> None:
    create_project("Zoo.Bar", by=alice.actor)
    create_project("alpha", by=alice.actor)
    answer = as_json(tool, "/simple/")
    assert [entry["name"] for entry in answer["projects"]] == ["alpha", "Foo", "Zoo.Bar"]
    serials = {project.name: project.serial for project in Project.objects.all()}
    assert {one["name"]: one["_last-serial"] for one in answer["projects"]} == serials
    assert answer["meta"] == {"api-version": "1.4", "_last-serial": max(serials.values())}
    html = text(tool, "/simple/")
    assert '<a href="http://localhost:8000/simple/zoo-bar/">Zoo.Bar</a>' in html
    assert '<meta name="pypi:repository-version" content="1.4">' in html


def test_the_index_does_not_name_the_quarantined(foo: Project, alice: Person, tool: Client) -> None:
    create_project("bar", by=alice.actor)
    Project.objects.filter(name="Foo").update(status="quarantined")
    assert [one["name"] for one in as_json(tool, "/simple/")["projects"]] == ["bar"]


def test_an_empty_index_is_a_page(db: None, tool: Client) -> None:
    answer = as_json(tool, "/simple/")
    assert answer == {"meta": {"api-version": "1.4", "_last-serial": 0}, "projects": []}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is for the root index, in seconds."""
    now = [1000.0]
    monkeypatch.setattr(root_index.time, "monotonic", lambda: now[0])
    return now


def test_the_index_is_at_most_a_minute_old(
    foo: Project, alice: Person, tool: Client, clock: list[float]
) -> None:
    assert len(as_json(tool, "/simple/")["projects"]) == 1
    create_project("bar", by=alice.actor)
    clock[0] += root_index.LAG - root_index.ASK_EVERY - 1  # the worker may be at it
    assert len(as_json(tool, "/simple/")["projects"]) == 1
    clock[0] = 1000 + root_index.LAG
    assert len(as_json(tool, "/simple/")["projects"]) == 2


def test_an_edition_of_the_worker_is_taken_as_soon_as_it_is_seen(
    foo: Project, alice: Person, tool: Client, clock: list[float]
) -> None:
    tool.get("/simple/")
    create_project("bar", by=alice.actor)
    jobs.JOBS[0].function()
    clock[0] += root_index.ASK_EVERY
    assert len(as_json(tool, "/simple/")["projects"]) == 2


def test_an_index_that_changed_is_not_written_while_somebody_uploads(
    foo: Project, publish: Publish, tool: Client
) -> None:
    tool.get("/simple/")
    written = set(index_root().iterdir())
    publish("1.0")
    assert set(index_root().iterdir()) == written


def test_an_edition_says_the_serial_of_what_is_in_it(
    foo: Project, alice: Person, tool: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change between the question for the largest serial and the reading of the names."""
    largest = root_index._largest_serial

    def be_overtaken() -> int:
        serial = largest()
        create_project("bar", by=alice.actor)
        monkeypatch.setattr(root_index, "_largest_serial", largest)
        return serial

    monkeypatch.setattr(root_index, "_largest_serial", be_overtaken)
    response = tool.get("/simple/", headers={"Accept": V1_JSON})
    serial = Project.objects.get(name="bar").serial
    assert len(json.loads(response.content)["projects"]) == 2
    assert json.loads(response.content)["meta"]["_last-serial"] == serial
    assert response["X-PyPI-Last-Serial"] == str(serial)
    assert response["ETag"].startswith(f'"{serial}-')


def test_old_editions_are_removed(alice: Person, tool: Client) -> None:
    for number in range(6):
        create_project(f"p{number}", by=alice.actor)
        root_index.write_edition()
    editions = [path for path in index_root().iterdir() if path.is_dir()]
    assert len(editions) == root_index.KEPT
    assert len(as_json(tool, "/simple/")["projects"]) == 6


def test_an_index_whose_files_are_gone_is_written_again(foo: Project, tool: Client) -> None:
    tool.get("/simple/")
    shutil.rmtree(index_root())
    assert len(as_json(tool, "/simple/")["projects"]) == 1


def test_an_index_is_written_by_one_at_a_time(
    committed_db: Database, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    write = root_index._write
    monkeypatch.setattr(root_index, "_write", lambda: written.append(1) or write())
    create_project("foo", by=alice.actor)
    assert len(set(race(4, root_index.write_edition))) == 1
    assert len(written) == 1


@pytest.mark.parametrize("count", [1, 500])
def test_the_index_is_read_in_one_statement_and_then_remembered(
    count: int, db: None, tool: Client, django_assert_num_queries: Any
) -> None:
    Project.objects.bulk_create(
        Project(name=f"p{number}", normalized_name=f"p{number}", serial=number)
        for number in range(count)
    )
    with django_assert_num_queries(3):  # two for the serial, one for all names
        tool.get("/simple/", headers={"Accept": PIP})
    with django_assert_num_queries(0):
        tool.get("/simple/", headers={"Accept": PIP})
