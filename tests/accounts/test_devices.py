"""Known devices: the cookie, the mail about an unknown one, and the second factor it may skip."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts import login
from accounts.devices import MOST, forget_unused
from accounts.events import (
    DEVICE_FORGOTTEN,
    DEVICE_REMEMBERED,
    SIGN_IN_FROM_UNKNOWN_DEVICE,
    SIGN_IN_SUCCEEDED,
)
from accounts.models import KnownDevice, OutboxMail, UnknownSignIn, User
from accounts.operations import second_factors
from accounts.operations.sessions import end_sessions, forget_device
from accounts.sudo import SUDO_AT
from audit.actors import digest_device
from audit.models import Event
from tests.accounts.doors import (
    SIGN_IN,
    count_events,
    give_code,
    give_password,
    give_recovery_code,
    is_signed_in,
    newcomer,
    post_step,
    text_of_page,
)
from tests.support.people import Person, code_for

Browser = Callable[..., Client]
COOKIE = settings.DEVICE_COOKIE_NAME
DAY = 86400
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _joined_long_ago(alice: Person, bob: Person) -> None:
    User.objects.update(joined_at=timezone.now() - timedelta(days=400))


def enter(client: Client, person: Person, *, remember: bool = False) -> None:
    """Sign in with a password and a code, where one is asked for."""
    if "otp_token" not in text_of_page(give_password(client, person)):
        return
    fields = {"sign_in_view-current_step": "token", "token-otp_token": code_for(person)}
    client.post(SIGN_IN, fields | ({"remember_device": "on"} if remember else {}))


def leave(client: Client) -> None:
    client.post("/account/sign-out/")
    assert not is_signed_in(client)


def asks_for_factor(client: Client, person: Person) -> bool:
    return "otp_token" in text_of_page(give_password(client, person))


def mails() -> int:
    return OutboxMail.objects.filter(notice="unknown_device").count()


# The cookie


def test_a_completed_sign_in_sets_a_cookie_for_a_year(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    assert COOKIE not in client.cookies
    give_code(client, code_for(alice))
    cookie = client.cookies[COOKIE]
    assert cookie["max-age"] == 365 * DAY
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert len(cookie.value) == 43  # 256 bits


def test_the_table_holds_only_a_digest_of_the_cookie(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice)
    device = KnownDevice.objects.get()
    assert device.digest == digest_device(client.cookies[COOKIE].value)
    thief = browser()
    thief.cookies[COOKIE] = device.digest
    KnownDevice.objects.update(remembered_until=timezone.now() + timedelta(days=1))
    assert asks_for_factor(thief, alice)


def test_signing_in_again_keeps_the_cookie_and_renews_its_year(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    enter(client, alice)
    value = client.cookies[COOKIE].value
    leave(client)
    client.cookies[COOKIE]["max-age"] = 1
    enter(client, alice)
    assert client.cookies[COOKIE].value == value
    assert client.cookies[COOKIE]["max-age"] == 365 * DAY
    assert KnownDevice.objects.count() == 1


def test_a_cookie_that_somebody_planted_does_not_become_known(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    of_mallory = browser()
    enter(of_mallory, mallory, remember=True)
    planted = of_mallory.cookies[COOKIE].value
    client = browser()
    client.cookies[COOKIE] = planted
    enter(client, alice, remember=True)
    assert client.cookies[COOKIE].value != planted
    thief = browser()
    thief.cookies[COOKIE] = planted
    assert asks_for_factor(thief, alice)


def test_two_people_can_share_a_browser(browser: Browser, alice: Person, bob: Person) -> None:
    client = browser()
    for person in (alice, bob, alice, bob):
        enter(client, person)
        leave(client)
    assert mails() == 2  # each of them once
    assert KnownDevice.objects.values("digest").distinct().count() == 1


@pytest.mark.parametrize("value", ["", "x", "é", "x" * 3000, "a b;c", '"'])
def test_an_odd_cookie_is_an_unknown_device(browser: Browser, alice: Person, value: str) -> None:
    client = browser()
    client.cookies[COOKIE] = value
    enter(client, alice)
    assert is_signed_in(client)
    assert mails() == 1


def test_devices_are_forgotten_with_their_cookie(browser: Browser, alice: Person) -> None:
    enter(browser(), alice)
    assert forget_unused() == 0
    KnownDevice.objects.update(last_used_at=timezone.now() - timedelta(days=366))
    assert forget_unused() == 1


def test_a_browser_without_cookies_does_not_fill_the_table(browser: Browser, alice: Person) -> None:
    KnownDevice.objects.bulk_create(
        KnownDevice(user=alice.user, digest=f"{number}", user_agent=f"{number}")
        for number in range(MOST)
    )
    KnownDevice.objects.filter(digest="7").update(last_used_at=timezone.now() - timedelta(days=1))
    enter(browser(), alice)
    assert KnownDevice.objects.filter(user=alice.user).count() == MOST
    assert not KnownDevice.objects.filter(digest="7").exists()


# The mail


def test_a_sign_in_from_an_unknown_device_is_told_by_mail(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice)
    mail = OutboxMail.objects.get()
    assert (mail.notice, mail.recipient) == ("unknown_device", alice.email)
    assert mail.facts == {"sign_in_id": UnknownSignIn.objects.get().pk, "sent_to": alice.email}
    assert count_events(SIGN_IN_FROM_UNKNOWN_DEVICE) == 1


def test_a_known_device_is_no_news_from_whatever_address(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice)
    for number in range(5):
        leave(client)
        client.defaults["REMOTE_ADDR"] = f"198.51.100.{number}"
        enter(client, alice)
        assert is_signed_in(client)
    assert mails() == 1
    assert KnownDevice.objects.get().network_address == "198.51.100.4"


def test_the_first_sign_in_of_a_new_account_is_no_news(browser: Browser, db: None) -> None:
    person = newcomer()
    client = browser()
    enter(client, person)
    assert mails() == 0
    assert KnownDevice.objects.filter(user=person.user).count() == 1
    enter(browser(), person)
    assert mails() == 1


def test_an_old_account_that_never_signed_in_is_told(browser: Browser, db: None) -> None:
    person = newcomer()
    User.objects.update(joined_at=timezone.now() - timedelta(days=400))
    enter(browser(), person)
    assert mails() == 1


def test_an_account_without_verified_address_signs_in_without_mail(
    browser: Browser, db: None
) -> None:
    person = newcomer(is_verified=False)
    enter(browser(), person)
    client = browser()
    enter(client, person)
    assert is_signed_in(client)
    assert mails() == 0
    assert UnknownSignIn.objects.count() == 1


# The second factor that it may skip


def test_a_remembered_device_skips_the_second_factor_for_thirty_days(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    with time_machine.travel(time.time(), tick=False) as clock:
        enter(client, alice, remember=True)
        leave(client)
        clock.shift(30 * DAY - 1)
        give_password(client, alice)
        assert is_signed_in(client)
        leave(client)
        clock.shift(1)
        assert asks_for_factor(client, alice)
        assert not is_signed_in(client)
    assert count_events(DEVICE_REMEMBERED) == 1
    event = Event.objects.filter(kind=SIGN_IN_SUCCEEDED.name).order_by("-number")[0]
    assert event.fields == {"method": "a password, on a remembered device", "factor": ""}


def test_it_is_remembered_only_if_that_was_chosen(browser: Browser, alice: Person) -> None:
    client = browser()
    assert "remember_device" in text_of_page(give_password(client, alice))
    enter(client, alice)
    leave(client)
    assert asks_for_factor(client, alice)


def test_the_password_is_needed_on_a_remembered_device(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    give_password(client, alice, "not the password of alice")
    assert not is_signed_in(client)


def test_a_device_that_one_account_remembers_asks_others(
    browser: Browser, alice: Person, bob: Person
) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    assert asks_for_factor(client, bob)


def test_staff_are_always_asked_for_the_second_factor(browser: Browser, sam: Person) -> None:
    client = browser()
    assert "remember_device" not in text_of_page(give_password(client, sam))
    enter(client, sam, remember=True)
    assert KnownDevice.objects.get().remembered_until is None
    leave(client)
    assert asks_for_factor(client, sam)


def test_whoever_becomes_staff_is_asked_again(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    give_password(client, alice)
    assert is_signed_in(client)
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    assert not is_signed_in(client)
    assert asks_for_factor(client, alice)


def test_a_recovery_code_makes_no_device_remembered(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    client.post(SIGN_IN, {"wizard_goto_step": "backup"})
    fields = {"sign_in_view-current_step": "backup", "remember_device": "on"}
    client.post(SIGN_IN, fields | {"backup-otp_token": alice.recovery_codes[0]})
    assert is_signed_in(client)
    assert KnownDevice.objects.get().remembered_until is None


def test_a_recovery_code_cannot_be_wasted_on_a_remembered_device(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    give_password(client, alice)
    give_recovery_code(client, alice.recovery_codes[0])
    assert is_signed_in(client)


def test_a_skipped_factor_opens_no_sudo_mode(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice, remember=True)
    assert SUDO_AT in client.session
    leave(client)
    give_password(client, alice)
    assert is_signed_in(client)
    assert SUDO_AT not in client.session
    page = text_of_page(client.get("/account/password/"))
    assert "this device was not asked for one when you signed in" in page
    assert "minutes old" not in page


def test_the_last_step_asks_the_device_itself(browser: Browser, alice: Person, rf: object) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    give_password(client, alice)
    request = client.get("/account/security/").wsgi_request
    login.complete(request, alice.fresh_user, method="a password", device=None)
    forget_device(KnownDevice.objects.get(), by=alice.actor)
    with pytest.raises(PermissionDenied, match="second factor is needed"):
        login.complete(request, alice.fresh_user, method="a password", device=None)


# What ends it


def test_a_forgotten_device_loses_its_session_and_is_unknown_again(
    browser: Browser, alice: Person
) -> None:
    client, other = browser(), browser()
    enter(client, alice, remember=True)
    enter(other, alice)
    device = KnownDevice.objects.get(digest=digest_device(client.cookies[COOKIE].value))
    response = other.post(f"/account/devices/{device.pk}/forget/")
    assert response["Location"] == "/account/sessions/"
    assert not is_signed_in(client)
    assert is_signed_in(other)
    assert asks_for_factor(client, alice)
    enter(client, alice)
    assert mails() == 3
    assert count_events(DEVICE_FORGOTTEN) == 1


def test_forgetting_the_device_at_hand_leads_to_the_sign_in_page(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    enter(client, alice)
    response = client.post(f"/account/devices/{KnownDevice.objects.get().pk}/forget/")
    assert response["Location"] == SIGN_IN
    assert not is_signed_in(client)


def test_forgetting_it_without_its_cookie_leads_there_too(browser: Browser, alice: Person) -> None:
    client = browser()
    enter(client, alice)
    del client.cookies["device"]
    response = client.post(f"/account/devices/{KnownDevice.objects.get().pk}/forget/")
    assert response["Location"] == SIGN_IN


def test_the_device_of_another_account_is_not_forgotten(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    enter(browser(), alice)
    device = KnownDevice.objects.get()
    assert browser(mallory).post(f"/account/devices/{device.pk}/forget/").status_code == 404
    assert KnownDevice.objects.filter(pk=device.pk).exists()


def test_a_device_is_forgotten_once(browser: Browser, alice: Person) -> None:
    enter(browser(), alice)
    device = KnownDevice.objects.get()
    assert forget_device(device, by=alice.actor)
    assert not forget_device(device, by=alice.actor)
    assert count_events(DEVICE_FORGOTTEN) == 1


def test_ending_all_sessions_makes_remembered_devices_ask_again(
    browser: Browser, alice: Person
) -> None:
    kept, other = browser(), browser()
    enter(kept, alice, remember=True)
    enter(other, alice, remember=True)
    leave(other)
    end_sessions(alice.user, keep=kept.session.session_key, by=alice.actor)
    assert asks_for_factor(other, alice)
    leave(kept)
    assert not asks_for_factor(kept, alice)  # of the session that went on
    end_sessions(alice.user, keep=None, by=alice.actor)
    assert asks_for_factor(kept, alice)


def test_removing_a_factor_makes_remembered_devices_ask_again(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    enter(client, alice, remember=True)
    leave(client)
    second_factors.remove_factor(alice.app, keep_session=None, by=alice.actor)
    assert not KnownDevice.objects.exclude(remembered_until=None).exists()


# The page


def test_the_page_lists_devices_by_name(browser: Browser, alice: Person) -> None:
    client = browser()
    client.defaults["HTTP_USER_AGENT"] = FIREFOX
    enter(client, alice, remember=True)
    page = text_of_page(client.get("/account/sessions/"))
    assert page.count("Firefox on Linux") >= 3  # session and device, and a button
    assert "not asked for until" in page
    assert "192.0.2.17" in page


def test_the_name_that_a_browser_gives_itself_is_shown_as_text(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    client.defaults["HTTP_USER_AGENT"] = "<b>\x1bevil</b>"
    post_step(client, "auth", username="alice", password=alice.password)
    give_code(client, code_for(alice))
    page = client.get("/account/sessions/").content.decode()
    assert "<b>" not in page
    assert "\x1b" not in page
