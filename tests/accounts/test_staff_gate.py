"""Who enters the staff pages, and what is said to whoever does not."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client

from accounts import staff_gate
from accounts.events import STAFF_ACT_REFUSED
from accounts.limits import Limit
from audit.groups import EVERYBODY
from audit.models import Event
from tests.accounts.doors import count_events, text_of_page
from tests.support.people import NETWORK_ADDRESS, Person, code_for, make_person

Browser = Callable[..., Client]
PAGES = ("/admin/", "/admin/audit/event/", "/admin/accounts/")


def test_the_four_groups_are_there_from_the_start(db: None) -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= EVERYBODY


@pytest.mark.parametrize("group", sorted(EVERYBODY))
def test_staff_of_each_group_get_in(browser: Browser, db: None, group: str) -> None:
    client = browser(make_person("someone", group=group))
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/audit/event/").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_for_a_fresh_second_factor(
    browser: Browser, sam: Person, path: str
) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(sam)
        clock.shift(30 * 60 - 2)
        assert "Confirm it is you" not in client.get(path).content.decode()
        clock.shift(3)
        page = client.get(path)
        assert "Confirm it is you" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        client.post(path, {"sudo-password": sam.password})
        assert "Confirm it is you" in client.get(path).content.decode()
        client.post(path, {"sudo-code": code_for(sam)})
        assert "Confirm it is you" not in client.get(path).content.decode()


def test_an_act_goes_on_after_the_prompt_with_the_reason_that_was_typed(
    browser: Browser, sam: Person, alice: Person
) -> None:
    address = f"/admin/accounts/user/{alice.user.pk}/freeze/"
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(sam)
        clock.shift(31 * 60)
        prompt = client.post(address, {"reason": "A token of it was leaked."})
        assert prompt.status_code == 403
        assert alice.fresh_user.is_active
        carried = re.search(r'name="sudo-carried" value="([^"]*)"', prompt.content.decode())
        assert carried
        client.post(address, {"sudo-carried": carried[1], "sudo-code": code_for(sam)})
    assert not alice.fresh_user.is_active
    frozen = Event.objects.filter(kind="staff:account:frozen").get()
    assert frozen.fields == {"reason": "A token of it was leaked."}


def test_an_export_after_the_prompt_has_the_whole_filter(browser: Browser, sam: Person) -> None:
    filters = {"form": "csv", "used_key": "t-1", "network": "192.0.2.0/24", "q": "a,b"}
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(sam)
        clock.shift(31 * 60)
        prompt = client.post("/admin/audit/event/export/", filters).content.decode()
        carried = re.search(r'name="sudo-carried" value="([^"]*)"', prompt)
        assert carried
        answer = {"sudo-carried": carried[1], "sudo-code": code_for(sam)}
        response: Any = client.post("/admin/audit/event/export/", answer)
        list(response.streaming_content)
    exported = Event.objects.get(kind="audit:events:exported")
    names = [text.partition("=")[0] for text in exported.fields["filters"]]
    assert names == ["network", "q", "used_key"]  # what was looked for is sealed as digests


def test_an_address_list_keeps_other_networks_out(
    browser: Browser, sam: Person, alice: Person, settings: Any
) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("198.51.100.0/24")]
    for client in (browser(sam), browser(alice), browser()):
        page = client.get("/admin/")
        assert page.status_code == 403
        assert "cannot be reached from your network" in text_of_page(page)
    assert count_events(STAFF_ACT_REFUSED) == 1  # of sam alone
    settings.STAFF_NETWORKS = [ipaddress.ip_network(f"{NETWORK_ADDRESS}/32")]
    assert browser(sam).get("/admin/").status_code == 200


def test_an_address_that_cannot_be_read_is_on_no_list(
    browser: Browser, sam: Person, settings: Any
) -> None:
    settings.STAFF_NETWORKS = [ipaddress.ip_network("0.0.0.0/0")]
    client = browser(sam)
    assert client.get("/admin/", REMOTE_ADDR="").status_code == 403


def test_too_many_pages_are_refused_for_a_while(
    browser: Browser, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_gate, "PAGES", Limit("staff pages", 2, 300))
    client = browser(sam)
    statuses = [client.get("/admin/").status_code for _turn in range(3)]
    assert statuses == [200, 200, 429]
    page = client.get("/admin/")
    assert "Too much at once" in text_of_page(page)
    assert 0 < int(page["Retry-After"]) <= 331
    assert browser(make_person("tina", is_administrator=True)).get("/admin/").status_code == 200


def test_too_many_acts_are_refused_and_recorded(
    browser: Browser, sam: Person, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.staff.ACTS", Limit("acts of staff", 1, 3600))
    client = browser(sam)
    reason = {"reason": "Somebody else seems to use it."}
    address = f"/admin/accounts/user/{alice.user.pk}"
    assert client.post(f"{address}/end-sessions/", reason).status_code == 302
    assert client.post(f"{address}/freeze/", reason).status_code == 429
    assert alice.fresh_user.is_active
    refused = Event.objects.filter(kind=STAFF_ACT_REFUSED.name).get()
    assert refused.fields == {"act": "acts of staff", "reason": "too many"}
    assert client.get(f"{address}/freeze/").status_code == 200  # looking is no act
