"""Attempts on a device that has signed in before are counted apart; staff see and clear limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import verification
from accounts.events import LIMIT_CLEARED
from accounts.limits import FACTOR_SITE, FACTOR_USER, PASSWORD_SITE, LimitReached, Limits
from accounts.models import KnownDevice, RateCount, User
from audit.actors import Actor, digest_device
from audit.models import Event
from tests.accounts.doors import (
    SIGN_IN,
    count_events,
    give_code,
    give_password,
    is_signed_in,
    text_of_page,
)
from tests.support.people import Person, code_for

Browser = Callable[..., Client]
WRONG = "this is a wrong password"
REASON = {"reason": "She called, and it was her."}


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    with time_machine.travel(time.time(), tick=False):
        yield


def stranger(number: int) -> Actor:
    return Actor(kind="anonymous", network_address=f"198.51.100.{number}")


def device_of(person: Person, cookie: str) -> Actor:
    """Somebody before the sign-in page, on a device that this person has signed in on."""
    KnownDevice.objects.create(user=person.user, digest=digest_device(cookie))
    return Actor(kind="anonymous", network_address="192.0.2.1", device=digest_device(cookie))


def flood(person: Person) -> None:
    """Wrong passwords and codes for an account, as many as are let through, and more."""
    for number in range(12):
        for attempt in (
            lambda by: verification.check_password(person.username, WRONG, by=by),
            lambda by: verification.check_code(person.app, "abc", by=by),
        ):
            try:
                attempt(stranger(number))
            except LimitReached:
                continue


def fill_up(limits: Limits) -> None:
    """Use up a limit of the whole site."""
    limits.take("site")
    row = RateCount.objects.get(limit=limits[0].name)
    RateCount.objects.filter(pk=row.pk).update(slots=dict.fromkeys(row.slots, limits[0].times))


def test_a_flood_from_elsewhere_does_not_lock_the_owner_out_of_a_known_device(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    give_password(client, alice)
    give_code(client, code_for(alice))
    client.post("/account/sign-out/")
    flood(alice)
    stopped = browser()
    assert "too many attempts" in text_of_page(give_password(stopped, alice))
    give_password(client, alice)
    give_code(client, code_for(alice))
    assert is_signed_in(client)


@pytest.mark.parametrize("limits", [PASSWORD_SITE, FACTOR_SITE], ids=["password", "factor"])
def test_the_limit_of_the_whole_site_does_not_stop_a_known_device(
    alice: Person, limits: Limits
) -> None:
    fill_up(limits)
    by = device_of(alice, "known")
    assert verification.check_password("alice", alice.password, by=by)
    assert verification.check_code(alice.app, code_for(alice), by=by)
    check = {
        PASSWORD_SITE: lambda: verification.check_password("alice", alice.password, by=stranger(1)),
        FACTOR_SITE: lambda: verification.check_code(alice.app, "abc", by=stranger(1)),
    }[limits]
    with pytest.raises(LimitReached):
        check()


def test_neighbours_behind_one_address_do_not_stop_a_known_device(alice: Person) -> None:
    by = device_of(alice, "known")
    for number in range(10):
        verification.check_password(f"nobody{number}", WRONG, by=replace(by, device=""))
    assert verification.check_password("alice", alice.password, by=by)


def test_a_known_device_has_the_attempts_of_an_account_and_no_more(alice: Person) -> None:
    by = device_of(alice, "known")
    for _number in range(10):
        assert not verification.check_password("alice", WRONG, by=by)
    with pytest.raises(LimitReached):
        verification.check_password("alice", alice.password, by=by)
    for _number in range(5):
        assert not verification.check_code(alice.app, "abc", by=by)
    with pytest.raises(LimitReached):
        verification.check_code(alice.app, code_for(alice), by=by)
    assert verification.check_password("alice", alice.password, by=stranger(1))


def test_a_device_that_is_known_to_one_account_has_no_attempts_at_others(
    alice: Person, mallory: Person
) -> None:
    by = device_of(mallory, "known")
    for _number in range(10):
        verification.check_password("alice", WRONG, by=by)
    with pytest.raises(LimitReached):
        verification.check_password("alice", alice.password, by=replace(by, device=""))
    with pytest.raises(LimitReached):
        verification.check_password("alice", alice.password, by=by)


def test_each_known_device_has_attempts_of_its_own(alice: Person) -> None:
    one, two = device_of(alice, "one"), device_of(alice, "two")
    for _number in range(10):
        verification.check_password("alice", WRONG, by=one)
    assert verification.check_password("alice", alice.password, by=two)


def test_a_forgotten_device_is_counted_with_all_others(alice: Person) -> None:
    by = device_of(alice, "known")
    KnownDevice.objects.all().delete()
    flood(alice)
    with pytest.raises(LimitReached):
        verification.check_password("alice", alice.password, by=by)


# Staff


def row_of(limit: str, whose: str) -> RateCount:
    return next(row for row in RateCount.objects.filter(limit=limit) if row.whose == whose)


def test_staff_see_what_is_counted_and_what_is_reached(
    browser: Browser, alice: Person, sam: Person
) -> None:
    flood(alice)
    verification.check_password("My Secret Password", "alice", by=stranger(77))
    by = device_of(alice, "known")
    verification.check_password("alice", WRONG, by=by)
    page = text_of_page(browser(sam).get("/admin/accounts/ratecount/"))
    assert "10 of 10 in 300 seconds: reached" in page
    assert "1 of 10 in 300 seconds" in page
    for whose in (">alice<", "alice, on a known device", "a name that nobody has"):
        assert whose in page
    assert "the whole site" in page
    assert "198.51.100.77" in page
    assert "my secret" not in page.lower()


def test_an_administrator_clears_one_limit_with_a_reason(
    browser: Browser, alice: Person, sam: Person
) -> None:
    flood(alice)
    row = row_of("password", "alice")
    client, path = browser(sam), f"/admin/accounts/ratecount/{row.pk}/clear/"
    assert "password: alice" in text_of_page(client.get(path))
    assert client.post(path, {"reason": "short"}).status_code == 200
    with pytest.raises(LimitReached):
        verification.check_password("alice", alice.password, by=stranger(99))
    assert client.post(path, REASON)["Location"] == "/admin/accounts/ratecount/"
    assert verification.check_password("alice", alice.password, by=stranger(99))
    with pytest.raises(LimitReached):  # of the second factor, which was not cleared
        verification.check_code(alice.app, code_for(alice), by=stranger(99))
    event = Event.objects.for_user(alice.user).get(kind=LIMIT_CLEARED.name)
    assert event.fields == {"limit": "password", **REASON}


def test_clearing_twice_is_recorded_once(browser: Browser, alice: Person, sam: Person) -> None:
    flood(alice)
    path = f"/admin/accounts/ratecount/{row_of('password', 'alice').pk}/clear/"
    client = browser(sam)
    client.post(path, REASON)
    assert client.post(path, REASON).status_code == 404
    assert count_events(LIMIT_CLEARED) == 1


def test_strangers_and_auditors_clear_no_limits(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    flood(alice)
    path = f"/admin/accounts/ratecount/{row_of('password', 'alice').pk}/clear/"
    assert browser(mallory).post(path, REASON).status_code == 403
    User.objects.filter(pk=mallory.user.pk).update(is_staff=True)
    mallory.user.groups.add(Group.objects.get_or_create(name="Auditor")[0])
    assert browser(mallory).post(path, REASON).status_code == 403
    assert count_events(LIMIT_CLEARED) == 0


def test_an_attempt_whose_limit_was_cleared_meanwhile_gives_nothing_back(alice: Person) -> None:
    attempt = verification.take_factor_attempt(alice.user, by=stranger(1))
    RateCount.objects.all().delete()
    attempt.succeed()
    assert not RateCount.objects.exists()


def test_the_sign_in_page_says_nothing_of_devices_to_strangers(
    browser: Browser, alice: Person
) -> None:
    # Whether somebody has signed in on this device is not told before the password is right
    page = browser().get(SIGN_IN)
    assert "device" not in text_of_page(page).replace("width=device-width", "")


def test_the_list_of_limits_looks_for_accounts_once(browser: Browser, sam: Person) -> None:
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/admin/accounts/ratecount/")
        assert "person-0" in text_of_page(page)
        return len(queries)

    client = browser(sam)
    fail_factor_of("person-0")
    count_queries()  # the first page of a session asks more
    few = count_queries()
    for number in range(1, 9):
        fail_factor_of(f"person-{number}")
    assert count_queries() == few


def fail_factor_of(name: str) -> None:
    """One wrong code of an account of that name."""
    user = User.objects.create(username=name)
    FACTOR_USER[0].take(f"user:{user.pk}")
