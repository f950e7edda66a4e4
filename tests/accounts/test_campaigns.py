"""Mail to many: in batches, each person once, whichever worker dies when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts import audiences, jobs, notices
from accounts.audiences import Audience, add_audience
from accounts.models import Campaign, EmailAddress, OutboxMail, User
from accounts.operations import campaigns
from accounts.operations.campaigns import (
    Progress,
    find_progress,
    queue_batch,
    start_campaign,
    stop_campaign,
)
from audit.actors import system
from audit.models import Event
from tests.accounts.doors import text_of_page
from tests.accounts.test_notices import write_catalogue
from tests.support.clone import race
from tests.support.people import Person, make_person

REASON = "People have to know before it happens."
NOTICE = "trouble"


@pytest.fixture(autouse=True)
def _everybody(_database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audience of all, in batches of two."""
    monkeypatch.setattr(campaigns, "BATCH", 2)
    monkeypatch.setattr(audiences, "_audiences", {})
    add_audience(Audience("all", "all", User.objects.all))


def people(count: int) -> list[Person]:
    return [make_person(f"person{number}") for number in range(count)]


def start(by: Any) -> Campaign:
    return start_campaign(NOTICE, "all", facts={"trouble": "None."}, reason=REASON, by=by)


def written_to() -> Counter[str]:
    return Counter(OutboxMail.objects.filter(notice=NOTICE).values_list("recipient", flat=True))


def test_everybody_is_written_to_once(sam: Person) -> None:
    everybody = {person.email for person in people(4)} | {sam.email}
    campaign = start(sam.actor)
    counts = [queue_batch(by=system()) for _turn in range(4)]
    assert counts == [2, 2, 1, 0]
    assert written_to() == Counter(everybody)
    campaign.refresh_from_db()
    assert (campaign.queued, campaign.total) == (5, 5)
    assert campaign.finished_at is not None
    assert Event.objects.get(kind="staff:mail:finished").fields["count"] == 5


def test_a_batch_that_breaks_off_is_repeated_whole(
    sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(3)
    start(sam.actor)
    queue_batch(by=system())
    with monkeypatch.context() as patch:
        patch.setattr(Campaign, "save", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            queue_batch(by=system())
    assert sum(written_to().values()) == 2
    assert jobs.queue_campaign_mail() == 2
    assert set(written_to().values()) == {1}


def test_workers_at_the_same_time_write_to_nobody_twice(committed_db: Any) -> None:
    sam = make_person("sam", is_administrator=True)
    everybody = {person.email for person in people(5)} | {sam.email}
    start(sam.actor)
    race(4, jobs.queue_campaign_mail)
    assert written_to() == Counter(everybody)


def test_only_verified_primary_addresses_of_open_accounts_get_it(sam: Person) -> None:
    frozen, unverified, _open = people(3)
    User.objects.filter(pk=frozen.user.pk).update(is_active=False)
    EmailAddress.objects.filter(user=unverified.user).update(verified_at=None)
    EmailAddress.objects.create(user=sam.user, address="second@example.org")
    assert start(sam.actor).total == 2
    jobs.queue_campaign_mail()
    assert set(written_to()) == {sam.email, "person2@example.org"}


def test_one_mail_of_a_kind_is_on_its_way_at_a_time(sam: Person) -> None:
    start(sam.actor)
    with pytest.raises(ValidationError, match="on its way"):
        start(sam.actor)
    jobs.queue_campaign_mail()
    start(sam.actor)


def test_a_stopped_mail_goes_no_further(sam: Person) -> None:
    people(5)
    campaign = start(sam.actor)
    queue_batch(by=system())
    queue_batch(by=system())
    sent, leased, given_up, waiting = OutboxMail.objects.order_by("pk")
    now = timezone.now()
    OutboxMail.objects.filter(pk=sent.pk).update(sent_at=now)
    OutboxMail.objects.filter(pk=leased.pk).update(leased_until=now + notices.LEASE)
    OutboxMail.objects.filter(pk=given_up.pk).update(attempts=notices.MAX_ATTEMPTS)
    campaign.refresh_from_db()
    assert find_progress(campaign) == Progress(sent=1, failed=1, to_go=4)
    stop_campaign(campaign, reason="Something in it is wrong.", by=sam.actor)
    assert queue_batch(by=system()) == 0
    assert not OutboxMail.objects.filter(pk=waiting.pk).exists()
    campaign.refresh_from_db()
    assert find_progress(campaign) == Progress(sent=1, failed=1, to_go=1)
    assert Event.objects.get(kind="staff:mail:stopped").fields["count"] == 2
    with pytest.raises(ValidationError):
        stop_campaign(campaign, reason="Something in it is wrong.", by=sam.actor)


@pytest.mark.parametrize("group", ["", "Support", "Projects", "Auditor"])
def test_only_administrators_write_to_many(group: str) -> None:
    somebody = make_person("somebody", group=group)
    with pytest.raises(PermissionDenied):
        start(somebody.actor)


def test_a_mail_to_nobody_is_not_begun(sam: Person) -> None:
    EmailAddress.objects.update(verified_at=None)
    with pytest.raises(ValidationError, match="No mail reaches anybody"):
        start(sam.actor)


def test_a_mail_that_is_queued_and_not_sent_can_still_be_stopped(sam: Person) -> None:
    people(3)
    campaign = start(sam.actor)
    jobs.queue_campaign_mail()
    assert sum(written_to().values()) == 4
    stop_campaign(campaign, reason="Something in it is wrong.", by=sam.actor)
    assert not written_to()
    campaign.refresh_from_db()
    assert campaign.stopped_by == "sam"


def test_a_mail_that_everybody_has_cannot_be_stopped(sam: Person) -> None:
    campaign = start(sam.actor)
    jobs.queue_campaign_mail()
    OutboxMail.objects.update(sent_at=timezone.now())
    with pytest.raises(ValidationError, match="over already"):
        stop_campaign(campaign, reason="Something in it is wrong.", by=sam.actor)


def test_the_admin_calls_a_mail_what_its_readers_do(
    browser: Callable[..., Client], sam: Person
) -> None:
    campaign = start(sam.actor)
    address = reverse("admin:accounts_campaign_changelist")
    for page in (address, f"{address}{campaign.pk}/change/"):
        text = text_of_page(browser(sam).get(page))
        assert "Something is wrong with the site" in text
        assert ">trouble" not in text


def test_it_is_called_so_in_the_language_of_whoever_reads(
    sam: Person, settings: Any, tmp_path: Path
) -> None:
    """Whenever it was begun: older versions kept no title, or that of another language."""
    write_catalogue(tmp_path, {"Something is wrong with the site": "Etwas stimmt nicht"})
    settings.LOCALE_PATHS = [str(tmp_path)]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    campaign = start(sam.actor)
    for kept in ("", "Something is wrong with the site"):
        campaign.title = kept
        with translation.override("de"):
            assert str(campaign) == "Etwas stimmt nicht"


def test_the_memory_calls_it_so_though_it_was_begun_before_there_were_titles(sam: Person) -> None:
    campaign = start(sam.actor)
    stop_campaign(campaign, reason="Something in it is wrong.", by=sam.actor)
    for kind in ("staff:mail:started", "staff:mail:stopped"):
        title = Event.objects.get(kind=kind).fields["title"]
        assert title == "Something is wrong with the site"


def test_a_mail_that_this_version_does_not_send_has_a_name(db: None) -> None:
    assert str(Campaign(notice="of_former_times")) == "of_former_times"
    assert str(Campaign(notice="of_former_times", title="Of former times")) == "Of former times"
