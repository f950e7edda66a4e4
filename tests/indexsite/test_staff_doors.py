"""Each staff group and each page of the admin that is no plain list or row of Django's: pages are
found by themselves, and one that nobody has thought of turns these tests red.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin
from django.test import Client
from django.urls import Resolver404, URLPattern, resolve, reverse

from accounts.events import STAFF_ACT_REFUSED
from accounts.staff import StaffAct, StaffPage, TableAct
from audit.groups import EVERYBODY, is_in
from audit.models import Event
from tests.accounts.doors import count_events
from tests.indexsite.staff_rows import make_all_rows
from tests.indexsite.test_staff_matrix import all_classes
from tests.support.people import Person, make_person

pytestmark = pytest.mark.once  # what a database does differently is nothing to a gate

Browser = Callable[..., Client]
REVIEWERS = frozenset({"Auditor", "Administrator"})
HELPERS = frozenset({"Auditor", "Support", "Administrator"})
# Pages that are no `StaffPage`, and so say nowhere whom they are for
OTHERS: dict[str, frozenset[str]] = {
    "numbers": EVERYBODY,
    "export-numbers": REVIEWERS,
    "find-token": HELPERS,
    "audit_event_check": REVIEWERS,
    "audit_event_export": REVIEWERS,
    "audit_signinevent_export": REVIEWERS,
    "audit_tokencreationevent_export": REVIEWERS,
    "audit_tokenrevocationevent_export": REVIEWERS,
    "audit_refusalevent_export": REVIEWERS,
}


def flat(patterns: Any) -> Iterator[URLPattern]:
    """All pages, those of included parts too."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from flat(pattern.url_patterns)


def key_of(pattern: URLPattern) -> tuple[str, str | None]:
    return str(pattern.pattern), pattern.name


def own_doors() -> dict[str, URLPattern]:
    """The pages that Django's own admin does not bring, by their names."""
    site = admin.site
    stock = {key_of(one) for one in AdminSite.get_urls(site) if isinstance(one, URLPattern)}
    for pages in site._registry.values():
        stock |= {key_of(one) for one in flat(ModelAdmin.get_urls(pages))}
    own = [one for one in flat(site.get_urls()) if key_of(one) not in stock]
    assert all(one.name for one in own), "a page of the admin has no name"
    return {str(one.name): one for one in own}


DOORS = own_doors()


def page_class(name: str) -> type[StaffPage] | None:
    """The class of a page of staff; None for a function."""
    found = getattr(DOORS[name].callback, "view_class", None)
    return found if found is not None and issubclass(found, StaffPage) else None


def groups_of(name: str) -> frozenset[str]:
    found = page_class(name)
    return found.groups if found is not None else OTHERS[name]


def address_of(name: str, rows: dict[Any, Any]) -> str:
    found = page_class(name)
    if found is not None and issubclass(found, StaffAct):
        return reverse(f"admin:{name}", args=[rows[found.model].pk])
    return reverse(f"admin:{name}", args=["site"] if name == "export-numbers" else [])


@pytest.fixture
def rows(alice: Person) -> dict[Any, Any]:
    """A row of each table."""
    return make_all_rows(alice)


GROUPS = pytest.mark.parametrize("group", sorted(EVERYBODY))


def test_of_every_page_it_is_known_whom_it_is_for() -> None:
    assert {name for name in DOORS if page_class(name) is None} == OTHERS.keys()


def test_every_class_of_pages_has_a_page() -> None:
    concrete = {one for one in all_classes(StaffPage) if "slug" in vars(one)}
    assert {page_class(name) for name in DOORS} - {None} == concrete


def is_act(name: str) -> bool:
    """Whether `test_staff_matrix` tries it: an act on a row, or above a list."""
    found = page_class(name)
    return found is not None and issubclass(found, (StaffAct, TableAct))


@pytest.mark.parametrize("name", sorted(name for name in DOORS if not is_act(name)))
def test_a_page_opens_for_its_groups_alone(
    browser: Browser, rows: dict[Any, Any], name: str
) -> None:
    address, refused = address_of(name, rows), 0
    for group in sorted(EVERYBODY):
        client = browser(make_person(f"one-of-{group}", group=group))
        last = Event.objects.latest("number").number
        looked, forged = client.get(address), client.post(address, {"reason": "forged"})
        if group in groups_of(name):
            assert looked.status_code in {200, 302}
            assert forged.status_code in {200, 302, 400, 405}
        else:
            assert (looked.status_code, forged.status_code) == (403, 403)
            new = Event.objects.filter(number__gt=last)
            assert {event.kind for event in new} == {STAFF_ACT_REFUSED.name}
            refused += 1
    assert count_events(STAFF_ACT_REFUSED) == refused


@GROUPS
def test_whoever_sends_a_form_to_a_table_of_the_admin_is_recorded(
    browser: Browser, rows: dict[Any, Any], group: str
) -> None:
    client = browser(make_person("somebody", group=group))
    tables = [model._meta for model in admin.site._registry]
    last = Event.objects.latest("number").number
    for table in tables:  # none of them takes forms of Django's own
        page = reverse(f"admin:{table.app_label}_{table.model_name}_add")
        assert client.post(page, {"reason": "forged"}).status_code == 403
    new = Event.objects.filter(number__gt=last, kind=STAFF_ACT_REFUSED.name)
    assert {event.fields["act"] for event in new} == {
        f"{table.app_label}_{table.model_name}_add" for table in tables
    }


def pages_of(user: Any, rows: dict[Any, Any]) -> list[str]:
    """Where somebody of the staff comes by: the first page, the numbers, all lists and rows."""
    found = [reverse("admin:index"), reverse("admin:numbers")]
    for model, pages in admin.site._registry.items():
        if is_in(user, pages.seen_by):  # type: ignore[attr-defined]
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            found.append(reverse(f"{name}_changelist"))
            found.append(reverse(f"{name}_change", args=[rows[model].pk]))
    return found


def doors_in(page: str) -> Iterator[str]:
    """The names of the pages that a page leads to, by a link or by a form."""
    for path in re.findall(r'(?:href|action)="(/admin/[^"?#]*)', page):
        try:
            yield str(resolve(path).url_name)
        except Resolver404:
            continue


@GROUPS
def test_pages_lead_only_where_a_group_may_go(
    browser: Browser, rows: dict[Any, Any], group: str
) -> None:
    person = make_person("someone", group=group)
    client = browser(person)
    shown: set[str] = set()
    for address in pages_of(person.fresh_user, rows):
        response = client.get(address)
        assert response.status_code == 200, address
        shown |= set(doors_in(response.content.decode()))
    may = {name for name in DOORS if group in groups_of(name)}
    assert shown & DOORS.keys() - may == set()
    idle = {
        name
        for name in may
        for act in [page_class(name)]
        if act and issubclass(act, StaffAct) and not act.is_offered(rows[act.model])
    }
    assert may - shown - idle == set()
