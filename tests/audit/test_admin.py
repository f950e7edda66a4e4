"""Staff read the memory in the admin, and can do nothing else there."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.template import Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import groups, vocabulary
from audit.log import Subject, record
from audit.models import Event
from tests.audit.words import ALICE, BOB, BY_ALICE, DONE, REFUSED, SEAGULL, actor_at, record_done
from tests.support.calls import calls_of
from tests.support.people import make_person

LIST = "/admin/audit/event/"


@pytest.fixture
def staff(browser: Any, sam: Any) -> Client:
    """Sam's browser; his sign-in is event 1."""
    client: Client = browser(sam)
    return client


def text_of(client: Client, path: str, **query: str) -> str:
    """A page of the admin as text, without its markup."""
    response = client.get(path, query)
    assert response.status_code == 200, response
    main = response.content.decode().partition('id="content"')[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def sentences(client: Client, **query: str) -> list[str]:
    """What the list shows as having happened, top to bottom."""
    response = client.get(LIST, query)
    assert response.status_code == 200, response
    cells = re.findall(r'<span class="sentence">(.*?)</span>', response.content.decode())
    return [unescape(cell) for cell in cells]


def test_the_list_shows_what_happened_newest_first(staff: Client) -> None:
    record_done("a dance")
    page = text_of(staff, LIST)
    assert sentences(staff)[0] == "alice did a dance to seagull"
    assert "sam signed in" in sentences(staff)[1]
    for part in ("alice , seagull", "192.0.2.17"):
        assert part in page


def test_the_page_of_an_event_shows_all_of_it(staff: Client) -> None:
    by = BY_ALICE.with_token(token_id="t-123", label="my token")
    event = record(
        DONE, by=by, about=[ALICE, SEAGULL], mail_addresses=["a@example.org"], what="a dance"
    )
    page = text_of(staff, f"{LIST}{event.number}/change/")
    for part in (
        "alice did a dance to seagull",
        "testing:thing:done",
        "t-123",
        "my token",
        f"user alice ({ALICE.subject_id})",
        "project seagull (7)",
        '"what": "a dance"',
        "192.0.2.17",
        "A Browser/1",
        "a@example.org",
        event.origin_digest,
        event.key_id,
        event.seal,
    ):
        assert part in page


def test_an_event_whose_origin_was_erased_says_so(staff: Client) -> None:
    from audit.models import EventOrigin

    event = record_done()
    EventOrigin.objects.all().delete()
    assert "User agent: erased" in text_of(staff, f"{LIST}{event.number}/change/")


def queries_of(client: Client) -> list[str]:
    """The queries that the list takes, but for those that count pages, which a new window adds."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(LIST).status_code == 200
    own = ("accounts_ratecount", "SAVEPOINT")
    return [query["sql"] for query in queries if not any(word in query["sql"] for word in own)]


def test_a_full_page_takes_as_many_queries_as_a_short_one(staff: Client) -> None:
    for _turn in range(5):
        record_done()
    short = len(queries_of(staff))
    for _turn in range(110):
        record_done()
    assert len(queries_of(staff)) == short
    assert len(sentences(staff)) == 100


def test_a_full_page_looks_up_as_many_addresses_as_a_short_one(staff: Client) -> None:
    record_done()
    staff.get(LIST)  # what is looked up once in a process
    short = calls_of(reverse, lambda: staff.get(LIST))
    for _turn in range(20):
        record_done()
    assert calls_of(reverse, lambda: staff.get(LIST)) == short


def test_the_filter_is_not_rendered_kind_by_kind(staff: Client) -> None:
    assert calls_of(Template.render, lambda: staff.get(LIST)) < len(list(vocabulary.kinds())) / 2


def test_the_filter_shows_what_was_chosen(staff: Client) -> None:
    page = staff.get(LIST, {"kind": DONE.name, "q": '"'}).content.decode()
    chosen = re.findall(r'<option value="([^"]*)" selected>', page)
    assert chosen == ["", DONE.name, ""]
    assert '<label for="filter-kind">Kind:</label><select id="filter-kind" name="kind">' in page


def test_the_table_of_events_is_never_counted(staff: Client) -> None:
    assert not [query for query in queries_of(staff) if "COUNT(" in query.upper()]


def older(response: Any) -> str:
    """The query of the link to the next page, "" on the last one."""
    found = re.search(r'<a href="\?([^"]*)" rel="next"', response.content.decode())
    return unescape(found[1]) if found else ""


def test_the_pages_reach_the_first_event(staff: Client) -> None:
    for turn in range(205):
        record_done(str(turn))
    first = staff.get(LIST)
    second = staff.get(f"{LIST}?{older(first)}")
    third = staff.get(f"{LIST}?{older(second)}")
    shown = [page.content.decode().count('class="sentence"') for page in (first, second, third)]
    assert shown == [100, 100, 6]
    assert "sam signed in" in third.content.decode()
    assert not older(third)


@pytest.fixture
def several(staff: Client) -> Client:
    """Three events that differ in everything that can be searched for."""
    token = actor_at("198.51.100.7", label="bob").with_token(token_id="t-77", label="robot")
    record(DONE, by=BY_ALICE, about=[ALICE, SEAGULL], what="one")
    record(DONE, by=token, about=[BOB, Subject("project", "8", "albatross")], what="two")
    record(REFUSED, by=token, about=[BOB, SEAGULL], why="three")
    return staff


ONE, TWO, THREE = "alice did one to seagull", "bob did two to albatross", "bob was refused: three"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("bob", [THREE, TWO]),
        ("seagull", [THREE, ONE]),
        ("SEAGULL", [THREE, ONE]),
        ("bob, seagull", [THREE]),
        (" seagull ,, bob ,", [THREE]),
        ("alice, albatross", []),
        ("thing:refused", [THREE]),
        ("198.51.100.", [THREE, TWO]),
        ("robot", [THREE, TWO]),
        ("t-77, done", [TWO]),
        ("nothing like it", []),
    ],
)
def test_each_term_of_a_search_must_be_found(
    several: Client, search: str, found: list[str]
) -> None:
    assert sentences(several, q=search) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"family": "testing"}, [THREE, TWO, ONE]),
        ({"outcome": "failed"}, [THREE]),
        ({"family": "testing", "outcome": "done", "q": "seagull"}, [ONE]),
        ({"until": "2001-01-01T00:00"}, []),
        ({"since": "2001-01-01T00:00", "family": "testing"}, [THREE, TWO, ONE]),
        ({"since": "2100-01-01T00:00"}, []),
        ({"actor": "ALICE"}, [ONE]),
        ({"actor": ALICE.subject_id}, [ONE]),
        ({"account": "bob"}, [THREE, TWO]),
        ({"account": BOB.subject_id.upper(), "project": "albatross"}, [TWO]),
        ({"account": "seagull"}, []),
        ({"project": "seagull"}, [THREE, ONE]),
        ({"network": "198.51.100.7"}, [THREE, TWO]),
        ({"network": "198.51.0.0/16", "outcome": "failed"}, [THREE]),
        ({"network": "2001:db8::/32"}, []),
        ({"used_key": "t-77"}, [THREE, TWO]),
        ({"kind": "testing:thing:refused"}, [THREE]),
        ({"refused": " testing:thing:refused,"}, [THREE]),
    ],
)
def test_the_list_can_be_filtered(several: Client, query: dict[str, str], found: list[str]) -> None:
    assert sentences(several, **query) == found


def test_there_are_no_bulk_actions(staff: Client) -> None:
    record_done()
    page = staff.get(LIST).content.decode()
    assert 'name="action"' not in page
    assert "action-checkbox" not in page


def test_an_action_that_the_site_offers_for_all_models_is_not_offered(staff: Client) -> None:
    def change_all(*args: Any) -> None: ...

    admin.site.add_action(change_all, "change_all")
    try:
        assert "change_all" not in staff.get(LIST).content.decode()
    finally:
        admin.site.disable_action("change_all")


@pytest.mark.parametrize("path", ["add/", "{number}/delete/"])
def test_events_are_neither_added_nor_deleted(staff: Client, path: str) -> None:
    number = record_done().number
    url = LIST + path.format(number=number)
    assert staff.get(url).status_code == 403
    assert staff.post(url, {"post": "yes"}).status_code == 403
    assert Event.objects.filter(number=number).exists()


def test_events_are_not_changed(staff: Client) -> None:
    event = record_done()
    response = staff.post(f"{LIST}{event.number}/change/", {"actor_label": "mallory"})
    assert response.status_code == 403
    assert Event.objects.get(number=event.number).actor_label == "alice"


def test_the_page_of_an_event_has_no_button_that_changes_anything(staff: Client) -> None:
    page = staff.get(f"{LIST}{record_done().number}/change/").content.decode()
    assert not re.findall(r'name="_(?:save|continue|addanother)"', page)
    assert "deletelink" not in page
    assert "/history/" not in page


def test_the_stock_history_is_not_there(staff: Client) -> None:
    assert staff.get(f"{LIST}{record_done().number}/history/").status_code == 404


def test_who_is_not_staff_sees_nothing(browser: Any, alice: Any) -> None:
    event = record_done()
    for path in (LIST, f"{LIST}{event.number}/change/"):
        assert browser(alice).get(path).status_code == 403
        assert browser().get(path).status_code == 302


@pytest.mark.parametrize(
    ("changes", "may_look"),
    [({}, True), ({"is_staff": False}, False), ({"is_active": False}, False)],
    ids=["staff", "not staff", "not active"],
)
def test_only_active_staff_may_look_whatever_the_site_asks_for(
    sam: Any, changes: dict[str, bool], may_look: bool
) -> None:
    request: Any = RequestFactory().get(LIST)
    request.user = sam.user
    for name, value in changes.items():
        setattr(request.user, name, value)
    pages = admin.site._registry[Event]
    assert pages.has_view_permission(request) is may_look
    assert pages.has_module_permission(request) is may_look


def test_events_are_on_the_default_site(db: None) -> None:
    assert admin.site.is_registered(Event)


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "1969-12-31T23:59", "9999-12-31T23:59"])
def test_years_that_nothing_can_be_reckoned_with_are_refused(
    several: Client, field: str, moment: str
) -> None:
    page = text_of(several, LIST, **{field: moment})
    assert "Type a year from 1970 to 9998" in page
    assert sentences(several, **{field: moment}) == []


@pytest.mark.parametrize("group", sorted(groups.EVERYBODY))
def test_who_sees_no_accounts_sees_no_addresses_of_people(
    browser: Any, db: None, group: str
) -> None:
    by = actor_at("198.51.100.9")
    event = record(DONE, by=by, about=[SEAGULL], mail_addresses=["a@example.org"], what="x")
    client = browser(make_person("someone", group=group))
    may = group != "Projects"
    for path in (LIST, f"{LIST}{event.number}/change/"):
        assert ("198.51.100.9" in client.get(path).content.decode()) is may
    assert ("a@example.org" in text_of(client, f"{LIST}{event.number}/change/")) is may
    for query in ({"network": "203.0.113.1"}, {"q": "198.51.100.9"}):
        found = event.number in [e.number for e in client.get(LIST, query).context["page"].events]
        assert found is (may and "q" in query)  # the network is no filter of theirs
