"""What people see of recovery cases and reports: wide and light, narrow and dark."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.links import sign_recovery
from accounts.models import RecoveryCase
from tests.browser.test_other_pages import open_session, visit
from tests.support.chromium import OpenPage, usually
from tests.support.people import make_person
from tests.support.server import Site
from tests.tokens.keys import project_of

pytestmark = [pytest.mark.browser, pytest.mark.once]
LOOKS = usually((390, True), names="width,dark", others=[(1280, False)])


@LOOKS
def test_pages_of_people(site: Site, open_page: OpenPage, width: int, dark: bool) -> None:
    owner = make_person(f"person{width}")
    project = project_of(owner, f"shown{width}")
    page = open_page(width=width, dark=dark)
    open_session(page, site, owner)
    case = RecoveryCase.objects.create(user=owner.user, evidence="", due_at=timezone.now())
    visit(page, site, f"/project/{project.normalized_name}/report/")
    visit(page, site, "/account/security/")
    link = f"/account/recovery/cancel/?link={sign_recovery(str(case.pk))}"
    visit(page, site, link)
    page.get_by_role("button", name="Cancel the removal").click()
    visit(page, site, link)
