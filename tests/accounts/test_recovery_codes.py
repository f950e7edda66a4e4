from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts import verification
from accounts.events import RECOVERY_CODES_CONFIRMED, RECOVERY_CODES_CREATED
from accounts.login import SUDO_AT
from accounts.models import OutboxMail, RecoveryCode, RecoveryCodeSet, UserSession
from accounts.operations import second_factors
from audit.models import Event
from tests.accounts.doors import (
    count_events,
    give_password,
    give_recovery_code,
    hidden_fields,
    is_signed_in,
    newcomer,
    text_of_page,
)
from tests.accounts.test_late_changes import right_after
from tests.support.clone import Database, race
from tests.support.people import Person, code_for, make_person
from tests.support.uploading import token_of, upload

Browser = Callable[..., Client]
CODES = "/account/recovery-codes/"
MAKE = "/account/recovery-codes/make/"


def codes_on(response: object) -> list[str]:
    return re.findall(r"\b[0-9a-f]{4}(?:-[0-9a-f]{4}){3}\b", text_of_page(response))


def forget_codes(person: Person) -> None:
    RecoveryCodeSet.objects.filter(user=person.user).delete()


def test_there_are_eight_codes_of_64_bits(browser: Browser, alice: Person) -> None:
    codes = codes_on(browser(alice).post(MAKE))
    assert len(set(codes)) == 8
    assert all(len(bytes.fromhex(code.replace("-", ""))) == 8 for code in codes)


def test_codes_are_made_anew_each_time(alice: Person) -> None:
    made = [second_factors.create_recovery_codes(alice.user, by=alice.actor) for _ in range(5)]
    assert len({code for codes in made for code in codes}) == 40


def test_codes_stand_nowhere_in_the_database(browser: Browser, alice: Person) -> None:
    codes = codes_on(browser(alice).post(MAKE))
    rows = [
        *RecoveryCode.objects.values(),
        *RecoveryCodeSet.objects.values(),
        *Event.objects.values(),
        *OutboxMail.objects.values(),
        *(session.get_decoded() for session in UserSession.objects.all()),
    ]
    for code in codes:
        assert code not in str(rows)
        assert code.replace("-", "") not in str(rows)


def test_the_page_with_the_codes_is_kept_out_of_caches(browser: Browser, alice: Person) -> None:
    assert "no-store" in browser(alice).post(MAKE)["Cache-Control"]


def test_codes_are_shown_once(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    codes = codes_on(client.post(MAKE))
    page = text_of_page(client.get(CODES))
    assert not any(code in page for code in codes)


def test_opening_the_address_makes_no_codes(browser: Browser, alice: Person) -> None:
    assert browser(alice).get(MAKE)["Location"] == CODES
    assert verification.check_recovery_code(
        alice.user, alice.recovery_codes[0], by=alice.actor, spend=False
    )


def test_new_codes_end_the_former_ones(browser: Browser, alice: Person) -> None:
    browser(alice).post(MAKE)
    for code in alice.recovery_codes[:3]:
        assert not verification.check_recovery_code(alice.user, code, by=alice.actor, spend=True)


def test_new_codes_are_recorded_and_told(browser: Browser, alice: Person) -> None:
    browser(alice).post(MAKE)
    assert count_events(RECOVERY_CODES_CREATED) == 1
    assert OutboxMail.objects.get(notice="recovery_codes_created").recipient == alice.email


def test_new_codes_need_sudo_mode(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    session = client.session
    session[SUDO_AT] -= 31 * 60
    session.save()
    response = client.post(MAKE)
    assert response.status_code == 403
    assert not codes_on(response)
    assert verification.codes_left(alice.user) == 8
    assert (
        len(codes_on(client.post(MAKE, hidden_fields(response) | {"sudo-code": code_for(alice)})))
        == 8
    )


def test_an_account_without_second_factor_has_no_codes(browser: Browser, db: None) -> None:
    person = newcomer()
    client = browser(person)
    assert client.get(CODES)["Location"] == "/account/security/"
    assert not codes_on(client.post(MAKE))
    with pytest.raises(PermissionDenied):
        second_factors.create_recovery_codes(person.user, by=person.actor)
    assert not RecoveryCodeSet.objects.exists()


# Typing one back


@pytest.mark.parametrize(
    "path",
    [
        "/account/security/",
        "/account/history/",
        "/account/apps/add/",
        "/account/tokens/",
        "/account/tokens/make/",
        "/manage/projects/",
    ],
)
def test_until_a_code_was_typed_back_every_page_leads_to_the_codes(
    browser: Browser, alice: Person, path: str
) -> None:
    forget_codes(alice)
    client = browser(alice)
    assert client.get(path)["Location"] == CODES
    assert client.post(path)["Location"] == CODES
    codes = codes_on(client.post(MAKE))
    assert client.get(path)["Location"] == CODES
    client.post(CODES, {"code": codes[5]})
    assert client.get(path).status_code == 200


def test_without_typed_back_codes_the_staff_site_is_closed(browser: Browser, sam: Person) -> None:
    forget_codes(sam)
    response = browser(sam).get("/admin/")
    assert response.status_code == 302


def test_typing_a_code_back_does_not_use_it_up(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    codes = codes_on(client.post(MAKE))
    client.post(CODES, {"code": codes[0]})
    assert verification.codes_left(alice.user) == 8
    other = browser()
    give_password(other, alice)
    give_recovery_code(other, codes[0])
    assert is_signed_in(other)


def test_codes_that_are_made_while_another_is_typed_back_are_not_kept_yet(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    codes = codes_on(client.post(MAKE))
    make = partial(second_factors.create_recovery_codes, alice.user, by=alice.actor)
    with right_after('SELECT %s AS "a" FROM "accounts_recoverycode"', make):
        client.post(CODES, {"code": codes[0]})
    assert alice.fresh_user.must_confirm_recovery_codes


def test_uploads_go_on_until_a_code_was_typed_back(alice: Person) -> None:
    token = token_of(alice)
    second_factors.create_recovery_codes(alice.user, by=alice.actor)
    assert alice.fresh_user.must_confirm_recovery_codes
    assert upload(token, "foo", "1.0").status_code == 200


def test_a_wrong_code_typed_back_opens_nothing(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    client.post(MAKE)
    client.post(CODES, {"code": alice.recovery_codes[0]})
    client.post(CODES, {"code": ""})
    assert client.get("/account/security/")["Location"] == CODES
    assert count_events(RECOVERY_CODES_CONFIRMED) == 0


def test_typing_back_is_recorded_once(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    codes = codes_on(client.post(MAKE))
    for code in codes[:3]:
        client.post(CODES, {"code": code})
    assert count_events(RECOVERY_CODES_CONFIRMED) == 1


# Whoever lost the phone


def sign_in_with(client: Client, person: Person, code: str) -> None:
    give_password(client, person)
    give_recovery_code(client, code)


def test_new_codes_can_be_made_and_typed_back_after_signing_in_with_one(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    sign_in_with(client, alice, alice.recovery_codes[0])
    codes = codes_on(client.post(MAKE))
    assert len(codes) == 8
    client.post(CODES, {"code": codes[0]})
    assert is_signed_in(client)


def test_codes_that_were_never_typed_back_still_let_their_owner_in(
    browser: Browser, alice: Person
) -> None:
    # The phone falls into the river between making the codes and typing one back
    codes = codes_on(browser(alice).post(MAKE))
    client = browser()
    sign_in_with(client, alice, codes[0])
    assert is_signed_in(client)
    assert verification.codes_left(alice.user) == 7


def test_the_last_code_lets_in_and_new_ones_can_then_be_made(
    browser: Browser, alice: Person
) -> None:
    RecoveryCode.objects.filter(code_set__user=alice.user).exclude(
        digest=verification.digest_recovery_code(alice.recovery_codes[7])
    ).update(used_at=alice.user.joined_at)
    client = browser()
    sign_in_with(client, alice, alice.recovery_codes[7])
    assert verification.codes_left(alice.user) == 0
    assert len(codes_on(client.post(MAKE))) == 8


def test_codes_made_at_once_in_two_tabs_leave_one_set(committed_db: Database) -> None:
    alice = make_person("alice")
    by = alice.actor

    def make() -> list[str]:
        return second_factors.create_recovery_codes(alice.fresh_user, by=by)

    made = [codes for codes in race(4, make) if isinstance(codes, list)]
    assert len(made) == 4
    with time_machine.travel(time.time(), tick=False):
        valid = [
            verification.check_recovery_code(alice.user, codes[0], by=by, spend=False)
            for codes in made
        ]
    assert valid.count(True) == 1
    assert verification.codes_left(alice.user) == 8
