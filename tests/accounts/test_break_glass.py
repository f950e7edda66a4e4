"""`manage.py reset_second_factors`: for whoever has lost every factor and every code."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.events import SECOND_FACTORS_RESET
from accounts.models import AuthenticatorApp, OutboxMail, RecoveryCodeSet, SecurityKey, User
from accounts.operations import second_factors
from audit.models import Event
from tests.accounts.doors import give_password, is_signed_in, text_of_page
from tests.support.people import Person

Browser = Callable[..., Client]
REASON = "Her phone and her codes burnt; she came in person."


def reset(*words: str) -> str:
    out = StringIO()
    call_command("reset_second_factors", *words, stdout=out)
    return out.getvalue()


def test_all_factors_and_codes_are_removed_and_sessions_end(
    browser: Browser, alice: Person, bob: Person
) -> None:
    SecurityKey.objects.create(
        user=alice.user, name="key", credential_id="a", public_key=b"x", held_at=timezone.now()
    )
    second_factors.offered_app(alice.user, session="")
    client = browser(alice)
    assert "2 second factors of alice were removed" in reset("ALICE", "--reason", REASON)
    assert not AuthenticatorApp.objects.filter(user=alice.user).exists()
    assert not SecurityKey.objects.filter(user=alice.user).exists()
    assert not RecoveryCodeSet.objects.filter(user=alice.user).exists()
    assert not is_signed_in(client)
    assert bob.app.confirmed


def test_the_password_then_signs_in_and_a_factor_can_be_added(
    browser: Browser, alice: Person
) -> None:
    reset("alice", "--reason", REASON)
    client = browser()
    give_password(client, alice)
    assert is_signed_in(client)
    assert client.get("/account/apps/add/").status_code == 200


def test_an_administrator_is_led_to_a_new_factor_and_kept_out_of_the_admin(
    browser: Browser, sam: Person
) -> None:
    reset("sam", "--reason", REASON)
    client = browser()
    give_password(client, sam)
    assert client.get("/manage/projects/")["Location"] == "/account/security/"
    assert "must have a second factor" in text_of_page(client.get("/account/security/"))
    assert client.get("/admin/").status_code == 302


def test_it_is_recorded_with_its_reason_and_told_by_mail(alice: Person) -> None:
    reset("alice", "--reason", f"  {REASON}  ")
    event = Event.objects.for_user(alice.user).get(kind=SECOND_FACTORS_RESET.name)
    assert event.fields == {"reason": REASON, "count": 1}
    assert (event.actor_kind, event.credential, event.credential_label) == (
        "system",
        "command",
        "reset_second_factors",
    )
    mail = OutboxMail.objects.get(notice="second_factors_reset")
    assert mail.recipient == alice.email


@pytest.mark.parametrize(
    "words",
    [
        ["alice"],
        ["alice", "--reason", ""],
        ["alice", "--reason", "    short    "],
        ["alice", "--reason", "x" * 501],
        ["nobody", "--reason", REASON],
    ],
)
def test_without_a_reason_or_an_account_nothing_is_done(alice: Person, words: list[str]) -> None:
    with pytest.raises(CommandError):
        reset(*words)
    assert alice.app.confirmed
    assert not Event.objects.exists()


def test_a_password_that_is_disabled_stays_so(browser: Browser, alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(password="!")
    reset("alice", "--reason", REASON)
    client = browser()
    give_password(client, alice)
    assert not is_signed_in(client)
