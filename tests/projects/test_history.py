"""The history of a project: its filter, and its downloads."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.actors import command
from audit.failures import record_failure
from projects.models import Project, Release
from projects.operations import lifecycle
from projects.operations.publishing import yank_release
from tests.projects.test_managing import FILE, Open
from tests.projects.test_pages import text
from tests.support.people import Person
from uploads.events import UPLOAD_REFUSED


def rows_of(response: Any) -> list[dict[str, str]]:
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ({"kind": "project:release:"}, ["alice yanked Foo 1.0. Reason: x", "released Foo 1.0"]),
        ({"kind": "project:role:"}, ["alice became owner of Foo"]),
        ({"actor": "ALICE", "kind": "project:file:"}, ["alice uploaded"]),
        ({"actor": "bob"}, []),
        ({"until": "2000-01-01"}, []),
        ({"since": "2999-01-01"}, []),
    ],
)
def test_a_history_is_filtered(
    query: dict[str, str],
    sentences: list[str],
    shared: Project,
    owner: Client,
    alice: Person,
) -> None:
    yank_release(Release.objects.get(), by=alice.actor, reason="x")
    page = text(owner.get("/manage/project/foo/history/", query))
    assert page.count("<li><p>") + page.count("<li> <p>") == len(sentences)
    for sentence in sentences:
        assert sentence in page
    rows = rows_of(owner.get("/manage/project/foo/history.csv", query))
    assert len(rows) == len(sentences)


def test_a_filter_finds_what_staff_did_and_what_was_refused(
    shared: Project, owner: Client, mallory: Person
) -> None:
    by = command("test")
    lifecycle.archive_project_as_staff(shared, is_archived=True, reason="Abandoned.", by=by)
    record_failure(
        UPLOAD_REFUSED,
        by=mallory.actor,
        about=[mallory.user, shared],
        code="not_allowed",
        target="foo",
        filename="",
    )
    for kind, sentence in (("staff:", "archived the project Foo"), ("upload:", "was refused")):
        page = text(owner.get("/manage/project/foo/history/", {"kind": kind}))
        assert f'value="{kind}" selected' in page
        (row,) = rows_of(owner.get("/manage/project/foo/history.csv", {"kind": kind}))
        assert sentence in row["sentence"]


def test_a_filter_that_makes_no_sense_is_said_so(shared: Project, owner: Client) -> None:
    for query in ({"since": "yesterday"}, {"kind": "nonsense"}, {"until": "9999-12-31"}):
        assert owner.get("/manage/project/foo/history/", query).status_code == 200
    page = text(owner.get("/manage/project/foo/history/", {"since": "yesterday"}))
    assert "This was not accepted yet" in page


def test_a_history_is_downloaded(shared: Project, owner: Client, browser: Open) -> None:
    response = owner.get("/manage/project/foo/history.json")
    assert response["Content-Disposition"] == 'attachment; filename="foo-history.json"'
    assert "no-store" in response["Cache-Control"]
    rows = json.loads(b"".join(response.streaming_content))
    assert [row["kind"] for row in rows][:2] == [
        "project:file:uploaded",
        "project:release:created",
    ]
    assert rows[0]["actor"] == "alice"
    assert rows[0]["network_address"] == "192.0.2.17"
    assert rows[0]["details"]["filename"] == FILE


def test_an_empty_download_is_whole(shared: Project, owner: Client) -> None:
    query = {"actor": "nobody"}
    response = owner.get("/manage/project/foo/history.json", query)
    assert json.loads(b"".join(response.streaming_content)) == []
    assert rows_of(owner.get("/manage/project/foo/history.csv", query)) == []


def test_a_download_does_not_show_where_others_were(
    shared: Project, bob: Person, browser: Open
) -> None:
    rows = rows_of(browser(bob).get("/manage/project/foo/history.csv"))
    assert {row["network_address"] for row in rows} == {""}


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@x"])
def test_a_spreadsheet_runs_nothing(
    reason: str, shared: Project, owner: Client, alice: Person
) -> None:
    User.objects.filter(pk=alice.user.pk).update(username=reason)
    yank_release(Release.objects.get(), by=alice.actor, reason="x")
    row = rows_of(owner.get("/manage/project/foo/history.csv"))[0]
    assert row["actor"] == f"'{reason}"
    assert row["sentence"].startswith(f"'{reason} yanked")
