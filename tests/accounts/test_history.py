"""What the memory holds about an account, on a page and as files; and all of one's data."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts import data
from accounts.events import (
    APP_ADDED,
    DATA_DOWNLOADED,
    EMAIL_ADDED,
    SIGN_IN_SUCCEEDED,
    SIGNED_OUT,
)
from accounts.models import EmailAddress, OutboxMail, User
from audit import downloads
from audit.actors import Actor
from audit.log import record
from audit.models import Event
from audit.vocabulary import EventKind
from tests.accounts.doors import count_events, leads_to_sign_in, text_of_page
from tests.support.people import Person
from tests.support.uploading import token_of

Browser = Callable[..., Client]
HISTORY = "/account/history/"


def happen(
    person: Person, kind: EventKind, *, times: int = 1, by: Actor | None = None, **fields: Any
) -> None:
    with transaction.atomic():
        for _number in range(times):
            record(kind, by=by or person.actor, about=[person.user], **fields)


def content_of(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


# Choosing


def test_events_of_one_kind_are_shown_alone(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    happen(alice, EMAIL_ADDED)
    page = text_of_page(client.get(f"{HISTORY}?family=account"))
    assert "alice added a mail address" in page
    assert "signed in with" not in page
    page = text_of_page(client.get(f"{HISTORY}?family=sign-in"))
    assert "alice added a mail address" not in page
    assert "signed in with" in page


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("since=2026-11-02", {2, 3}),
        ("until=2026-11-02", {1, 2}),
        ("since=2026-11-02&until=2026-11-02", {2}),
        ("since=2026-11-04", set()),
        ("since=&until=", {1, 2, 3}),
    ],
)
def test_events_of_some_days_are_shown_alone(
    browser: Browser, alice: Person, query: str, days: set[int]
) -> None:
    for day in (1, 2, 3):
        for hour, minute in ((0, 0), (23, 59)):
            with time_machine.travel(datetime(2026, 11, day, hour, minute, tzinfo=UTC)):
                happen(alice, SIGNED_OUT)
    with time_machine.travel(datetime(2026, 11, 3, 12, tzinfo=UTC)):
        client = browser(alice)
        page = text_of_page(client.get(f"{HISTORY}?{query}"))
    assert {day for day in (1, 2, 3) if f"2026-11-0{day} 23:59:00 UTC" in page} == days
    assert {day for day in (1, 2, 3) if f"2026-11-0{day} 00:00:00 UTC" in page} == days


@pytest.mark.parametrize(
    "query",
    [
        "family=x",
        "family=account:email",
        "since=x",
        "since=2026-13-01",
        "until=0000-00-00",
        "since=0001-01-01&until=9999-12-31",
        "since=2026-11-02&until=2026-11-01",
        "before=x",
        "before=-1",
        "before=9" + "9" * 40,
        "before=" + "9" * 5000,
        "before=%D9%A3",
        "page=99",
        "before=",
    ],
)
def test_choices_that_are_none_show_a_page(browser: Browser, alice: Person, query: str) -> None:
    client = browser(alice)
    assert client.get(f"{HISTORY}?{query}").status_code == 200
    content_of(client.get(f"{HISTORY}export.json?{query}"))


def test_an_empty_choice_leads_back_to_everything(browser: Browser, alice: Person) -> None:
    page = text_of_page(browser(alice).get(f"{HISTORY}?since=2199-01-01"))
    assert "Nothing of this kind happened" in page


def test_pages_hold_fifty_and_lead_to_the_older_ones(browser: Browser, alice: Person) -> None:
    happen(alice, SIGNED_OUT, times=120)
    client, seen, address = browser(alice), [], f"{HISTORY}?family=sign-in&since=2020-01-01"
    while address:
        response = client.get(address)
        seen.append([line.event.number for line in response.context["lines"]])
        older = response.context["older"]
        address = f"{HISTORY}?{older}" if older else ""
        if address:
            assert "family=sign-in" in address
            assert "since=2020-01-01" in address
    numbers = [number for page in seen for number in page]
    assert [len(page) for page in seen] == [50, 50, 21]
    assert numbers == sorted(set(numbers), reverse=True)


# As files


def test_the_history_is_a_file_for_spreadsheets(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    happen(alice, EMAIL_ADDED)
    response = client.get(f"{HISTORY}export.csv?family=account")
    assert response["Content-Disposition"] == 'attachment; filename="history-alice.csv"'
    assert "no-store" in response["Cache-Control"]
    rows = list(csv.DictReader(io.StringIO(content_of(response))))
    (row,) = rows
    assert row["sentence"] == "alice added a mail address"
    assert (row["actor"], row["network_address"]) == ("alice", "192.0.2.17")


def test_the_history_is_a_file_for_programs(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    happen(alice, EMAIL_ADDED, times=3)
    rows = json.loads(content_of(client.get(f"{HISTORY}export.json")))
    assert [row["kind"] for row in rows[:3]] == [EMAIL_ADDED.name] * 3
    assert rows[-1]["kind"] == SIGN_IN_SUCCEEDED.name
    datetime.fromisoformat(rows[0]["time"])


def test_there_are_no_other_files(browser: Browser, alice: Person) -> None:
    for form in ("xml", "CSV", "json.exe", "%00"):
        assert browser(alice).get(f"{HISTORY}export.{form}").status_code in {400, 404}


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(browser: Browser, alice: Person, start: str) -> None:
    by = Actor("user", id=str(alice.user.pk), label=start, user_agent=f"{start}|calc")
    happen(alice, APP_ADDED, by=by, label=start)
    content = content_of(browser(alice).get(f"{HISTORY}export.csv?family=account"))
    (row,) = csv.DictReader(io.StringIO(content, newline=""))
    assert row["actor"] == f"'{start}"
    assert row["user_agent"] == f"'{start}|calc"
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())


def test_files_hold_no_more_of_others_than_the_page(
    browser: Browser, alice: Person, bob: Person
) -> None:
    happen(alice, EMAIL_ADDED, by=bob.actor)
    happen(bob, SIGNED_OUT)
    rows = json.loads(content_of(browser(alice).get(f"{HISTORY}export.json")))
    from_bob = [row for row in rows if row["actor"] == "bob"]
    assert [row["network_address"] for row in from_bob] == [""]
    assert SIGNED_OUT.name not in {row["kind"] for row in rows}


def test_a_long_history_is_read_a_few_hundred_events_at_a_time(
    alice: Person, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    happen(alice, SIGNED_OUT, times=25)
    monkeypatch.setattr(downloads, "AT_A_TIME", 10)
    lines = downloads.lines_of(Event.objects.for_user(alice.user))
    with django_assert_num_queries(3):  # events, subjects and origins of the first 10
        first = [next(lines) for _number in range(10)]
    numbers = [line.event.number for line in [*first, *lines]]
    assert len(numbers) == 25
    assert numbers == sorted(numbers, reverse=True)


# All of one's data


def test_all_data_of_a_person_is_one_file(browser: Browser, alice: Person, bob: Person) -> None:
    EmailAddress.objects.create(user=alice.user, address="second@example.org")
    client = browser(alice)
    client.post("/account/password/", {"password": "ferry lantern gravel teapot"})
    response = client.get("/account/data/")
    assert response["Content-Disposition"] == 'attachment; filename="alice.json"'
    content = content_of(response)
    found = json.loads(content)
    assert found["account"]["username"] == "alice"
    addresses = {row["address"] for row in found["mail_addresses"]}
    assert addresses == {alice.email, "second@example.org"}
    assert [row["name"] for row in found["second_factors"]] == ["phone"]
    assert found["recovery_codes"]["unused"] == 8
    assert len(found["sessions"]) == 1
    assert [row["notice"] for row in found["mails"]] == ["password_changed"]
    assert found["history"][0]["kind"] == DATA_DOWNLOADED.name
    assert "bob" not in content


def test_the_file_tells_of_sign_ins_from_unknown_devices(browser: Browser, alice: Person) -> None:
    at, place = datetime(2026, 5, 1, tzinfo=UTC), "198.51.100.9"
    alice.user.unknown_sign_ins.create(happened_at=at, network_address=place, user_agent="Curl/8")
    found = json.loads(content_of(browser(alice).get("/account/data/")))
    assert found["unknown_sign_ins"][0] == {
        "happened_at": "2026-05-01T00:00:00Z",
        "network_address": place,
        "user_agent": "Curl/8",
        "denied_at": None,
    }


def test_recovery_cases_are_in_it(browser: Browser, alice: Person) -> None:
    alice.user.recovery_cases.create(
        evidence="Called from the number in the staff directory.",
        reason="Lost the phone.",
        opened_by="sam",
        due_at=datetime(2026, 5, 4, tzinfo=UTC),
    )
    (case,) = json.loads(content_of(browser(alice).get("/account/data/")))["recovery_cases"]
    assert case["evidence"] == "Called from the number in the staff directory."
    assert case["due_at"] == "2026-05-04T00:00:00Z"
    assert case["outcome"] == "cancelled"  # by the sign-in with a factor


IN_ANOTHER_PART = {  # tables that name a person, and the part of the file that has their rows
    "accounts.AuthenticatorApp": "second_factors",
    "accounts.SecurityKey": "second_factors",
    "accounts.RecoveryCodeSet": "recovery_codes",
    "accounts.EmailAddress": "mail_addresses",
    "accounts.RecoveryCase": "recovery_cases",
    "accounts.KnownDevice": "devices",
    "accounts.UserSession": "sessions",
    "accounts.UnknownSignIn": "unknown_sign_ins",
    "accounts.MailChoice": "mail_choices",
    "projects.Report": "reports",
    "projects.Role": "roles",
    "projects.Invitation": "invitations",
    "tokens.APIToken": "api_tokens",
}
# Open reset links, which are secrets; and tables of libraries, which stay empty here
LEFT_OUT = {
    "accounts.PasswordReset",
    "admin.LogEntry",
    "otp_static.StaticDevice",
    "otp_totp.TOTPDevice",
}


def test_every_table_that_names_a_person_is_in_it(browser: Browser, alice: Person) -> None:
    found = json.loads(content_of(browser(alice).get("/account/data/")))
    tables = {row.related_model._meta.label for row in User._meta.related_objects}
    assert tables == set(IN_ANOTHER_PART) | LEFT_OUT
    assert set(IN_ANOTHER_PART.values()) <= set(found)


def test_the_file_holds_no_secret(browser: Browser, alice: Person) -> None:
    text = token_of(alice)
    content = content_of(browser(alice).get("/account/data/"))
    app, user = alice.app, alice.fresh_user
    codes = user.recovery_codes.codes.values_list("digest", flat=True)  # type: ignore[union-attr]
    keys = user.sessions.values_list("session_key", flat=True)
    secrets = [user.password, app.secret, text, user.api_tokens.get().root_key, *codes, *keys]
    assert [secret for secret in secrets if secret in content] == []


def test_a_download_is_recorded_and_needs_sudo_mode(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        client.get("/account/data/")
        assert count_events(DATA_DOWNLOADED) == 1
        clock.shift(timedelta(minutes=31))
        assert "Confirm it is you" in text_of_page(client.get("/account/data/"))
    assert count_events(DATA_DOWNLOADED) == 1
    assert leads_to_sign_in(browser().get("/account/data/"))


def test_a_higher_floor_adds_what_it_holds(
    browser: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "_parts", dict(data._parts))
    data.add_part("shelves", lambda user: [f"of {user.username}"])
    data.add_part("boxes", lambda user: iter([{"number": 1}, {"number": 2}]))
    found = json.loads(content_of(browser(alice).get("/account/data/")))
    assert found["shelves"] == ["of alice"]
    assert found["boxes"] == [{"number": 1}, {"number": 2}]


def test_mails_to_somebody_who_had_the_address_before_are_not_in_it(
    browser: Browser, alice: Person
) -> None:
    OutboxMail.objects.create(notice="x", recipient=alice.email, recipient_name="former")
    assert json.loads(content_of(browser(alice).get("/account/data/")))["mails"] == []
