"""Each staff group and each act, found by themselves: what a group may not do is neither shown nor
done, and whoever forges it is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.events import STAFF_ACT_REFUSED
from accounts.staff import (
    ObjectAdmin,
    StaffAct,
    StaffPage,
    TableAct,
    acts_on,
    acts_on_table,
)
from audit.groups import EVERYBODY
from audit.models import Event
from tests.accounts.doors import count_events, text_of_page
from tests.indexsite.staff_rows import REASON, make_rows
from tests.support.people import Person, make_person

pytestmark = pytest.mark.once  # what a database does differently is nothing to a gate

Browser = Callable[..., Client]


def all_acts() -> list[type[StaffAct]]:
    """Every act that some page of the admin offers."""
    return [act for model in admin.site._registry for act in acts_on(model)]


def all_classes(base: type[StaffPage]) -> set[type[StaffPage]]:
    found = set(base.__subclasses__())
    return found.union(*(all_classes(one) for one in found)) if found else set()


@pytest.fixture
def rows(alice: Person) -> dict[Any, Any]:
    """A row of each table with acts, in a state in which something can be done to it."""
    return make_rows(alice)


ACTS = pytest.mark.parametrize("act", all_acts(), ids=lambda act: act.slug)
GROUPS = pytest.mark.parametrize("group", sorted(EVERYBODY))


def address_of(act: type[StaffAct], rows: dict[Any, Any]) -> str:
    return reverse(f"admin:act-{act.slug}", args=[rows[act.model].pk])


@ACTS
@GROUPS
def test_only_the_groups_of_an_act_may_do_it(
    browser: Browser, rows: dict[Any, Any], act: type[StaffAct], group: str
) -> None:
    client, address = browser(make_person("someone", group=group)), address_of(act, rows)
    may = group in act.groups
    assert client.get(address).status_code == (200 if may else 403)
    before = Event.objects.filter(kind__startswith="staff:").count()
    response = client.post(address, {"reason": REASON})
    if may:
        assert response.status_code in {200, 302}
        assert count_events(STAFF_ACT_REFUSED) == 0
    else:
        assert response.status_code == 403
        assert count_events(STAFF_ACT_REFUSED) == 1
        assert Event.objects.filter(kind__startswith="staff:").count() == before


@ACTS
@GROUPS
def test_an_act_is_shown_only_to_its_groups(
    browser: Browser, rows: dict[Any, Any], act: type[StaffAct], group: str
) -> None:
    row = rows[act.model]
    opts = act.model._meta
    page = browser(make_person("someone", group=group)).get(
        reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    )
    is_shown = f'href="{address_of(act, rows)}"' in page.content.decode()
    assert is_shown is (group in act.groups and act.is_offered(row))


@ACTS
@pytest.mark.parametrize("reason", ["", "too short", "         .         "])
def test_no_act_is_done_without_a_reason(
    browser: Browser, rows: dict[Any, Any], act: type[StaffAct], reason: str
) -> None:
    last = Event.objects.latest("number").number
    client = browser(make_person("someone", is_administrator=True))
    page = client.post(address_of(act, rows), {"reason": reason})
    assert page.status_code == 200
    assert 'class="errorlist"' in page.content.decode()
    assert not Event.objects.filter(number__gt=last, kind__startswith="staff:act").exists()
    # The sign-in is the only thing that happened
    assert Event.objects.filter(number__gt=last).count() == 1


@ACTS
def test_each_act_says_what_will_happen_and_names_the_row(
    browser: Browser, rows: dict[Any, Any], act: type[StaffAct]
) -> None:
    row = rows[act.model]
    page = text_of_page(
        browser(make_person("sam", is_administrator=True)).get(address_of(act, rows))
    )
    assert "What will happen" in page
    assert str(row) in page
    assert act.consequences.__qualname__ != StaffAct.consequences.__qualname__


@ACTS
def test_other_sites_cannot_make_staff_act(
    browser: Browser, rows: dict[Any, Any], act: type[StaffAct]
) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.cookies = browser(make_person("sam", is_administrator=True)).cookies
    assert client.post(address_of(act, rows), {"reason": REASON}).status_code == 403


@ACTS
@pytest.mark.parametrize("pk", ["nothing", "0", "00000000-0000-0000-0000-000000000000"])
def test_an_act_on_what_is_not_there_is_not_found(
    browser: Browser, sam: Person, act: type[StaffAct], pk: str
) -> None:
    client = browser(sam)
    address = reverse(f"admin:act-{act.slug}", args=[pk])
    assert client.get(address).status_code == 404
    assert client.post(address, {"reason": REASON}).status_code == 404


def all_table_acts() -> list[type[TableAct]]:
    """Every act that stands above some list of the admin."""
    return [act for model in admin.site._registry for act in acts_on_table(model)]


@pytest.mark.parametrize("act", all_table_acts(), ids=lambda act: act.slug)
@GROUPS
def test_only_the_groups_of_an_act_above_a_list_see_and_do_it(
    browser: Browser, db: None, act: type[TableAct], group: str
) -> None:
    client, address = browser(make_person("someone", group=group)), reverse(f"admin:act-{act.slug}")
    may = group in act.groups
    opts = act.model._meta
    table = client.get(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))
    assert (f'href="{address}"' in table.content.decode()) is may
    assert client.get(address).status_code == (200 if may else 403)
    assert client.post(address, {"reason": "short"}).status_code == (200 if may else 403)
    new = Event.objects.filter(kind__startswith="staff:")
    assert [event.kind for event in new] == ([] if may else [STAFF_ACT_REFUSED.name])


def test_every_act_has_a_page() -> None:
    concrete = {act for act in all_classes(StaffAct) if "slug" in vars(act)}
    assert {act for act in concrete if issubclass(act, StaffAct)} == set(all_acts())
    assert {act for act in all_classes(TableAct) if "slug" in vars(act)} == set(all_table_acts())


def test_every_table_with_acts_shows_them() -> None:
    for model, pages in admin.site._registry.items():
        acts = acts_on(model) or acts_on_table(model)
        assert not acts or isinstance(pages, ObjectAdmin), model


def test_administrators_may_do_everything() -> None:
    for act in all_classes(StaffPage):
        assert "Administrator" in act.groups, act


def test_auditors_may_do_nothing() -> None:
    for act in all_classes(StaffPage):
        assert "Auditor" not in act.groups, act


@GROUPS
def test_the_menu_leads_only_where_a_group_may_look(browser: Browser, db: None, group: str) -> None:
    client = browser(make_person("someone", group=group))
    menu = client.get("/admin/").content.decode()
    for model, pages in admin.site._registry.items():
        opts = model._meta
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        may = group in pages.seen_by  # type: ignore[attr-defined]
        assert client.get(address).status_code == (200 if may else 403), address
        assert (f'href="{address}"' in menu) is may, address
