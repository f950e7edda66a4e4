"""Every page of the control room, found by itself: light and dark, wide and narrow.

A run of all tests sees some of the pages, every other one in dark; the long one sees all in both.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from indexsite.gauges import measure
from indexsite.jobs import count_events
from tests.browser.test_other_pages import DJANGOS_OWN, open_session, visit
from tests.indexsite.staff_rows import make_all_rows
from tests.indexsite.test_staff_doors import DOORS, address_of
from tests.support.chromium import (
    OpenPage,
    require_narrow,
    require_readable_in_dark,
    require_sound,
)
from tests.support.people import make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
STEP = 5  # in a usual run, one of so many pages is seen
FILES = {"export-numbers"} | {name for name in DOORS if name.endswith("_export")}


def tables(rows: dict[Any, Any]) -> list[str]:
    """The first page, each list, and one row of each."""
    found = [reverse("admin:index")]
    for model, row in rows.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found.append(reverse(f"{name}_change", args=[row.pk]))
    return found


def doors(rows: dict[Any, Any]) -> list[str]:
    """All other pages."""
    return [address_of(name, rows) for name in sorted(DOORS.keys() - FILES)]


def stage(site: Site, page: Page) -> dict[Any, Any]:
    """Something to look at in every table, and somebody who may look."""
    rows = make_all_rows(make_person("alice"))
    measure()
    count_events()
    open_session(page, site, make_person("sam", is_administrator=True))
    return rows


def test_pages_of_staff_in_light_or_dark(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page()
    rows = stage(fresh_site, page)
    for place, path in enumerate([*tables(rows), *doors(rows)][::STEP]):
        page.emulate_media(color_scheme="dark" if place % 2 else "light")
        page.goto(fresh_site.url + path)
        is_first = place < 2  # what is around the content is the same on all pages
        require_sound(page, without=DJANGOS_OWN, within="" if is_first else "#content")
        require_narrow(page)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_page_of_staff_in_light_and_dark(fresh_site: Site, open_page: OpenPage) -> None:
    page = open_page()
    rows = stage(fresh_site, page)
    unsound = []
    for path in [*tables(rows), *doors(rows)]:
        try:
            visit(page, fresh_site, path)
            require_readable_in_dark(page)
            require_narrow(page)
        except AssertionError as error:
            unsound.append(str(error))
    assert not unsound, "\n".join(unsound)
