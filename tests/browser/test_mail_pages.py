"""The pages of announcements, and those on which people choose their mail."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts import topics
from accounts.jobs import queue_campaign_mail
from accounts.links import sign_mail_stop
from accounts.models import Announcement, Campaign
from accounts.operations.announcements import find_recipients
from tests.browser.test_journey import send
from tests.browser.test_other_pages import open_session, visit
from tests.support.chromium import OpenPage, usually
from tests.support.people import make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
LOOKS = usually((390, True), names="width,dark", others=[(1280, False), (1280, True), (390, False)])
TEXT = """The index moves to another machine on Saturday, and is down from 10:00 to 12:00 UTC.

Tokens go on working. What happens when is on https://status.example.org/2026/moving-the-index"""


@LOOKS
def test_an_announcement_is_written_seen_and_sent(
    fresh_site: Site, open_page: OpenPage, width: int, dark: bool
) -> None:
    make_person("alice")
    page = open_page(width=width, dark=dark)
    open_session(page, fresh_site, make_person("sam", is_administrator=True))
    visit(page, fresh_site, "/admin/accounts/announcement/")
    visit(page, fresh_site, "/admin/accounts/announcement/act/write-announcement/")
    page.get_by_label("all accounts").check()
    page.get_by_label("Subject").fill("We move on Saturday")
    page.get_by_label("Text").fill(TEXT)
    page.get_by_label("Reason").fill("People have to know before it happens.")
    send(page, "form.staff-act button")
    expect(page.locator(".mail-body a[href^='https://status']")).to_be_visible()
    expect(page.locator(".mail pre")).to_contain_text("Hello sam,")

    row = Announcement.objects.get()
    for act in ("rewrite-announcement", "test-announcement"):
        visit(page, fresh_site, f"/admin/accounts/announcement/{row.pk}/{act}/")
    visit(page, fresh_site, f"/admin/accounts/announcement/{row.pk}/send-announcement/")
    page.get_by_label("How many people").fill(str(find_recipients(row.audience)))
    page.get_by_label("Reason").fill("People have to know before it happens.")
    send(page, "form.staff-act button")
    expect(page.locator("body")).to_contain_text("The mail to 2 people has begun")
    queue_campaign_mail()
    campaign = Campaign.objects.get()
    visit(page, fresh_site, "/admin/accounts/announcement/")
    visit(page, fresh_site, "/admin/accounts/campaign/")
    expect(page.locator("#result_list")).to_contain_text("We move on Saturday")
    visit(page, fresh_site, f"/admin/accounts/campaign/{campaign.pk}/change/")
    visit(page, fresh_site, f"/admin/accounts/campaign/{campaign.pk}/stop-mail/")


@usually(
    (390, False, False),
    names="width,javascript,dark",
    others=[(1280, True, False), (390, True, True)],
)
def test_somebody_chooses_their_mail(
    site: Site, open_page: OpenPage, width: int, javascript: bool, dark: bool
) -> None:
    person = make_person(f"chooser{width}{javascript}".lower())
    page = open_page(width=width, javascript=javascript, dark=dark)
    open_session(page, site, person)
    visit(page, site, "/account/security/")
    page.get_by_role("link", name="Choose your mail").click()
    visit(page, site, "/account/mail/")
    page.locator("[name=releases][value=always]").check()
    send(page)
    expect(page.locator("main")).to_contain_text("Your choice is kept.")
    stranger = open_page(width=width, javascript=javascript, dark=dark)
    link = sign_mail_stop(str(person.user.pk), "releases")
    visit(stranger, site, f"/account/mail/stop/?link={link}")
    send(stranger)
    expect(stranger.locator("main")).to_contain_text("You get no more of these mails")
    visit(stranger, site, "/account/mail/stop/?link=broken")
    assert topics.find("releases").choice_of(person.user) == "never"
