"""Finding projects: exact, by their beginning, by words, and near."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from projects import search
from projects.models import Project, SearchEntry
from projects.operations import lifecycle
from projects.operations.publishing import create_project, unyank_release, yank_release
from tests.projects.conftest import Publish
from tests.support.people import Person

Make = Callable[..., Project]


@pytest.fixture
def shelves(alice: Person, publish: Publish) -> None:
    """Foo and some others; requests and numpy have summaries."""
    for name in ("requests", "requests-oauth", "Re.Quest", "numpy", "flask", "x"):
        project = create_project(name, by=alice.actor)
        summary = {"requests": "HTTP for Humans", "numpy": "Arrays of 100% pure_speed"}.get(name)
        if summary:
            publish("1.0", project=project, summary=summary)


def names(query: str) -> list[str]:
    found = search.find(query)
    rows = Project.objects.in_bulk(found.projects)
    return [rows[key].normalized_name for key in found.projects]


def near(query: str) -> list[str]:
    return [project.normalized_name for project in search.find(query).near]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("requests", ["requests", "requests-oauth"]),
        ("REQUESTS", ["requests", "requests-oauth"]),
        ("  requests  ", ["requests", "requests-oauth"]),
        ("re_quest", ["re-quest"]),
        ("req", ["requests", "requests-oauth"]),
        ("x", ["x"]),
        ("n", ["numpy"]),
        ("oauth", ["requests-oauth"]),
        ("humans", ["requests"]),
        ("http humans", ["requests"]),
        ("human http", ["requests"]),
        ("http arrays", []),
        ("http qq", []),
        ("http for", ["requests"]),
        ("httfor", []),  # its letters stand in a text, three and three, but not together
        ("hu http", ["requests"]),
        ("100%", ["numpy"]),
        ("pure_speed", ["numpy"]),
        ("purespeed", []),
        ("ts_oauth", ["requests-oauth"]),  # a part of a name, in another spelling
        ("e.Quest", ["re-quest"]),
        ("http s_oauth", []),
        ("", []),
        ("   ", []),
    ],
)
def test_what_is_found(query: str, found: list[str], shelves: None) -> None:
    assert names(query) == found


@pytest.mark.parametrize(
    "query",
    ['"', '""" OR "x', "name : x", "NEAR(a b)", "a AND", "*", "^x", "-x", "'; DROP", "%", "_",
     "\\", "\x01\x02", "ö" * 50, "x" * 5000, "a b " * 100, "(((", "NOT numpy", "😀😀😀"],
)  # fmt: skip
def test_odd_queries_are_answered(query: str, shelves: None) -> None:
    assert isinstance(names(query), list)


@pytest.mark.parametrize(
    ("query", "found"),
    [("request", []), ("reqeusts", ["requests"]), ("numpi", ["numpy"]), ("zzzz", []), ("nu", [])],
)
def test_names_that_are_near_are_offered_where_none_fits(
    query: str, found: list[str], shelves: None
) -> None:
    assert near(query)[:1] == found


@pytest.mark.parametrize(("query", "is_said"), [("re", True), ("r q", True), ("req", False)])
def test_the_page_says_where_short_words_are_looked_for(
    query: str, is_said: bool, shelves: None, client: Client
) -> None:
    page = client.get("/search/", {"q": query}).content.decode()
    assert ("looks at the beginning of names alone" in page) == is_said


def test_what_is_quarantined_is_not_found(shelves: None) -> None:
    Project.objects.filter(name="numpy").update(status="quarantined")
    assert names("numpy") == []
    assert names("arrays") == []
    assert near("numpi") == []


def test_a_project_is_found_as_soon_as_it_is_there(foo: Project) -> None:
    assert names("foo") == ["foo"]


def test_the_summary_is_that_of_the_latest_release(
    foo: Project, publish: Publish, alice: Person
) -> None:
    publish("1.0", summary="Reads files.")
    publish("2.0", summary="Writes letters.")
    publish("3.0rc1", summary="Dances.")
    assert names("writes letters") == ["foo"]
    assert names("reads files") == names("dances") == []
    yank_release(foo.releases.get(version="2.0"), by=alice.actor)
    assert names("reads files") == ["foo"]
    assert names("writes letters") == []
    unyank_release(foo.releases.get(version="2.0"), by=alice.actor)
    assert names("writes letters") == ["foo"]
    lifecycle.delete_release(foo.releases.get(version="2.0"), by=alice.actor)
    assert names("reads files") == ["foo"]


def test_a_release_added_after_the_latest_was_deleted_is_compared_with_what_is_left(
    foo: Project, publish: Publish, alice: Person
) -> None:
    publish("1.5", summary="Reads files.")
    publish("2.0", summary="Writes letters.")
    lifecycle.delete_release(foo.releases.get(version="2.0"), by=alice.actor)
    publish("1.0", summary="Draws maps.")  # a fix of an old release
    assert names("reads files") == ["foo"]
    assert names("draws maps") == []


def test_a_new_release_is_noted_without_reading_all_releases(
    foo: Project, publish: Publish
) -> None:
    publish("1.0", summary="Reads files.")
    publish("2.0", summary="Reads files.")
    with CaptureQueriesContext(connection) as queries:
        publish("3.0", summary="Reads files.")
    of_all = [row for row in queries if "version" not in row["sql"].partition("WHERE")[2]]
    assert not [row for row in of_all if 'FROM "projects_release"' in row["sql"]]
    assert SearchEntry.objects.get(project=foo).release == foo.releases.get(version="3.0")


def test_a_deleted_project_is_not_found(shelves: None, alice: Person) -> None:
    project = Project.objects.get(name="requests")
    lifecycle.delete_project(project, by=alice.actor)
    assert names("http") == []
    assert names("requests") == ["requests-oauth"]
    assert "requests" not in near("reqeusts")
    create_project("requests", by=alice.actor)
    assert names("requests") == ["requests", "requests-oauth"]


def test_a_search_that_finds_too_much_says_so(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 10)
    add_by_hand(12)
    found = search.find("many")
    assert len(found.projects) == 10
    assert found.is_cut
    assert not search.find("many-11").is_cut


def add_by_hand(count: int) -> None:
    Project.objects.bulk_create(
        Project(name=f"Many_{number}", normalized_name=f"many-{number}") for number in range(count)
    )
    search.rebuild()


def test_the_index_is_made_anew(shelves: None, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(SearchEntry.objects.values_list("name", "text"))
    SearchEntry.objects.all().delete()
    call_command("rebuild_search")
    assert "7 projects" in capsys.readouterr().out
    assert sorted(SearchEntry.objects.values_list("name", "text")) == before
    assert names("humans") == ["requests"]
    assert near("numpi") == ["numpy"]


@pytest.mark.parametrize("count", [1, 300])
def test_a_search_costs_as_much_with_many(
    count: int, db: None, django_assert_max_num_queries: Any
) -> None:
    add_by_hand(count)
    with django_assert_max_num_queries(3):
        search.find("many")
    with django_assert_max_num_queries(4):
        search.find("mnay")
