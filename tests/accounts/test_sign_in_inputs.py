"""Bad input at sign-in, as tables: what PyPI's own tests try, and where PyPI has gaps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts import verification
from accounts.models import RecoveryCode, User
from audit.actors import Actor
from tests.accounts.doors import (
    SIGN_IN,
    give_code,
    give_password,
    give_recovery_code,
    is_signed_in,
    post_step,
    text_of_page,
)
from tests.support.people import STEP, Person, totp

Browser = Callable[..., Client]


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The time, in the middle of a step; it stands still until it is moved."""
    with time_machine.travel(int(time.time()) // STEP * STEP + 15, tick=False) as traveller:
        yield traveller


def code_at(person: Person, offset: int) -> str:
    return totp(person.secret, int(time.time() // STEP) + offset)


def enters(browser: Browser, person: Person, code: str) -> bool:
    client = browser()
    give_password(client, person)
    give_code(client, code)
    return is_signed_in(client)


# The name


@pytest.mark.parametrize("name", ["alice@example.org", " alice@example.org ", "ALICE@EXAMPLE.ORG"])
def test_a_mail_address_is_no_user_name(browser: Browser, alice: Person, name: str) -> None:
    response = post_step(browser(), "auth", username=name, password=alice.password)
    assert "a mail address is not a user name" in text_of_page(response)


@pytest.mark.parametrize("name", ["alice", " alice ", "ALICE", "\talice\t"])
def test_spaces_and_case_around_a_user_name_do_not_matter(
    browser: Browser, alice: Person, name: str
) -> None:
    response = post_step(browser(), "auth", username=name, password=alice.password)
    assert "Second factor" in text_of_page(response)


@pytest.mark.parametrize("right", [True, False])
def test_a_closed_account_tells_nothing_of_itself(
    browser: Browser, alice: Person, right: bool
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    response = give_password(browser(), alice, None if right else "a wrong one")
    assert "The user name or the password is wrong." in text_of_page(response)


# The code


@pytest.mark.parametrize(
    ("offset", "is_right"),
    [(-10, False), (-2, False), (-1, True), (0, True), (1, True), (2, False)],
)
def test_a_code_is_right_one_step_around_its_time(
    browser: Browser, alice: Person, clock: time_machine.Coordinates, offset: int, is_right: bool
) -> None:
    assert enters(browser, alice, code_at(alice, offset)) == is_right


@pytest.mark.parametrize("shape", ["{0}{1}", "{0} {1}", " {0}{1}", "{0}\t{1}", "{0} {1} "])
def test_a_code_that_was_spaced_differently_is_the_same_code(
    browser: Browser, alice: Person, clock: time_machine.Coordinates, shape: str
) -> None:
    code = code_at(alice, 0)
    assert enters(browser, alice, shape.format(code[:3], code[3:]))
    assert not enters(browser, alice, code)
    assert not enters(browser, alice, " ".join(code))


def test_an_older_code_is_refused_once_a_newer_one_was_used(
    browser: Browser, alice: Person, clock: time_machine.Coordinates
) -> None:
    assert enters(browser, alice, code_at(alice, 1))
    assert not enters(browser, alice, code_at(alice, 0))
    assert not enters(browser, alice, code_at(alice, -1))


@pytest.mark.parametrize(
    "code",
    [
        "",
        " ",
        "not_a_real_value",
        "1234567",
        "12345",
        "१२३४५६",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "12345a",
        "-12345",
        "1" * 5000,
    ],
)
def test_what_is_no_code_is_refused(browser: Browser, alice: Person, code: str) -> None:
    client = browser()
    give_password(client, alice)
    assert give_code(client, code).status_code == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize("code", ["", "0" * 16, "x" * 5000, "\x00", "☎"])
def test_what_is_no_recovery_code_is_refused(browser: Browser, alice: Person, code: str) -> None:
    client = browser()
    give_password(client, alice)
    assert give_recovery_code(client, code).status_code == 200
    assert not is_signed_in(client)
    assert not RecoveryCode.objects.exclude(used_at=None).exists()


# The session


@pytest.mark.parametrize(("seconds", "goes_on"), [(0, True), (1, False), (-1, False)])
def test_a_session_goes_on_while_the_password_is_of_the_same_time(
    browser: Browser, alice: Person, seconds: int, goes_on: bool
) -> None:
    client = browser(alice)
    changed_at = alice.fresh_user.password_changed_at + timedelta(seconds=seconds)
    User.objects.filter(pk=alice.user.pk).update(password_changed_at=changed_at)
    assert is_signed_in(client) == goes_on


@pytest.mark.parametrize("value", ["", "x", "0" * 32, "é", "a" * 5000, "../../etc", "'; --"])
def test_what_is_no_key_of_a_session_opens_none(
    browser: Browser, alice: Person, value: str
) -> None:
    browser(alice)
    client = browser()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    assert not is_signed_in(client)


# The address


@pytest.mark.parametrize("address", ["", "unix:", "not an address", "fe80::1%eth0"])
def test_a_request_from_nowhere_is_counted_and_let_in(alice: Person, address: str) -> None:
    by = Actor(kind="anonymous", network_address=address)
    assert verification.check_password("alice", alice.password, by=by)
    assert not verification.check_password("alice", "a wrong one", by=by)


def test_the_form_takes_no_more_than_it_asks_for(browser: Browser, alice: Person) -> None:
    client = browser()
    fields = {
        "sign_in_view-current_step": ["auth", "token"],
        "auth-username": ["mallory", "alice"],
        "auth-password": ["x", alice.password],
        "token-otp_token": "000000",
        "is_staff": "1",
        "user": str(alice.user.pk),
    }
    client.post(SIGN_IN, fields)
    assert not is_signed_in(client)
