"""What was held and stopped by a denial: released, deleted and resumed by its owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts.events import HELD_DELETED, HELD_RELEASED
from accounts.jobs import forget_old_unknown_sign_ins
from accounts.models import (
    AuthenticatorApp,
    EmailAddress,
    OutboxMail,
    UnknownSignIn,
    User,
)
from accounts.operations import denials
from audit.models import Event
from tests.accounts.denying import add_address, add_app, break_in, deny, recovered
from tests.accounts.doors import (
    count_events,
    is_signed_in,
    text_of_page,
)
from tests.support.people import Person

Browser = Callable[..., Client]
HOUR = timedelta(hours=1)


@pytest.fixture
def intruder(browser: Browser, alice: Person) -> Client:
    """Somebody who got in to alice's account."""
    return break_in(browser, alice)


def test_the_security_page_leads_to_what_is_held(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    assert "/account/held/" not in browser(alice).get("/account/security/").content.decode()
    deny(browser)
    client = recovered(browser, alice)
    assert "/account/held/" in client.get("/account/security/").content.decode()


def test_the_owner_releases_or_deletes_what_is_held(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    mine, theirs = add_app(alice, "tablet"), add_app(alice, "of the intruder")
    address = add_address(alice, "intruder@example.com")
    deny(browser)
    client = recovered(browser, alice)
    page = text_of_page(client.get("/account/held/"))
    assert "tablet" in page
    assert "intruder@example.com" in page
    client.post("/account/held/", {"release": f"authenticatorapp-{mine.pk}"})
    client.post("/account/held/", {"delete": f"authenticatorapp-{theirs.pk}"})
    client.post("/account/held/", {"delete": f"emailaddress-{address.pk}"})
    names = {row.name for row in alice.fresh_user.second_factors}
    assert names == {"phone", "tablet"}
    assert not AuthenticatorApp.objects.filter(pk=theirs.pk).exists()
    assert not EmailAddress.objects.filter(pk=address.pk).exists()
    assert (count_events(HELD_RELEASED), count_events(HELD_DELETED)) == (1, 2)
    assert "intruder@example.com" not in str(list(Event.objects.values_list("fields", flat=True)))


def test_pressing_twice_is_harmless(browser: Browser, intruder: Client, alice: Person) -> None:
    mine = add_app(alice, "tablet")
    deny(browser)
    client = recovered(browser, alice)
    for word in ("release", "release", "delete", "resume", "resume"):
        response = client.post("/account/held/", {word: f"authenticatorapp-{mine.pk}"})
        assert response.status_code == 302
    assert AuthenticatorApp.objects.filter(pk=mine.pk, held_at=None).exists()
    assert (count_events(HELD_RELEASED), count_events(HELD_DELETED)) == (1, 0)


def test_held_things_need_sudo_mode(browser: Browser, intruder: Client, alice: Person) -> None:
    mine = add_app(alice, "tablet")
    deny(browser)
    client = recovered(browser, alice)
    with time_machine.travel(timezone.now() + HOUR):
        response = client.post("/account/held/", {"release": f"authenticatorapp-{mine.pk}"})
        assert response.status_code == 403
    mine.refresh_from_db()
    assert mine.held_at is not None


def test_without_a_factor_that_counts_nothing_is_released_or_resumed(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    # Who reads the mail and nothing more gets a new password by it, and shall not get further
    AuthenticatorApp.objects.update(created_at=timezone.now())
    deny(browser)
    client = recovered(browser, alice)
    assert is_signed_in(client)
    page = text_of_page(client.get("/account/held/"))
    assert "no second factor that counts" in page
    for fields in ({"release": f"authenticatorapp-{alice.app.pk}"}, {"resume": "1"}):
        response = client.post("/account/held/", fields, follow=True)
        assert "Add a second factor first." in text_of_page(response)
    assert alice.app.held_at is not None
    assert User.objects.get(pk=alice.user.pk).uploads_suspended_at is not None


def test_a_factor_that_was_added_after_the_denial_is_enough_three_days_after_it(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    AuthenticatorApp.objects.update(created_at=timezone.now())
    deny(browser)
    new = add_app(alice, "new")
    acts: tuple[Callable[[], object], ...] = (
        lambda: denials.release_held(alice.app, by=alice.actor),
        lambda: denials.resume_uploads(alice.fresh_user, by=alice.actor),
    )
    for act in acts:
        with pytest.raises(PermissionDenied, match="3 days after the denial"):
            act()
    with time_machine.travel(timezone.now() + 73 * HOUR):
        assert [act() for act in acts] == [True, True]
    assert new.held_at is None


def test_the_page_says_from_when_on_a_new_factor_is_enough(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    deny(browser)
    client = recovered(browser, alice)
    AuthenticatorApp.objects.update(created_at=timezone.now())  # as if it was a new one
    page = text_of_page(client.get("/account/held/"))
    assert "3 days after the denial: from 20" in page
    assert 'name="resume"' not in page


def test_verified_addresses_that_are_held_are_told_of_resumed_uploads(
    browser: Browser, intruder: Client, alice: Person
) -> None:
    add_address(alice, "new@example.org")
    deny(browser)
    denials.resume_uploads(alice.fresh_user, by=alice.actor)
    told = {mail.recipient for mail in OutboxMail.objects.filter(notice="uploads_resumed")}
    assert told == {alice.email, "new@example.org"}


def test_sign_ins_are_forgotten_after_thirty_days(intruder: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=29)):
        assert forget_old_unknown_sign_ins() == 0
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert forget_old_unknown_sign_ins() == 1
    assert not UnknownSignIn.objects.exists()
