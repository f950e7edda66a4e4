"""Reports of projects: who may make them, who sees them, and the answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts import notices
from accounts.limits import DAY, Limit, LimitReached
from accounts.models import OutboxMail
from audit.actors import Actor
from audit.models import Event
from projects.events import PROJECT_REPORTED, REPORT_ANSWERED
from projects.models import Project, Report
from projects.operations import reports
from projects.operations.publishing import create_project
from tests.accounts.doors import count_events, newcomer, text_of_page
from tests.support.clone import race
from tests.support.people import Person, make_person
from tests.tokens.keys import project_of

Browser = Callable[..., Client]
TEXT = "setup.py of version 1.0 sends the environment to a server."
REASON = "The project is in quarantine until it is clean."
ADDRESS = "/project/foo/report/"


@pytest.fixture
def paul(_database: None) -> Person:
    """Somebody of the group Projects."""
    return make_person("paul", group="Projects")


def report(project: Project, by: Person, kind: str = "malware") -> Report:
    return reports.report_project(project, kind=kind, text=TEXT, by=by.actor)


def answer(row: Report, by: Person, outcome: str = "acted") -> None:
    reports.answer_report(row, outcome=outcome, reason=REASON, by=by.actor)


def test_who_has_an_account_reports_a_project_from_its_page(
    browser: Browser, foo: Project, mallory: Person
) -> None:
    client = browser(mallory)
    assert f'href="{ADDRESS}"' in client.get("/project/foo/").content.decode()
    assert "Report Foo" in text_of_page(client.get(ADDRESS))
    page = client.post(ADDRESS, {"kind": "malware", "text": TEXT}, follow=True)
    assert "The staff will answer you by mail" in text_of_page(page)
    row = Report.objects.get()
    assert (row.project_id, row.kind, row.text, row.reporter) == (
        foo.pk,
        "malware",
        TEXT,
        mallory.user,
    )


@pytest.mark.parametrize("who", ["person", "stranger"])
def test_a_report_sent_to_another_spelling_of_the_name_is_not_lost(
    who: str, browser: Browser, foo: Project, mallory: Person
) -> None:
    client = browser(mallory) if who == "person" else browser()
    for ask in (client.get, client.head):
        response = ask("/project/F_o.O/report/")
        assert (response.status_code, response["Location"]) == (301, "/project/f-o-o/report/")
    fields = {"kind": "malware", "text": TEXT, "mail_address": ""}
    assert client.post("/project/FOO/report/", fields, follow=True).status_code == 200
    assert Report.objects.get().project_id == foo.pk
    assert client.post("/project/-/report/", fields).status_code == 404


def test_a_stranger_reports_without_signing_in_and_gets_no_session(
    browser: Browser, foo: Project
) -> None:
    client = browser()
    page = client.get(ADDRESS)
    assert page["Cache-Control"].find("no-store") >= 0
    assert "Report Foo" in text_of_page(page)
    fields = {"kind": "malware", "text": TEXT, "mail_address": "eve@example.org"}
    page = client.post(ADDRESS, fields, follow=True)
    assert "Thank you. The staff will look at it." in text_of_page(page)
    assert "session" not in client.cookies
    row = Report.objects.get()
    assert (row.reporter, row.is_strangers, row.mail_address) == (None, True, "eve@example.org")
    assert (row.project_id, row.kind, row.text) == (foo.pk, "malware", TEXT)
    event = Event.objects.get(kind=PROJECT_REPORTED.name)
    assert event.actor_kind == "anonymous"
    assert "eve@" not in str(event.fields)


def test_the_mail_address_of_a_stranger_is_optional_and_must_be_one(
    browser: Browser, foo: Project
) -> None:
    fields = {"kind": "malware", "text": TEXT}
    assert browser().post(ADDRESS, fields | {"mail_address": "eve"}).status_code == 200
    assert not Report.objects.exists()
    assert browser().post(ADDRESS, fields).status_code == 302
    assert Report.objects.get().mail_address == ""


def test_who_is_signed_in_and_lacks_something_is_not_taken_for_a_stranger(
    browser: Browser, foo: Project
) -> None:
    person = newcomer(is_verified=False)
    fields = {"kind": "malware", "text": TEXT}
    assert browser(person).post(ADDRESS, fields).status_code == 302
    assert not Report.objects.exists()


def as_stranger(project: Project, address: str) -> Report:
    by = Actor("anonymous", network_address=address)
    return reports.report_as_stranger(
        project, kind="spam", text=TEXT, mail_address="eve@example.org", by=by
    )


def test_strangers_have_a_limit_by_address_and_one_for_all(
    browser: Browser, foo: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        as_stranger(foo, "2001:db8::1")
    with pytest.raises(LimitReached):
        as_stranger(foo, "2001:db8::2")  # of the same /64
    as_stranger(foo, "192.0.2.17")
    monkeypatch.setattr(reports, "OF_STRANGERS", Limit(reports.OF_STRANGERS.name, 6, DAY))
    page = browser().post(ADDRESS, {"kind": "spam", "text": TEXT})
    assert "too many attempts" in text_of_page(page)
    assert Report.objects.count() == 6


def test_the_queue_says_that_a_stranger_made_it_and_the_address_goes_with_the_answer(
    browser: Browser, foo: Project, paul: Person
) -> None:
    row = as_stranger(foo, "192.0.2.17")
    client = browser(paul)
    assert "a stranger" in text_of_page(client.get("/admin/projects/report/"))
    page = text_of_page(client.get(f"/admin/projects/report/{row.pk}/change/"))
    assert "a stranger" in page
    assert "eve@example.org" in page
    page = text_of_page(client.get(f"/admin/projects/report/{row.pk}/answer/"))
    assert "If you want to write to eve@example.org, do it first" in page
    answer(row, paul)
    row.refresh_from_db()
    assert (row.mail_address, row.outcome) == ("", "acted")
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "malware"},
        {"kind": "malware", "text": "too short"},
        {"kind": "rude", "text": TEXT},
        {"text": TEXT},
        {"kind": "spam", "text": "x" * 5001},
    ],
)
def test_a_report_without_kind_or_text_is_refused(
    browser: Browser, foo: Project, mallory: Person, fields: dict[str, str]
) -> None:
    assert browser(mallory).post(ADDRESS, fields).status_code == 200
    assert not Report.objects.exists()


def test_what_is_not_there_cannot_be_reported(browser: Browser, mallory: Person) -> None:
    assert browser(mallory).get("/project/nothing/report/").status_code == 404


def test_one_report_of_a_project_waits_for_an_answer_at_a_time(
    foo: Project, mallory: Person, bob: Person, paul: Person
) -> None:
    first = report(foo, mallory)
    with pytest.raises(ValidationError, match="will answer you by mail"):
        report(foo, mallory, "spam")
    report(foo, bob)
    answer(first, paul)
    report(foo, mallory, "spam")


def test_reports_have_a_limit(alice: Person, mallory: Person) -> None:
    projects = [create_project(f"project{number}", by=alice.actor) for number in range(21)]
    for project in projects[:20]:
        report(project, mallory)
    with pytest.raises(LimitReached):
        report(projects[20], mallory)


def test_the_owners_do_not_learn_who_reported_it(
    browser: Browser, foo: Project, alice: Person, mallory: Person
) -> None:
    report(foo, mallory)
    assert count_events(PROJECT_REPORTED) == 1
    kinds = {event.kind for event in Event.objects.for_project(foo)}
    assert PROJECT_REPORTED.name not in kinds
    page = text_of_page(browser(alice).get("/manage/project/foo/history/"))
    assert "mallory" not in page
    assert not OutboxMail.objects.filter(recipient=alice.email).exists()


def test_the_text_of_a_report_is_not_sealed(foo: Project, mallory: Person, paul: Person) -> None:
    answer(report(foo, mallory), paul)
    assert all(TEXT not in str(event.fields) for event in Event.objects.all())


def test_the_reporter_is_told_the_outcome(foo: Project, mallory: Person, paul: Person) -> None:
    row = report(foo, mallory)
    answer(row, paul)
    mail = OutboxMail.objects.get(notice="report_answered")
    assert mail.recipient == mallory.email
    body = " ".join(str(notices.render(mail).body).split())
    assert REASON in body
    assert "something was done about it" in body
    row.refresh_from_db()
    assert (row.outcome, row.answered_by, row.answer) == ("acted", "paul", REASON)
    assert Event.objects.for_user(mallory.user).filter(kind=REPORT_ANSWERED.name).exists()


def test_a_report_outlives_its_project_and_its_reporter(
    browser: Browser, foo: Project, mallory: Person, paul: Person
) -> None:
    row = report(foo, mallory)
    foo.delete()
    mallory.user.delete()
    answer(Report.objects.get(), paul)
    page = text_of_page(browser(paul).get(f"/admin/projects/report/{row.pk}/change/"))
    assert "It was deleted" in page
    assert not OutboxMail.objects.filter(notice="report_answered").exists()


@pytest.mark.parametrize("group", ["Auditor", "Support", ""])
def test_other_groups_answer_nothing(foo: Project, mallory: Person, group: str) -> None:
    row = report(foo, mallory)
    with pytest.raises(PermissionDenied, match="Your staff group"):
        answer(row, make_person("other", group=group))
    assert Report.objects.get().answered_at is None


def test_the_queue_shows_open_reports_first_the_oldest_on_top(
    browser: Browser, alice: Person, bob: Person, mallory: Person, paul: Person
) -> None:
    names = ["answered", "older", "newer"]
    rows = [report(create_project(name, by=alice.actor), mallory) for name in names]
    answer(rows[0], paul, "nothing found")
    page = text_of_page(browser(paul).get("/admin/projects/report/"))
    assert page.index(">older<") < page.index(">newer<") < page.index(">answered<")


def test_the_page_of_a_report_leads_to_the_project_and_shows_what_others_said(
    browser: Browser, foo: Project, bob: Person, mallory: Person, paul: Person
) -> None:
    row = report(foo, mallory)
    report(foo, bob, "spam")
    page = text_of_page(browser(paul).get(f"/admin/projects/report/{row.pk}/change/"))
    assert TEXT in page
    assert f"/admin/projects/project/{foo.pk}/change/" in page
    assert "spam" in page
    project = text_of_page(browser(paul).get(f"/admin/projects/project/{foo.pk}/change/"))
    assert f"/admin/projects/report/{row.pk}/change/" in project


def test_of_two_answers_at_once_one_counts(committed_db: None) -> None:
    paul = make_person("paul", group="Projects")
    row = report(project_of(make_person("alice"), "foo"), make_person("mallory"))
    outcomes = race(2, lambda: answer(row, paul))
    assert sum(isinstance(outcome, ValidationError) for outcome in outcomes) == 1, outcomes
    assert count_events(REPORT_ANSWERED) == 1
    assert OutboxMail.objects.filter(notice="report_answered").count() == 1
