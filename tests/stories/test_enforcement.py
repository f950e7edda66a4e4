"""From passwords to API tokens and back, with what twine prints at each stage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.jobs import queue_campaign_mail
from accounts.models import OutboxMail
from audit.log import verify
from audit.models import Event
from tests.clients import tools
from tests.clients.test_tools import put
from tests.clients.tools import Outcome, Sending
from tests.support.artifacts import make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of
from uploads.models import Enforcement
from uploads.operations.enforcement import Plan, announce, change_enforcement, go_back

pytestmark = [pytest.mark.clients, pytest.mark.once]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REASON = "The next step of the move to API tokens."
USUAL = (
    "403 Forbidden from {url}/legacy/ Passwords are not accepted for uploads here. Use the user "
    "name __token__ and an API token as the password. See {url}/help/api-tokens/"
)
TRIAL = "Passwords are refused on trial until"
WRITTEN = "From June on we take API tokens alone. See {url}/help/api-tokens/"


class Uploader:
    """Sends one release after another with twine."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder, self.count = site, folder, 0

    def __call__(self, password: str, username: str = "alice") -> Outcome:
        """The next release."""
        self.count += 1
        name = put(self.folder, make_wheel("seagull", f"1.{self.count}"))
        return tools.twine(Sending(self.site.url, username, password, self.folder, [name]))


def planner(sam: Person) -> Callable[..., None]:
    """What an administrator does on the page."""

    def decide(**changes: object) -> None:
        plan = Plan(**{"audience": "everybody"} | changes)  # type: ignore[arg-type]
        version = Enforcement.objects.get().version
        change_enforcement(plan, version=version, reason=REASON, by=sam.actor)

    return decide


def mails(notice: str) -> int:
    return OutboxMail.objects.filter(notice=notice).count()


def test_a_site_goes_from_passwords_to_tokens_and_back(
    fresh_site: Site, alice: Person, sam: Person, tmp_path: Path
) -> None:
    upload, decide = Uploader(fresh_site, tmp_path), planner(sam)
    token, now = token_of(alice), timezone.now()
    url = fresh_site.url

    # Off, then announced: nothing that twine shows changes, and those concerned get a mail
    decide()
    assert upload(alice.password).is_well
    decide(announce_from=now, enforce_from=now + 60 * DAY)
    announced = upload(alice.password)
    assert announced.is_well, announced.text
    assert "token" not in announced.line.lower()
    announce(reason=REASON, by=sam.actor)
    queue_campaign_mail()
    assert mails("password_uploads_announced") == 2
    assert mails("password_upload_warned") == 0

    # Warned: it uploads, and one mail says what is coming
    decide(announce_from=now, warn_from=now, enforce_from=now + 30 * DAY)
    for _time in range(2):
        assert upload(alice.password).is_well
    assert mails("password_upload_warned") == 1
    marks = Event.objects.filter(kind="project:file:uploaded").order_by("number")
    assert [event.fields["warned"] for event in marks] == [False, False, True, True]

    # A brown-out: refused for two hours, and told apart
    window = (now - HOUR, now + HOUR)
    decide(announce_from=now, warn_from=now, enforce_from=now + DAY, brown_outs=[window])
    trial = upload(alice.password)
    assert not trial.is_well
    assert TRIAL in trial.line
    assert upload(token, username="__token__").is_well

    # Enforced, in the usual words and in those of staff
    decide(announce_from=now, warn_from=now, enforce_from=now)
    refused = upload(alice.password)
    assert not refused.is_well
    assert USUAL.format(url=url) in refused.line
    decide(enforce_from=now, notice="From June on we take API tokens alone.")
    assert WRITTEN.format(url=url) in upload(alice.password).line
    assert upload(token, username="__token__").is_well

    # Back, one act a stage: passwords upload on the next request
    for _stage in ("warn", "announce", "off"):
        go_back(version=Enforcement.objects.get().version, reason=REASON, by=sam.actor)
        assert upload(alice.password).is_well
    refusals = Event.objects.filter(kind="upload:file:refused")
    assert {event.fields["code"] for event in refusals} == {"brown_out", "password_policy"}
    assert verify() is None
