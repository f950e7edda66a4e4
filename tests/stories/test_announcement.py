"""Staff announce something, over real mail, while workers die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Announcement, Campaign, OutboxMail
from accounts.operations.campaigns import Progress, find_progress
from accounts.operations.mail_choices import choose_mail
from audit.log import verify
from audit.models import JobRun
from tests.accounts.doors import newcomer, text_of_page
from tests.support.mailbox import Mailbox, link_in, text_of
from tests.support.people import make_person
from tests.support.server import ROOT, Site, StartSite

Browser = Callable[..., Client]
REASON = "People have to do something themselves."
# A worker that dies once its first batch of two mails is in the outbox
_KILLED = """
import os, signal
import django
django.setup()
from accounts.operations import campaigns
from indexsite.worker import Worker
queue_batch, campaigns.BATCH = campaigns.queue_batch, 2
def deadly(**options):
    if queue_batch(**options):
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
campaigns.queue_batch = deadly
Worker().run()
"""


def announce(client: Client) -> str:
    """What an administrator does on the pages; what the last one says."""
    fields = {"audience": "no second factor", "title": "Add a second factor", "reason": REASON}
    fields["text"] = "From June on, uploads need one.\n\nhttps://help.example.org/factors"
    client.post(reverse("admin:act-write-announcement"), fields)
    row = Announcement.objects.get()
    send = reverse("admin:act-send-announcement", args=[row.pk])
    assert "4 people get this mail" in text_of_page(client.get(send))
    fields = {"people": "4", "version": str(row.version), "reason": REASON}
    return text_of_page(client.post(send, fields, follow=True))


def let_leases_end() -> None:
    """What minutes do by themselves; until then, nobody else takes the work of a dead worker."""
    past = timezone.now() - timedelta(seconds=1)
    OutboxMail.objects.exclude(leased_until=None).update(leased_until=past)
    JobRun.objects.exclude(leased_until=None).update(leased_until=past)


def die_between_batches(site: Site) -> None:
    command = [sys.executable, "-c", _KILLED]
    environment = site.environment | {"DJANGO_SETTINGS_MODULE": "indexsite.settings"}
    ended = subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL


def die_while_sending(site: Site, mailbox: Mailbox) -> None:
    mailbox.hang_after(2)
    worker = site.start_worker()
    mailbox.wait_for_attempt(3, timeout=60)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    mailbox.accept()


def wait_until_all_is_sent(campaign: Campaign) -> Progress:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        campaign.refresh_from_db()
        progress = find_progress(campaign)
        if campaign.finished_at and not progress.to_go:
            return progress
        time.sleep(0.1)
    raise AssertionError(f"{progress} after a minute")


def test_staff_announce_something_and_workers_die(
    start_site: StartSite, mailbox: Mailbox, browser: Browser
) -> None:
    with start_site(environment={"EMAIL_URL": mailbox.url}) as site, site.database.as_default():
        sam = make_person("sam", is_administrator=True)  # with a second factor, as alice
        make_person("alice")
        people = [newcomer(f"person{number}") for number in range(5)]
        choose_mail(people[4].user, {"announcements": "never"}, by=people[4].actor)
        assert "The mail to 4 people has begun." in announce(browser(sam))
        OutboxMail.objects.exclude(notice="announcement").delete()

        die_between_batches(site)
        assert OutboxMail.objects.count() == 2
        let_leases_end()
        die_while_sending(site, mailbox)
        let_leases_end()
        site.start_worker()
        campaign = Campaign.objects.get()
        assert wait_until_all_is_sent(campaign) == Progress(sent=4, failed=0, to_go=0)
        page = browser(sam).get(reverse("admin:accounts_campaign_change", args=[campaign.pk]))
        assert "Add a second factor" in text_of_page(page)
        assert verify() is None

        mails: list[Any] = [mail for mail in mailbox.messages if "second factor" in mail["Subject"]]
        assert Counter(str(mail["To"]) for mail in mails) == Counter(
            person.email for person in people[:4]
        )
        assert "https://help.example.org/factors" in text_of(mails[0])
        stop = link_in(mails[0], below="/account/mail/stop/").removeprefix(site.url)
        assert "You get no more of these mails" in text_of_page(browser().post(stop))
