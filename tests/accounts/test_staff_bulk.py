"""Acting on what the events of a filtered list name: all that is ticked, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import staff_bulk
from accounts.events import ACCOUNT_FROZEN, STAFF_ACT_REFUSED
from accounts.models import UserSession
from audit.acts import event_acts
from audit.log import record
from audit.models import Event
from tests.accounts.doors import count_events, hidden_fields, text_of_page
from tests.audit.words import DONE, REFUSED, actor_at
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
FREEZE = "/admin/events/freeze-all/"
REASON = "They all came from one network."


@pytest.fixture
def attack(alice: Person, bob: Person, mallory: Person) -> None:
    """Alice and bob were concerned from one network, mallory from another."""
    there = actor_at("203.0.113.5", label="")
    record(DONE, by=there.as_user(alice.user), about=[alice.user], what="x")
    record(REFUSED, by=there, about=[bob.user], why="y")
    record(DONE, by=actor_at("192.0.2.9").as_user(mallory.user), about=[mallory.user], what="z")


def post(client: Client, people: list[Person], query: str = "network=203.0.113.0/24") -> Any:
    ticked = [str(person.user.pk) for person in people]
    return client.post(f"{FREEZE}?{query}", {"reason": REASON, "row": ticked})


def test_the_page_names_the_accounts_that_acted_and_those_it_is_about(
    browser: Browser, sam: Person, attack: None
) -> None:
    page = text_of_page(browser(sam).get(f"{FREEZE}?network=203.0.113.0/24"))
    assert "> alice</label>" in page
    assert "> bob</label>" in page
    assert "mallory" not in page
    assert "2 accounts are frozen." in page


def test_what_is_ticked_is_done_and_nothing_else(
    browser: Browser, sam: Person, alice: Person, bob: Person, mallory: Person, attack: None
) -> None:
    response = post(browser(sam), [alice, mallory])  # mallory is not in what the filter finds
    assert response["Location"] == "/admin/audit/event/?network=203.0.113.0%2F24"
    states = [person.fresh_user.is_active for person in (alice, bob, mallory)]
    assert states == [False, True, True]
    assert count_events(ACCOUNT_FROZEN) == 1


def test_ending_the_sessions_of_all(
    browser: Browser, sam: Person, alice: Person, bob: Person, attack: None
) -> None:
    browser(alice)
    client = browser(sam)
    ticked = [str(alice.user.pk), str(bob.user.pk)]
    client.post(
        "/admin/events/end-sessions-of-all/?network=203.0.113.0/24",
        {"reason": REASON, "row": ticked},
    )
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert alice.fresh_user.is_active


def test_nothing_ticked_or_no_reason_does_nothing(
    browser: Browser, sam: Person, alice: Person, attack: None
) -> None:
    client = browser(sam)
    page = post(client, [])
    assert "Nothing is ticked" in text_of_page(page)
    address = f"{FREEZE}?network=203.0.113.0/24"
    client.post(address, {"reason": "short", "row": [str(alice.user.pk)]})
    assert alice.fresh_user.is_active


def test_all_or_nothing(browser: Browser, sam: Person, alice: Person, attack: None) -> None:
    helper = make_person("helper", group="Support")
    there = actor_at("203.0.113.7").as_user(sam.user)
    record(DONE, by=there, about=[sam.user], what="x")
    page = post(browser(helper), [alice, sam])
    assert "Nothing was done" in text_of_page(page)
    assert "only administrators" in text_of_page(page)
    assert alice.fresh_user.is_active
    assert count_events(STAFF_ACT_REFUSED) == 1


def test_ones_own_account_is_left_out(browser: Browser, sam: Person) -> None:
    page = browser(sam).get(f"{FREEZE}?actor=sam")
    assert "no account other than yours" in text_of_page(page)


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("network=nowhere", "The filter is not right"),
        ("actor=nobody", "no account other than yours"),
        ("token=abc&netwrk=192.0.2.9", "There is no filter “netwrk”, “token” here."),
        (
            "network=203.0.113.0/24&outcome=failed&outcome=done",
            "Give each filter once. More than once there is “outcome”.",
        ),
        ("", "Without a filter this would reach all"),
        ("network=&q=+,+&actor=+", "Without a filter this would reach all"),
    ],
)
def test_a_filter_that_is_wrong_or_finds_nothing_says_so(
    browser: Browser, sam: Person, alice: Person, attack: None, query: str, answer: str
) -> None:
    client = browser(sam)
    assert answer in text_of_page(client.get(f"{FREEZE}?{query}"))
    assert answer in text_of_page(post(client, [alice], query))
    assert alice.fresh_user.is_active


@pytest.mark.parametrize(
    ("limit", "answer"),
    [("EVENTS_READ", "more than 1 events"), ("ROWS_ACTED_ON", "at most 1 are acted on")],
)
def test_a_filter_that_finds_too_much_says_so(
    browser: Browser,
    sam: Person,
    alice: Person,
    attack: None,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    answer: str,
) -> None:
    monkeypatch.setattr(staff_bulk, limit, 1)
    client = browser(sam)
    assert answer in text_of_page(client.get(f"{FREEZE}?network=203.0.113.0/24"))
    post(client, [alice])
    assert alice.fresh_user.is_active


def test_the_filter_reaches_the_act_from_every_list(browser: Browser, sam: Person) -> None:
    page = browser(sam).get("/admin/audit/refusalevent/?network=203.0.113.5").content.decode()
    record(REFUSED, by=actor_at("203.0.113.5"), why="y")
    page = browser(sam).get("/admin/audit/refusalevent/?network=203.0.113.5").content.decode()
    assert f'href="{FREEZE}?network=203.0.113.5&amp;outcome=failed"' in page


def test_a_list_with_a_mistyped_filter_is_empty_and_says_so(
    browser: Browser, sam: Person, attack: None
) -> None:
    page = text_of_page(browser(sam).get("/admin/audit/event/?netwrk=192.0.2.9"))
    assert "There is no filter “netwrk” here." in page
    assert "mallory" not in page
    assert FREEZE not in page


def test_a_filter_that_one_may_not_use_is_not_taken_for_none(
    browser: Browser, attack: None, db: None
) -> None:
    """Those of Projects do not see where events come from."""
    client = browser(make_person("paul", group="Projects"))
    page = client.get("/admin/events/quarantine-uploaded/?network=203.0.113.0/24")
    assert "There is no filter “network” here." in text_of_page(page)


def test_acts_are_not_offered_on_everything(browser: Browser, sam: Person, attack: None) -> None:
    client = browser(sam)
    assert FREEZE not in client.get("/admin/audit/event/").content.decode()
    assert FREEZE in client.get("/admin/audit/refusalevent/").content.decode()


@pytest.mark.parametrize("group", ["Auditor", "Projects", "Support", "Administrator"])
def test_acts_are_offered_to_their_groups_and_refused_to_others(
    browser: Browser, alice: Person, attack: None, group: str
) -> None:
    someone = make_person("someone", group=group)
    client = browser(someone)
    may = group in {"Support", "Administrator"}
    page = client.get("/admin/audit/event/?network=203.0.113.0/24").content.decode()
    assert (FREEZE in page) is may
    assert bool(event_acts(someone.fresh_user)) is may or group == "Projects"
    assert post(client, [alice]).status_code == (302 if may else 403)
    assert alice.fresh_user.is_active is not may
    if not may:
        assert Event.objects.filter(kind=STAFF_ACT_REFUSED.name).count() == 1


def test_ten_thousand_rows_at_once_are_refused_and_nothing_is_done(
    browser: Browser, sam: Person, alice: Person, attack: None
) -> None:
    page = post(browser(sam), [alice] * 10_000)
    assert page.status_code == 400
    assert "This request cannot be understood" in text_of_page(page)
    assert alice.fresh_user.is_active


@pytest.mark.parametrize("table", ["accounts/user", "tokens/apitoken", "projects/project"])
def test_selected_rows_of_a_list_are_acted_on_by_nothing(
    browser: Browser, sam: Person, alice: Person, table: str
) -> None:
    before = Event.objects.count()
    client = browser(sam)
    fields = {"action": "delete_selected", "post": "yes", "select_across": "1"}
    chosen = [str(alice.user.pk)] * 9_000
    response = client.post(f"/admin/{table}/", fields | {"_selected_action": chosen})
    assert response.status_code in {200, 302, 403}
    assert alice.fresh_user.is_active
    assert Event.objects.count() == before + 1  # the sign-in


def test_a_second_factor_that_runs_out_on_the_page_is_asked_for_and_the_ticks_stay(
    browser: Browser, sam: Person, alice: Person, bob: Person, attack: None
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = browser(sam)
        page = client.get(f"{FREEZE}?network=203.0.113.0/24")
        assert "> alice</label>" in text_of_page(page)
        clock.shift(31 * 60)
        prompt = post(client, [alice])
        assert "Confirm it is you" in text_of_page(prompt)
        assert alice.fresh_user.is_active
        answer = hidden_fields(prompt) | {"sudo-code": code_for(sam)}
        client.post(f"{FREEZE}?network=203.0.113.0/24", answer)
    assert [person.fresh_user.is_active for person in (alice, bob)] == [False, True]
