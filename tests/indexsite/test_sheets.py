"""The page of all numbers, their files, and the page that everybody may see."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.template.base import Node
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.events import SIGN_IN_FAILED
from accounts.models import AuthenticatorApp
from accounts.staff import Cell
from audit.actors import command
from audit.failures import record_failure
from audit.groups import EVERYBODY, EXPORTERS
from audit.models import Event
from indexsite import sheets
from indexsite.events import NUMBERS_EXPORTED, NUMBERS_PUBLISHED
from indexsite.gauges import measure
from indexsite.jobs import count_events as roll_up
from indexsite.models import PeriodCount
from indexsite.publishing import is_public, turn_public_numbers
from indexsite.sheets import Rolled
from indexsite.staff_numbers import SHEETS
from tests.accounts.doors import count_events, newcomer, text_of_page
from tests.audit.words import actor_at
from tests.support.calls import calls_of
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens.models import APIToken
from tokens.uses import note_use

Browser = Callable[..., Client]
REASON = "Our users asked for these numbers."
MAY, JUNE = date(2031, 5, 1), date(2031, 6, 1)


def rolled(today: date = date(2031, 6, 15), **series: Any) -> Rolled:
    """Numbers of months as they might have been rolled up."""
    return Rolled(today, {name.replace("_", "-"): rows for name, rows in series.items()}, {})


def texts(sheet: sheets.Sheet) -> list[list[str]]:
    return [[str(cell.text).replace("\u00a0", " ") for cell in row] for row in sheet.rows]


def publish(is_on: bool = True) -> None:
    turn_public_numbers(is_on, reason=REASON, by=command("test"))


def test_the_share_counts_factors_and_passkeys_and_not_remembered_devices() -> None:
    may = {"second factor": 5, "passkey": 2, "remembered device": 40, "password only": 53}
    june = {"second factor": 1, "password only": 2}
    sheet = sheets.sign_ins(rolled(sign_ins={MAY: may, JUNE: june}))
    assert texts(sheet) == [
        ["June 2031, so far", "33.33 %", "1", "0", "0", "2"],
        ["May 2031", "7.00 %", "5", "2", "40", "53"],
    ]


def test_the_running_month_is_drawn_as_running() -> None:
    counts = {"second factor": 1}
    chart = sheets.sign_ins(rolled(sign_ins={MAY: counts, JUNE: counts})).chart
    assert chart is not None
    assert [box.is_running for box in chart.boxes] == [False, True]


def test_a_month_without_sign_ins_has_no_share() -> None:
    sheet = sheets.factor_share(rolled(uploads={MAY: {"token": 1}}))
    assert texts(sheet) == [["June 2031, so far", "-"], ["May 2031", "-"]]


def test_months_before_the_first_number_are_left_out() -> None:
    assert rolled().months == [JUNE]
    assert rolled(uploads={MAY: {"token": 1}}).months == [MAY, JUNE]


def test_coverage_is_that_of_accounts_and_of_owners() -> None:
    counts = {"accounts": 8, "accounts with a factor": 2, "owners": 4, "owners with a factor": 3}
    sheet = sheets.coverage(rolled(coverage={JUNE: counts}))
    assert texts(sheet) == [["June 2031, so far", "25.00 %", "2", "8", "75.00 %", "3", "4"]]


def test_what_everybody_may_see_holds_no_number_of_people() -> None:
    counts = {"accounts": 8, "accounts with a factor": 2, "owners": 4, "owners with a factor": 3}
    data = rolled(coverage={JUNE: counts}, sign_ins={JUNE: {"passkey": 3, "password only": 1}})
    assert texts(sheets.coverage_share(data)) == [["June 2031, so far", "25.00 %", "75.00 %"]]
    assert texts(sheets.factor_share(data)) == [["June 2031, so far", "75.00 %"]]


def test_tokens_are_measured_by_scope_end_and_use(alice: Person, bob: Person) -> None:
    foo, bar = project_of(alice, "foo"), project_of(alice, "bar")
    soon = timezone.now() + timedelta(days=3)
    tokens = [
        make(alice, "one", [foo])[0],
        make(alice, "two", [foo, bar])[0],
        make(alice, "soon", grant=grant_for(foo, expires_at=soon))[0],
        make(bob, "all")[0],
    ]
    for token in tokens[1:3]:
        note_use(token, by=alice.actor, project="foo", file="foo-1.0.tar.gz")
    measure()
    roll_up()
    found = {row[0]: row[1:] for row in texts(sheets.tokens_now(Rolled.read()))}
    assert found["together"] == ["4", "2"]
    assert found["people who have them"] == ["2", "1"]
    assert found["for one project"] == ["2", "1"]
    assert found["for several projects"] == ["1", "1"]
    assert found["for all projects"] == ["1", "0"]
    assert found["end within 14 days"] == ["1", "1"]
    assert [row[0] for row in found.values()][-2:] == ["2", "0"]
    (used,) = texts(sheets.tokens_used(Rolled.read()))
    assert used[1:] == ["2", "1", "1", "0"]
    (ends,) = texts(sheets.ends_of_tokens_used(Rolled.read()))
    assert ends[1:3] == ["2", "1"]
    (made,) = texts(sheets.tokens_made(Rolled.read()))
    assert made[1:] == ["4", "2", "1", "1", "2"]
    (ends,) = texts(sheets.ends_of_tokens_made(Rolled.read()))
    assert ends[1:3] == ["4", "1"]


def test_makers_of_tokens_are_those_of_this_month(alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        make(person)
    APIToken.objects.filter(user=bob.user).update(created_at=timezone.now() - timedelta(days=32))
    measure()
    assert Rolled.read().latest("makers of tokens") == {"people": 1}


def test_who_lacks_a_second_factor_among_owners_is_named(
    browser: Browser, sam: Person, alice: Person, bob: Person
) -> None:
    newcomer("nora")  # has none, and owns nothing
    for person, name in ((alice, "foo"), (bob, "bar")):
        project_of(person, name)
    AuthenticatorApp.objects.filter(user=bob.user).delete()
    measure()
    response = browser(sam).post("/admin/numbers/owners-without/export/")
    rows = list(csv.reader(response.getvalue().decode().splitlines()))  # type: ignore[attr-defined]
    assert rows == [["Account", "roles in projects"], ["bob", "1"]]


@pytest.mark.parametrize("group", sorted(EVERYBODY))
def test_each_group_sees_and_exports_what_is_its_own(
    browser: Browser, alice: Person, group: str
) -> None:
    by = actor_at("203.0.1.5", label="")
    record_failure(SIGN_IN_FAILED, by=by, about=[alice.user], reason="no", name_digest="")
    client = browser(make_person("someone", group=group))
    page = client.get("/admin/numbers/").content.decode()
    for key, (seen_by, _make) in SHEETS.items():
        assert (f'id="{key}"' in page) is (group in seen_by), key
        response = client.post(f"/admin/numbers/{key}/export/")
        may = group in seen_by and group in EXPORTERS
        assert response.status_code == (200 if may else 403), key
    assert ("203.0.1.5" in page) is (group != "Projects")


def test_an_export_is_recorded_and_holds_no_formula(
    browser: Browser, sam: Person, db: None
) -> None:
    by, about = actor_at("203.0.1.5", label=""), [make_person("=SUM(A1)").user]
    record_failure(SIGN_IN_FAILED, by=by, about=about, reason="no", name_digest="")
    response = browser(sam).post("/admin/numbers/accounts/export/")
    assert "'=SUM(A1),1,1" in response.getvalue().decode()  # type: ignore[attr-defined]
    assert response["Content-Disposition"].startswith('attachment; filename="accounts-')
    event = Event.objects.get(kind=NUMBERS_EXPORTED.name)
    assert (event.actor_label, event.fields) == ("sam", {"sheet": "accounts"})


def test_looking_is_no_export(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    assert client.get("/admin/numbers/accounts/export/").status_code == 302
    assert client.post("/admin/numbers/nothing/export/").status_code == 404
    assert count_events(NUMBERS_EXPORTED) == 0


@pytest.mark.parametrize("path", ["/admin/numbers/", "/admin/numbers/tokens/export/"])
def test_strangers_are_sent_away(browser: Browser, alice: Person, path: str) -> None:
    assert browser().get(path).status_code == 302
    assert browser(alice).get(path).status_code == 403


def test_the_page_takes_no_more_queries_with_more_rows(
    browser: Browser, sam: Person, alice: Person, django_assert_max_num_queries: Any
) -> None:
    client = browser(sam)
    client.get("/admin/numbers/")
    for number in range(5):
        make(alice, f"token {number}", [project_of(alice, f"p{number}")])
    measure()
    with django_assert_max_num_queries(26):
        client.get("/admin/numbers/")


def test_cells_are_escaped_and_a_first_one_may_be_a_link() -> None:
    rows = [[Cell("<b>", "/a/?b=1&c=2"), Cell("<i>"), Cell(7)], [Cell("&"), Cell("-"), Cell("")]]
    assert sheets.Sheet("x", "X", ["a", "b", "c"], rows).body == (
        '<tr><th scope="row"><a href="/a/?b=1&amp;c=2">&lt;b&gt;</a></th>'
        "<td>&lt;i&gt;</td><td>7</td></tr>\n"
        '<tr><th scope="row">&amp;</th><td>-</td><td></td></tr>\n'
    )


@pytest.mark.parametrize("function", [Node.render_annotated, reverse])
def test_more_rows_are_no_more_work_for_templates_and_addresses(
    browser: Browser, sam: Person, function: Any
) -> None:
    client = browser(sam)

    def calls(refused: int) -> int:
        for number in range(refused):
            fields = {"reason": "wrong code", "name_digest": ""}
            by = actor_at(f"203.0.{number}.5", label="")
            record_failure(SIGN_IN_FAILED, by=by, about=[sam.user], **fields)
        return calls_of(function, lambda: client.get("/admin/numbers/"))

    calls(1)  # what is made ready once in a process
    few = calls(1)
    assert calls(20) == few


def test_the_public_page_is_off_until_it_is_turned_on(browser: Browser, db: None) -> None:
    assert browser().get("/stats/").status_code == 404
    publish()
    assert browser().get("/stats/").status_code == 200
    publish(False)
    assert browser().get("/stats/").status_code == 404


def test_the_public_page_names_nobody(browser: Browser, alice: Person) -> None:
    project_of(alice, "secret-project")
    make(alice, "secret token")
    by = actor_at("203.0.1.5", label="")
    record_failure(SIGN_IN_FAILED, by=by, about=[alice.user], reason="no", name_digest="")
    measure()
    publish()
    page = browser().get("/stats/").content.decode()
    assert "Sign-ins with a second factor" in text_of_page(browser().get("/stats/"))
    for secret in ("alice", "secret", "203.0", "owners with one", "password only"):
        assert secret not in page


def test_the_public_page_takes_three_queries_and_no_session(
    browser: Browser, db: None, django_assert_num_queries: Any
) -> None:
    publish()
    with django_assert_num_queries(3):
        response = browser().get("/stats/")
    assert not response.cookies


def test_an_administrator_turns_it_on_with_a_reason(browser: Browser, sam: Person) -> None:
    client = browser(sam)
    short = client.post("/admin/numbers/publish/", {"position": "on", "reason": "short"})
    assert (short.status_code, is_public()) == (200, False)
    done = client.post("/admin/numbers/publish/", {"position": "on", "reason": REASON})
    assert (done.status_code, is_public()) == (302, True)
    event = Event.objects.get(kind=NUMBERS_PUBLISHED.name)
    assert (event.actor_label, event.fields) == ("sam", {"position": "on", "reason": REASON})
    again = client.post("/admin/numbers/publish/", {"position": "on", "reason": REASON})
    assert "stands like this already" in text_of_page(again)
    assert count_events(NUMBERS_PUBLISHED) == 1


@pytest.mark.parametrize("group", sorted(EVERYBODY - {"Administrator"}))
def test_no_other_group_turns_it_on(browser: Browser, db: None, group: str) -> None:
    person = make_person("someone", group=group)
    client = browser(person)
    assert "/admin/numbers/publish/" not in client.get("/admin/numbers/").content.decode()
    form = {"position": "on", "reason": REASON}
    assert client.post("/admin/numbers/publish/", form).status_code == 403
    with pytest.raises(PermissionDenied):
        turn_public_numbers(True, reason=REASON, by=person.actor)
    assert not is_public()


def test_turning_it_to_where_it_is_records_nothing(db: None) -> None:
    with pytest.raises(ValidationError):
        publish(False)
    assert count_events(NUMBERS_PUBLISHED) == 0
    assert PeriodCount.objects.count() == 0


@pytest.mark.parametrize("group", sorted(EVERYBODY))
def test_the_menu_leads_to_the_numbers_and_says_where_one_is(
    browser: Browser, db: None, group: str
) -> None:
    client = browser(make_person("someone", group=group))
    link = '<a href="/admin/numbers/"'
    for path, here in (("/admin/audit/event/", ""), ("/admin/numbers/", ' aria-current="page"')):
        page = client.get(path).content.decode()
        menu = page[page.index('id="nav-sidebar"') :]
        assert f"{link}{here}>All numbers, by month</a>" in menu, path
    assert client.get("/admin/audit/").status_code == 200  # the tables of one app alone
