"""Every page of the control room, found by itself: light and dark, wide and narrow.

A run of all tests sees each page once, every other one in dark, and one of each kind of form; the
long one sees all pages in both.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.staff import StaffAct, TableAct
from indexsite.gauges import measure
from indexsite.jobs import count_events
from tests.browser.test_other_pages import DJANGOS_OWN, open_session, visit
from tests.indexsite.staff_rows import make_all_rows
from tests.indexsite.test_staff_doors import DOORS, address_of, page_class
from tests.support.chromium import (
    OpenPage,
    require_narrow,
    require_readable_in_dark,
    require_sound,
)
from tests.support.people import make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
FILES = {"export-numbers"} | {name for name in DOORS if name.endswith("_export")}


def tables(rows: dict[Any, Any]) -> list[str]:
    """The first page, each list, and one row of each."""
    found = [reverse("admin:index")]
    for model, row in rows.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found.append(reverse(f"{name}_change", args=[row.pk]))
    return found


def doors(rows: dict[Any, Any], *, is_short: bool) -> list[str]:
    """All other pages; of acts with the same form only one, where it is to be short."""
    forms, found = set(), []
    for name in sorted(DOORS.keys() - FILES):
        act = page_class(name)
        is_plain = act is not None and issubclass(act, (StaffAct, TableAct))
        if is_short and is_plain and act.form_class in forms:  # type: ignore[union-attr]
            continue
        if is_plain:
            forms.add(act.form_class)  # type: ignore[union-attr]
        found.append(address_of(name, rows))
    return found


def stage(site: Site, page: Page) -> dict[Any, Any]:
    """Something to look at in every table, and somebody who may look."""
    rows = make_all_rows(make_person("alice"))
    measure()
    count_events()
    open_session(page, site, make_person("sam", is_administrator=True))
    return rows


def test_every_page_of_staff_once(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page()
    rows = stage(fresh_site, page)
    for place, path in enumerate([*tables(rows), *doors(rows, is_short=True)]):
        page.emulate_media(color_scheme="dark" if place % 2 else "light")
        page.goto(fresh_site.url + path)
        is_first = place < 4  # what is around the content is the same on all pages
        require_sound(page, without=DJANGOS_OWN, within="" if is_first else "#content")
        require_narrow(page)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_page_of_staff_in_light_and_dark(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page()
    rows = stage(fresh_site, page)
    unsound = []
    for path in [*tables(rows), *doors(rows, is_short=False)]:
        try:
            visit(page, fresh_site, path)
            require_readable_in_dark(page)
            require_narrow(page)
        except AssertionError as error:
            unsound.append(str(error))
    assert not unsound, "\n".join(unsound)
