"""Events as files: what was filtered and nothing else, safe to open, and in constant memory."""

from __future__ import annotations

import csv
import json
import tracemalloc
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from audit import exports, groups, keyring
from audit.events import EVENTS_EXPORTED
from audit.log import record
from audit.models import ChainHead, Event, EventOrigin
from audit.search import EventSearch
from tests.audit.words import ALICE, DONE, REFUSED, SEAGULL, actor_at, record_done
from tests.support.people import Person, make_person

EXPORT = "/admin/audit/event/export/"


@pytest.fixture
def staff(browser: Any, sam: Person) -> Client:
    """Sam's browser; his sign-in is event 1."""
    client: Client = browser(sam)
    return client


def exported(client: Client, path: str = EXPORT, **fields: str) -> str:
    """The file that a press on the button gives."""
    response: Any = client.post(path, fields)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_hold_what_is_filtered_and_the_head(staff: Client) -> None:
    record_done("one")
    record(REFUSED, by=actor_at("198.51.100.9"), about=[ALICE], why="no")
    *events, head = json_lines(exported(staff, form="jsonl", outcome="failed"))
    assert [event["sentence"] for event in events] == ["alice was refused: no"]
    assert events[0]["about"] == [{"kind": "user", "id": ALICE.subject_id, "label": "alice"}]
    assert events[0]["network_address"] == "198.51.100.9"
    now = ChainHead.objects.get(pk=1)
    assert head == {"kind": "audit:chain:head", "number": now.number, "seal": now.seal}


def test_csv_has_the_same_rows(staff: Client) -> None:
    record_done("one")
    rows = list(csv.DictReader(StringIO(exported(staff, form="csv", family="testing"))))
    assert [row["sentence"] for row in rows] == ["alice did one to seagull", ""]
    assert json.loads(rows[0]["fields"]) == {"what": "one"}
    assert rows[-1]["kind"] == "audit:chain:head"
    assert rows[-1]["seal"] == ChainHead.objects.get(pk=1).seal


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_of_csv_is_a_formula(staff: Client, start: str) -> None:
    record(DONE, by=actor_at("192.0.2.1", label=f"{start}"), what="x")
    rows = list(csv.reader(StringIO(exported(staff, form="csv", family="testing"), newline="")))
    assert f"'{start}" in rows[1]
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(tuple("=+-@\t\r\n"))]


def test_an_export_is_recorded_with_its_filter_and_is_not_part_of_itself(staff: Client) -> None:
    record_done("one")
    *events, _head = json_lines(exported(staff, form="jsonl", actor="alice"))
    event = Event.objects.latest("number")
    assert event.kind == EVENTS_EXPORTED.name
    assert event.actor_label == "sam"
    digest = keyring.digest(keyring.NAMES, "alice")[:16]
    assert event.fields == {"form": "jsonl", "filters": [f"actor={digest}"]}
    assert event.number not in [row["number"] for row in events]
    exported(staff, form="csv")
    assert Event.objects.latest("number").fields["filters"] == ["everything"]


@pytest.mark.parametrize("name", ["q", "actor", "account", "project", "network", "used_key"])
def test_what_was_searched_for_is_not_sealed(staff: Client, name: str) -> None:
    exported(staff, form="csv", outcome="done", **{name: "192.0.2.17"})
    filters = Event.objects.latest("number").fields["filters"]
    assert {word.partition("=")[0] for word in filters} == {name, "outcome"}
    assert "outcome=done" in filters
    assert "192.0.2.17" not in str(filters)


def test_a_page_of_one_kind_exports_that_kind_alone(staff: Client) -> None:
    record_done("one")
    text = exported(staff, "/admin/audit/signinevent/export/", form="jsonl")
    assert {row["kind"] for row in json_lines(text)[:-1]} == {"sign-in:session:opened"}
    assert Event.objects.latest("number").fields["filters"] == ["family=sign-in"]


def test_a_filter_that_is_wrong_exports_nothing(staff: Client) -> None:
    for name, value in {"network": "nowhere", "refused": "testing:thing:done"}.items():
        response = staff.post(EXPORT, {"form": "csv", name: value})
        assert response.status_code == 400
    assert Event.objects.latest("number").kind != EVENTS_EXPORTED.name


def test_a_filter_that_is_mistyped_exports_nothing(staff: Client) -> None:
    fields = {"form": "csv", "netwrk": "192.0.2.1", "csrfmiddlewaretoken": "x"}
    response = staff.post(EXPORT, fields)
    assert response.status_code == 400
    assert "There is no filter “netwrk” here." in response.content.decode()
    assert Event.objects.latest("number").kind != EVENTS_EXPORTED.name


def test_a_filter_that_is_there_twice_exports_nothing(staff: Client) -> None:
    response = staff.post(EXPORT, {"form": "csv", "outcome": ["failed", "done"]})
    assert response.status_code == 400
    assert "Give each filter once. More than once there is “outcome”." in response.content.decode()
    assert Event.objects.latest("number").kind != EVENTS_EXPORTED.name


def test_looking_at_the_address_of_an_export_gives_nothing(staff: Client) -> None:
    assert staff.get(EXPORT)["Location"] == "/admin/audit/event/"


@pytest.mark.parametrize("group", sorted(groups.EVERYBODY))
def test_only_those_export_whose_group_may(browser: Any, db: None, group: str) -> None:
    client = browser(make_person("someone", group=group))
    may = group in {"Auditor", "Administrator"}
    assert client.post(EXPORT, {"form": "csv"}).status_code == (200 if may else 403)
    assert (EXPORT in client.get("/admin/audit/event/?family=sign-in").content.decode()) is may


def test_an_event_whose_origin_was_erased_is_exported_without_it(staff: Client) -> None:
    record_done("one")
    EventOrigin.objects.all().delete()
    row = json_lines(exported(staff, form="jsonl", family="testing"))[0]
    assert (row["network_address"], row["user_agent"]) == (None, None)


def test_an_export_takes_the_same_memory_however_long_it_is(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def peak(count: int) -> int:
        with transaction.atomic():
            for number in range(count):
                record(DONE, by=actor_at("192.0.2.1"), about=[ALICE, SEAGULL], what=str(number))
        last = ChainHead.objects.get(pk=1).number + 1
        lines = exports.export_search(EventSearch(), form="csv", before=last)
        next(lines)
        tracemalloc.start()
        assert sum(1 for _line in lines) > count
        memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return memory

    for name in ("FIRST_LOOK", "LONGEST_LIST"):
        monkeypatch.setattr(f"audit.search.{name}", 20)
    assert peak(400) < 1.5 * peak(100)


def shipped(*arguments: str) -> list[dict[str, Any]]:
    """What `manage.py export_audit_log` writes."""
    output = StringIO()
    call_command("export_audit_log", *arguments, stdout=output)
    return json_lines(output.getvalue())


def test_a_shipper_gets_each_event_once_and_the_oldest_first(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_BATCH", 2)
    for number in range(1, 6):
        record_done(str(number))
    *first, head = shipped()
    assert [event["number"] for event in first] == [1, 2, 3, 4, 5]
    assert head == {
        "kind": "audit:chain:head",
        "number": 5,
        "seal": Event.objects.get(number=5).seal,
    }
    record_done("6")
    *second, head = shipped("--since-id", str(head["number"]))
    assert [event["number"] for event in second] == [6]
    assert shipped("--since-id", str(head["number"])) == [head]


def test_a_number_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="takes the number"):
        shipped("--since-id", "-1")


def test_what_is_recorded_while_an_export_begins_is_left_to_the_next_one(db: None) -> None:
    """The last line names the last event that was written, so a shipper goes on from there."""
    record_done("one")
    late: list[int] = []

    def record_after_head(execute: Any, sql: str, *arguments: Any) -> Any:
        answer = execute(sql, *arguments)
        if "audit_chainhead" in sql.lower() and not late:
            late.append(0)
            record_done("two")
        return answer

    with connection.execute_wrapper(record_after_head):
        rows = [json.loads(line) for line in exports.export_since(0)]
    assert late
    assert rows[-1]["number"] == rows[-2]["number"]
    (again, end) = [json.loads(line) for line in exports.export_since(rows[-1]["number"])]
    assert again["number"] == end["number"] == rows[-1]["number"] + 1
