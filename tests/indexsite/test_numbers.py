"""The numbers on the first page of staff."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.events import SIGN_IN_FAILED
from accounts.models import AuthenticatorApp, User
from audit.events import FAILURES_REPEATED
from audit.failures import WINDOW, close_windows, record_failure
from audit.vocabulary import EventKind
from indexsite.gauges import measure
from indexsite.jobs import count_events
from indexsite.numbers import groups_for
from indexsite.sheets import Rolled
from indexsite.staff_numbers import SHEETS
from indexsite.troubles import find_troubles
from projects.operations.quarantine import quarantine_projects
from tests.accounts.doors import newcomer
from tests.audit.words import REFUSED, actor_at, run_sql
from tests.support.people import Person, make_person
from tests.support.uploading import token_of, upload
from tests.tokens.keys import make, project_of
from tokens.events import TOKEN_REFUSED
from tokens.models import APIToken
from uploads.events import UPLOAD_REFUSED

QUERIES = 29


def figures(person: Person) -> dict[str, Any]:
    """All numbers that somebody sees, by name, after the worker has measured."""
    measure()
    return {
        figure.label: figure.value
        for group in groups_for(person.fresh_user)
        for figure in group.figures
    }


def test_who_has_a_second_factor_and_which_owners_lack_one(
    sam: Person, alice: Person, bob: Person
) -> None:
    newcomer()
    project_of(alice, "foo")
    found = figures(sam)
    assert found["open accounts"] == 4
    assert found["with a second factor"] == "3 (75\u00a0%)"
    assert found["owners without a second factor"] == 0
    AuthenticatorApp.objects.filter(user=alice.user).delete()
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    found = figures(sam)
    assert found["with a second factor"] == "1 (33\u00a0%)"
    assert found["owners without a second factor"] == 1
    assert found["frozen accounts"] == 1
    assert found["staff"] == 1


def test_tokens(sam: Person, alice: Person) -> None:
    make(alice, "narrow", [project_of(alice, "foo")])
    make(alice, "wide")
    APIToken.objects.filter(name="wide").update(expires_at=None)
    revoked, _text = make(alice, "revoked")
    APIToken.objects.filter(pk=revoked.pk).update(revoked_at=revoked.created_at)
    found = figures(sam)
    assert (found["active"], found["people who have one"]) == (2, 1)
    assert (found["for one project"], found["for several projects"]) == (1, 0)
    assert found["for all projects"] == 1
    assert found["people who used one"] == 0
    assert found["without an end"] >= 1
    count_events()
    assert figures(sam)["made this month"] == 3


def test_uploads_of_this_month_by_what_they_came_with(sam: Person, alice: Person) -> None:
    assert figures(sam)["with an API token"] == 0
    assert upload(token_of(alice)).status_code == 200
    count_events()
    found = figures(sam)
    assert (found["with an API token"], found["with a password"]) == (1, 0)


def test_refusals_of_the_week_are_told_from_those_of_the_day(sam: Person, alice: Person) -> None:
    by = actor_at("203.0.1.5", label="")
    now = timezone.now()
    for days in (8, 2, 0):
        with time_machine.travel(now - timedelta(days=days)):
            record_failure(SIGN_IN_FAILED, by=by, reason="wrong code", name_digest="")
    assert figures(sam)["failed sign-ins"] == "1, in 7 days 2"


def fail(address: str, *about: Any, kind: EventKind = SIGN_IN_FAILED) -> None:
    """A failure from somewhere."""
    fields = dict.fromkeys(kind.fields, "")
    record_failure(kind, by=actor_at(address, label=""), about=about, **fields)


def test_from_where_and_about_whom_sign_ins_and_uploads_were_refused(
    sam: Person, alice: Person, bob: Person
) -> None:
    for number, kind in enumerate((SIGN_IN_FAILED, UPLOAD_REFUSED, TOKEN_REFUSED)):
        fail(f"203.0.{number}.5", alice.user, kind=kind)
    fail("203.0.9.5", bob.user, kind=REFUSED)
    found = figures(sam)
    assert found["all refusals"] == "4, in 7 days 4"
    assert [found[f"203.0.{number}.5"] for number in range(3)] == [1, 1, 1]
    assert found["alice"] == 3
    assert "203.0.9.5" not in found
    assert "bob" not in found
    for key in ("places", "accounts"):
        _seen_by, make_sheet = SHEETS[key]
        assert len(make_sheet(Rolled.read(), None).rows) == (3 if key == "places" else 1)


def test_each_number_of_refusals_leads_to_as_many_events(
    browser: Any, sam: Person, alice: Person
) -> None:
    for number in range(2):
        fail(f"203.0.{number}.5", kind=UPLOAD_REFUSED)
    for number in range(3):
        fail(f"203.0.{number}.5", kind=TOKEN_REFUSED)
    client, shown = browser(sam), {}
    for group in groups_for(sam.fresh_user):
        for figure in group.figures:
            if figure.label in {"refused uploads", "refused API tokens"}:
                page = client.get(figure.url).content.decode()
                shown[figure.label] = (figure.value, page.count('<tr class="failed">'))
    assert shown == {
        "refused uploads": ("2, in 7 days 2", 2),
        "refused API tokens": ("3, in 7 days 3", 3),
    }


def times_found(client: Any, url: str) -> int:
    """How many failures the events tell of that a link finds: some tell of several."""
    assert url
    page = client.get(url).context["page"]
    assert page.older is None
    return sum(
        event.fields["count"] - 1 if event.kind == FAILURES_REPEATED.name else 1
        for event in page.events
    )


def test_each_address_and_account_leads_to_exactly_what_was_counted_of_it(
    browser: Any, sam: Person, alice: Person, bob: Person
) -> None:
    start = timezone.now().replace(second=50)
    with time_machine.travel(start - timedelta(days=8)):
        fail("203.0.1.5", alice.user)

    def fail_again_and_again(past: timedelta, address: str, person: Person) -> None:
        with time_machine.travel(start - past) as clock:
            for kind in (SIGN_IN_FAILED, REFUSED):
                for _turn in range(4):
                    fail(address, person.user, kind=kind)
            clock.shift(WINDOW + timedelta(seconds=1))
            close_windows()

    fail_again_and_again(timedelta(days=2), "203.0.1.5", alice)
    with time_machine.travel(start - timedelta(days=1, seconds=20)):  # in the same minute
        fail("203.0.2.5", bob.user)
    fail_again_and_again(timedelta(hours=3), "203.0.5.5", bob)
    with time_machine.travel(start):
        fail("203.0.1.5", alice.user, kind=UPLOAD_REFUSED)
        fail("203.0.3.5", alice.user, kind=TOKEN_REFUSED)
        fail("203.0.3.6", bob.user)
        fail("203.0.4.6", bob.user, kind=REFUSED)
        client, rolled = browser(sam), Rolled.read()
        for figure in groups_for(sam.fresh_user)[0].figures[1:]:
            in_a_day = int(str(figure.value).partition(",")[0])
            assert times_found(client, figure.url) == in_a_day, figure.label
        weeks = {
            str(row[0].text): row[2].text
            for key in ("places", "accounts", "kinds")
            for row in SHEETS[key][1](rolled, None).rows
            if times_found(client, row[0].url) == row[2].text
        }
    assert weeks == {
        "203.0.1.5": 5,
        "203.0.2.5": 1,
        "203.0.3.0/24": 2,
        "203.0.5.5": 4,
        "alice": 6,
        "bob": 6,
        SIGN_IN_FAILED.name: 10,
        UPLOAD_REFUSED.name: 1,
        TOKEN_REFUSED.name: 1,
        REFUSED.name: 9,
    }


def test_the_queue_has_the_age_of_its_oldest(sam: Person, alice: Person) -> None:
    quarantine_projects([project_of(alice, "foo")], reason="Looks dangerous.", by=sam.actor)
    assert figures(sam)["projects in quarantine"].startswith("1, the oldest for 0")


@pytest.mark.parametrize(
    ("group", "sees", "does_not_see"),
    [
        ("Auditor", "open accounts", None),
        ("Support", "open accounts", None),
        ("Support", "recovery cases", None),
        ("Projects", "projects in quarantine", "open accounts"),
        ("Projects", "reports", "recovery cases"),
    ],
)
def test_each_group_sees_what_it_works_with(
    db: None, group: str, sees: str, does_not_see: str | None
) -> None:
    found = figures(make_person("someone", group=group))
    assert sees in found
    assert does_not_see not in found


def test_strangers_see_none(db: None) -> None:
    assert groups_for(AnonymousUser()) == []


def test_every_number_leads_to_a_page(browser: Any, sam: Person, alice: Person) -> None:
    fail("203.0.1.5", alice.user)
    client = browser(sam)
    urls = {f.url for group in groups_for(sam.fresh_user) for f in group.figures if f.url}
    assert len(urls) > 10
    for url in urls:
        assert client.get(url).status_code == 200, url


def test_addresses_are_shown_only_to_whom_the_pages_of_accounts_are_open(
    sam: Person, alice: Person
) -> None:
    fail("203.0.1.5", alice.user)
    assert "203.0.1.5" in figures(sam)
    assert "203.0.1.5" not in figures(make_person("someone", group="Projects"))


def test_numbers_that_were_never_measured_are_not_made_up(sam: Person) -> None:
    found = {f.label: f.value for g in groups_for(sam.fresh_user) for f in g.figures}
    assert found["open accounts"] == found["active"] == found["files"] == "-"
    assert found["numbers measured"] == "-"


def test_a_check_that_fails_is_named(sam: Person, is_postgresql: bool) -> None:
    assert figures(sam)["failing checks"] == "none"
    run_sql("DROP TRIGGER audit_event_no_update" + (" ON audit_event" if is_postgresql else ""))
    assert figures(sam)["failing checks"] == "audit.E002"
    assert [trouble.key for trouble in find_troubles()] == ["check audit.E002"]


def test_the_first_page_takes_a_fixed_number_of_queries(
    browser: Any, sam: Person, alice: Person, django_assert_num_queries: Any
) -> None:
    client = browser(sam)
    client.get("/admin/")  # keys, groups and settings are looked up once for each process
    for _turn in range(2):
        with django_assert_num_queries(QUERIES):
            assert client.get("/admin/").status_code == 200
        for number in range(5):
            make(alice, f"token {_turn} {number}", [project_of(alice, f"p{_turn}{number}")])
            fail(f"203.0.{number}.5", alice.user)
        count_events()
        measure()
