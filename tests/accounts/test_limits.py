from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client

from accounts import verification
from accounts.limits import (
    FACTOR_NETWORK,
    FACTOR_SITE,
    FACTOR_USER,
    PASSWORD_NETWORK,
    PASSWORD_SITE,
    PASSWORD_USER,
    REGISTRATION_FORMS,
    REGISTRATION_NETWORK,
    VERIFICATION_MAIL,
    Attempt,
    Limit,
    LimitReached,
    Limits,
    forget_old_counts,
    network_key,
    take_all,
)
from accounts.models import RateCount, UserSession
from accounts.operations import second_factors
from audit.actors import Actor
from tests.accounts.doors import give_code, give_password, is_signed_in, newcomer, offer_of
from tests.support.clone import Database, race
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
LIMIT = Limit("a test", 3, 60)
AGAIN = 66  # seconds after which all attempts at LIMIT are open again: its time and a tenth
WRONG = "this is a wrong password"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The time, at the beginning of a tenth of all limits; it stands still until it is moved."""
    start = (int(time.time()) // 86400) * 86400
    with time_machine.travel(start, tick=False) as traveller:
        yield traveller


def stranger(number: int) -> Actor:
    return Actor(kind="anonymous", network_address=f"198.51.100.{number}")


def try_password(username: str, password: str, *, by: Actor) -> bool:
    return verification.check_password(username, password, by=by) is not None


# Counting


def test_a_limit_lets_through_what_it_says_and_no_more(
    db: None, clock: time_machine.Coordinates
) -> None:
    for _number in range(LIMIT.times):
        LIMIT.take("key")
    with pytest.raises(LimitReached) as reached:
        LIMIT.take("key")
    assert LIMIT.per < reached.value.retry_after <= AGAIN + 1


def test_keys_and_limits_do_not_share_counts(db: None, clock: time_machine.Coordinates) -> None:
    for _number in range(LIMIT.times):
        LIMIT.take("key")
    LIMIT.take("another key")
    replace(LIMIT, name="another").take("key")
    replace(LIMIT, per=3600).take("key")


def test_a_limit_opens_again_when_it_says(db: None, clock: time_machine.Coordinates) -> None:
    for _number in range(LIMIT.times):
        LIMIT.take("key")
    with pytest.raises(LimitReached) as reached:
        LIMIT.take("key")
    clock.shift(reached.value.retry_after)
    LIMIT.take("key")


@pytest.mark.parametrize("begin", [0, 1, 2.9, 5.9, 6, 29.9, 30, 54, 59.9, 60, 119.9])
def test_no_stretch_of_time_lets_through_more_than_the_limit_says(
    db: None, clock: time_machine.Coordinates, begin: float
) -> None:
    # Fixed windows let twice as many through around the end of one; weighted ones nearly so
    clock.shift(begin)
    got_through = []
    for _turn in range(120):
        try:
            LIMIT.take("key")
            got_through.append(time.time())
        except LimitReached:
            pass
        clock.shift(1.7)
    for first, later in zip(got_through, got_through[LIMIT.times :], strict=False):
        assert later - first >= LIMIT.per
    assert len(got_through) >= 120 * 1.7 / AGAIN * LIMIT.times - LIMIT.times


def test_a_limit_opens_attempt_by_attempt(db: None, clock: time_machine.Coordinates) -> None:
    for _number in range(LIMIT.times):
        LIMIT.take("key")
        clock.shift(15)
    clock.shift(AGAIN - 45)
    LIMIT.take("key")
    with pytest.raises(LimitReached):
        LIMIT.take("key")


def test_what_is_given_back_can_be_taken_again(db: None, clock: time_machine.Coordinates) -> None:
    for _number in range(10 * LIMIT.times):
        take_all((LIMIT, "key")).succeed()
    LIMIT.take("key")
    assert sum(RateCount.objects.get().slots.values()) == 1


def test_giving_back_late_opens_nothing_for_what_was_taken_since(
    db: None, clock: time_machine.Coordinates
) -> None:
    slow = [take_all((LIMIT, "key")) for _number in range(LIMIT.times)]
    clock.shift(AGAIN)
    for _number in range(LIMIT.times):
        LIMIT.take("key")
    for attempt in slow:
        attempt.succeed()
    with pytest.raises(LimitReached):
        LIMIT.take("key")


def test_a_refused_attempt_uses_nothing_up(db: None, clock: time_machine.Coordinates) -> None:
    other = replace(LIMIT, name="the other", times=1)
    other.take("key")
    for _number in range(5):
        with pytest.raises(LimitReached):
            take_all((LIMIT, "key"), (other, "key"))
    attempt = take_all((LIMIT, "key"))
    assert isinstance(attempt, Attempt)
    assert sum(RateCount.objects.get(limit="a test").slots.values()) == 1


def test_exactly_so_many_of_eight_racing_attempts_get_through(committed_db: Database) -> None:
    """With each of many keys, as two that ask at one moment do not meet every time."""
    limit = replace(LIMIT, per=10**6)

    def take(key: str) -> bool:
        try:
            limit.take(key)
        except LimitReached:
            return False
        return True

    keys = [f"key {number}" for number in range(12)]
    taken = race(8, lambda: [take(key) for key in keys])
    assert [of_key.count(True) for of_key in zip(*taken, strict=True)] == [limit.times] * 12  # type: ignore[arg-type]  # none raised


def test_counts_are_forgotten_when_they_count_no_more(
    db: None, clock: time_machine.Coordinates
) -> None:
    LIMIT.take("key")
    clock.shift(AGAIN - 1)
    assert forget_old_counts() == 0
    clock.shift(2)
    assert forget_old_counts() == 1


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.8", "192.0.2.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_requests_are_counted_by_network_address(address: str, key: str) -> None:
    assert network_key(address) == key


def numbers(limits: Limits) -> list[tuple[int, int]]:
    return [(limit.times, limit.per) for limit in limits]


def test_the_limits_are_as_strict_as_they_were() -> None:
    assert numbers(PASSWORD_USER) == [(10, 300)]
    assert numbers(PASSWORD_NETWORK) == [(10, 300)]
    assert numbers(PASSWORD_SITE) == [(1000, 300)]
    assert numbers(FACTOR_USER) == [(5, 300), (20, 3600), (50, 86400)]
    assert numbers(FACTOR_NETWORK) == [(10, 300), (50, 3600)]
    assert numbers(FACTOR_SITE) == [(1000, 300)]
    assert numbers(REGISTRATION_NETWORK) == [(10, 3600)]
    assert numbers(REGISTRATION_FORMS) == [(60, 3600)]
    assert numbers(VERIFICATION_MAIL) == [(3, 6 * 3600)]


# Passwords


def test_the_eleventh_password_for_one_account_is_refused_even_if_right(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number in range(10):
        assert not try_password("alice", WRONG, by=stranger(number))
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=stranger(99))
    clock.shift(330)
    assert try_password("alice", alice.password, by=stranger(99))


def test_spelling_a_name_differently_gives_no_further_attempts(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number, name in enumerate(["alice", "ALICE", "Alice", "aLice", "alIce"] * 2):
        try_password(name, WRONG, by=stranger(number))
    with pytest.raises(LimitReached):
        try_password("ALicE", alice.password, by=stranger(99))


def test_the_eleventh_password_from_one_network_address_is_refused(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number in range(10):
        assert not try_password(f"somebody{number}", WRONG, by=stranger(1))
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=stranger(1))
    assert try_password("alice", alice.password, by=stranger(2))


def test_a_whole_ipv6_network_has_ten_attempts(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    def neighbour(number: int) -> Actor:
        return Actor(kind="anonymous", network_address=f"2001:db8:0:7:{number:x}::1")

    for number in range(10):
        try_password(f"somebody{number}", WRONG, by=neighbour(number + 1))
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=neighbour(0xFFFF))


def test_a_name_that_nobody_has_is_limited_as_well(
    db: None, clock: time_machine.Coordinates
) -> None:
    for number in range(10):
        try_password("nobody", WRONG, by=stranger(number))
    with pytest.raises(LimitReached):
        try_password("nobody", WRONG, by=stranger(99))


def fill_up(limits: Limits) -> None:
    """Use up a limit of the whole site."""
    limits.take("site")
    row = RateCount.objects.get(limit=limits[0].name)
    RateCount.objects.filter(pk=row.pk).update(slots=dict.fromkeys(row.slots, limits[0].times))


def test_the_whole_site_has_a_thousand_failures(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    fill_up(PASSWORD_SITE)
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=stranger(1))


def test_successful_sign_ins_are_not_counted(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for _number in range(25):
        assert try_password("alice", alice.password, by=stranger(1))


def test_a_success_gives_back_only_its_own_attempt(
    alice: Person, mallory: Person, clock: time_machine.Coordinates
) -> None:
    # Signing in to an account of one's own in between buys no guesses at another
    for _number in range(9):
        assert try_password("mallory", mallory.password, by=stranger(1))
        assert not try_password("alice", WRONG, by=stranger(1))
    assert not try_password("alice", WRONG, by=stranger(1))
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=stranger(1))


def test_confirming_and_signing_in_share_their_limit(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for _number in range(10):
        verification.confirm_password(alice.user, WRONG, by=alice.actor)
    with pytest.raises(LimitReached):
        try_password("alice", alice.password, by=stranger(3))


def test_at_most_ten_of_thirty_passwords_at_once_are_looked_at(committed_db: Database) -> None:
    person = newcomer()

    def guess() -> bool:
        try:
            try_password(person.username, WRONG, by=stranger(1))
        except LimitReached:
            return False
        return True

    looked_at = sum(race(10, guess).count(True) for _round in range(3))
    assert looked_at == PASSWORD_USER[0].times


def test_the_sign_in_page_refuses_the_right_password_once_the_limit_is_reached(
    browser: Browser, alice: Person, clock: time_machine.Coordinates
) -> None:
    for _number in range(10):
        give_password(browser(), alice, WRONG)
    client = browser()
    give_password(client, alice)
    give_code(client, code_for(alice))
    assert not is_signed_in(client)


# Second factors


def test_the_sixth_code_is_refused_even_if_right(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number in range(5):
        assert not verification.check_code(alice.app, "abc", by=stranger(number))
    with pytest.raises(LimitReached):
        verification.check_code(alice.app, code_for(alice), by=stranger(99))
    clock.shift(330)
    assert verification.check_code(alice.app, code_for(alice), by=stranger(99))


def test_codes_and_recovery_codes_share_their_limit(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number in range(5):
        verification.check_code(alice.app, "abc", by=stranger(number))
    with pytest.raises(LimitReached):
        verification.check_recovery_code(
            alice.user, alice.recovery_codes[0], by=stranger(99), spend=True
        )
    assert verification.codes_left(alice.user) == 8


def test_typing_a_recovery_code_back_cannot_be_used_for_guessing(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for number in range(5):
        verification.check_recovery_code(alice.user, "abc", by=stranger(number), spend=False)
    with pytest.raises(LimitReached):
        verification.check_recovery_code(alice.user, "abc", by=stranger(99), spend=False)


def test_setting_an_app_up_cannot_be_used_for_guessing(
    db: None, clock: time_machine.Coordinates
) -> None:
    person = newcomer()
    app, _secret = offer_of(person)
    for _number in range(5):
        with pytest.raises(Exception, match="code"):
            second_factors.add_app(
                app, label="x", code="000000", keep_session=None, by=person.actor
            )
    with pytest.raises(LimitReached):
        second_factors.add_app(app, label="x", code="000000", keep_session=None, by=person.actor)


def test_twenty_wrong_codes_an_hour_and_fifty_a_day_are_all(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for expected in (20, 20, 10, 0):  # of each hour and a tenth
        tried = 0
        for _turn in range(5):
            for number in range(6):
                try:
                    verification.check_code(alice.app, "abc", by=stranger(number))
                    tried += 1
                except LimitReached:
                    break
            clock.shift(330)
        clock.shift(3960 - 5 * 330)
        assert tried == expected


def test_one_network_address_cannot_try_codes_of_many_accounts(
    alice: Person, bob: Person, mallory: Person, clock: time_machine.Coordinates
) -> None:
    for person in (alice, bob):
        for _number in range(5):
            verification.check_code(person.app, "abc", by=stranger(1))
    with pytest.raises(LimitReached):
        verification.check_code(mallory.app, code_for(mallory), by=stranger(1))


def test_wrong_codes_do_not_use_up_the_attempts_at_the_password(
    alice: Person, clock: time_machine.Coordinates
) -> None:
    for _number in range(5):
        verification.check_code(alice.app, "abc", by=stranger(1))
    assert try_password("alice", alice.password, by=stranger(1))


# When the counter fails


def test_nobody_is_let_in_when_attempts_cannot_be_counted(
    committed_db: Database, browser: Browser
) -> None:
    alice = make_person("alice")
    client = browser()
    give_password(client, alice)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_ratecount RENAME TO gone")
    with pytest.raises(DatabaseError):
        try_password("alice", alice.password, by=stranger(1))
    with pytest.raises(DatabaseError):
        give_code(client, code_for(alice))
    with pytest.raises(DatabaseError):
        verification.check_recovery_code(
            alice.user, alice.recovery_codes[0], by=stranger(1), spend=True
        )
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert alice.app.last_step == -1
    assert verification.codes_left(alice.user) == 8
