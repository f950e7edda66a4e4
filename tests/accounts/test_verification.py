from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import totp as pure_totp
from accounts import verification
from accounts.events import CONFIRM_FAILED, LIMIT_REACHED, SIGN_IN_FAILED
from accounts.limits import FACTOR_USER, LimitReached
from accounts.models import AuthenticatorApp, RateCount, RecoveryCode
from audit import keyring
from audit.actors import Actor
from audit.models import Event, FailureCount
from tests.accounts.doors import count_events, newcomer
from tests.support.clone import Database, race
from tests.support.people import STEP, Person, code_for, make_person, totp

STRANGER = Actor(kind="anonymous", network_address="198.51.100.9", user_agent="Tool/1")


def now_step() -> int:
    return int(time.time() // STEP)


def failures_counted() -> int:
    return sum(FailureCount.objects.exclude(kind="site").values_list("count", flat=True))


# Codes of authenticator apps


def test_a_right_code_is_taken_once(alice: Person) -> None:
    code = code_for(alice)
    assert verification.check_code(alice.app, code, by=STRANGER)
    assert not verification.check_code(alice.app, code, by=STRANGER)


def test_an_earlier_code_is_refused_after_a_later_one(alice: Person) -> None:
    with time_machine.travel((now_step() + 0.5) * STEP, tick=False):
        step = now_step()
        assert verification.check_code(alice.app, totp(alice.secret, step), by=STRANGER)
        assert not verification.check_code(alice.app, totp(alice.secret, step - 1), by=STRANGER)
        assert not verification.check_code(alice.app, totp(alice.secret, step), by=STRANGER)
        assert verification.check_code(alice.app, totp(alice.secret, step + 1), by=STRANGER)


def test_a_row_that_was_read_before_the_code_was_spent_does_not_help(alice: Person) -> None:
    code, stale = code_for(alice), alice.app
    assert verification.check_code(alice.app, code, by=STRANGER)
    assert not verification.check_code(stale, code, by=STRANGER)


def test_the_spaced_form_of_a_spent_code_is_spent(alice: Person) -> None:
    code = code_for(alice)
    assert verification.check_code(alice.app, code, by=STRANGER)
    assert not verification.check_code(alice.app, " ".join(code), by=STRANGER)


@pytest.mark.parametrize("distance", [-3, -2, 2, 3, 100])
def test_codes_of_other_times_are_refused(alice: Person, distance: int) -> None:
    code = totp(alice.secret, now_step() + distance)
    assert not verification.check_code(alice.app, code, by=STRANGER)


@pytest.mark.parametrize(
    "text",
    ["", " ", "12345", "1234567", "not a code", "\u0661" * 6, "\uff11" * 6, "12345\x00", "1e5555"],
)
def test_what_is_no_code_is_refused(alice: Person, text: str) -> None:
    assert not verification.check_code(alice.app, text, by=STRANGER)


def test_the_code_of_another_app_is_refused(alice: Person, mallory: Person) -> None:
    assert not verification.check_code(alice.app, code_for(mallory), by=STRANGER)
    assert mallory.app.last_step == -1


def test_a_secret_that_was_moved_to_another_account_opens_nothing(
    alice: Person, mallory: Person
) -> None:
    # Who can write the table puts a secret that he knows in the place of hers
    AuthenticatorApp.objects.filter(pk=alice.app.pk).update(secret=mallory.app.secret)
    with pytest.raises(ValueError, match="another place"):
        verification.check_code(alice.app, code_for(mallory), by=STRANGER)


def test_an_app_that_was_moved_to_another_account_opens_nothing(
    alice: Person, mallory: Person
) -> None:
    AuthenticatorApp.objects.filter(pk=mallory.app.pk).update(user=alice.user, name="mine")
    moved = AuthenticatorApp.objects.get(name="mine")
    with pytest.raises(ValueError, match="another place"):
        verification.check_code(moved, totp(mallory.secret, now_step()), by=STRANGER)


def test_the_secret_is_not_in_the_database(alice: Person) -> None:
    stored = str(AuthenticatorApp.objects.filter(user=alice.user).values().get())
    plain = pure_totp.secret_as_text(alice.secret)
    for form in (alice.secret.hex(), plain, plain.replace(" ", ""), repr(alice.secret)):
        assert form.lower() not in stored.lower()
    unwrapped = keyring.unwrap(
        verification.TOTP_SECRETS, alice.app.secret, context=f"user:{alice.user.pk}"
    )
    assert unwrapped == alice.secret


def test_of_eight_requests_with_one_code_one_is_let_in(committed_db: Database) -> None:
    alice = make_person("alice")
    code = code_for(alice)

    def check() -> bool:
        try:
            return verification.check_code(alice.app, code, by=STRANGER)
        except LimitReached:
            return False

    assert race(8, check).count(True) == 1
    assert alice.app.last_step >= now_step() - 1


def test_of_eight_requests_that_read_the_same_row_one_is_let_in(committed_db: Database) -> None:
    alice = make_person("alice")
    code, app = code_for(alice), alice.app

    def check() -> bool:
        try:
            return verification.check_code(app, code, by=STRANGER)
        except LimitReached:
            return False

    assert race(8, check).count(True) == 1


# Recovery codes


def test_a_recovery_code_is_taken_once(alice: Person) -> None:
    def use() -> bool:
        return verification.check_recovery_code(
            alice.user, alice.recovery_codes[0], by=STRANGER, spend=True
        )

    assert use()
    assert not use()


@pytest.mark.parametrize(
    "change", [str.upper, lambda code: code.replace("-", " "), "  {}\n".format]
)
def test_case_dashes_and_spaces_of_a_recovery_code_do_not_matter(
    alice: Person, change: Callable[[str], str]
) -> None:
    code = change(alice.recovery_codes[0])
    assert verification.check_recovery_code(alice.user, code, by=STRANGER, spend=True)


@pytest.mark.parametrize("text", ["", "-", "\x00", "a" * 100_000, "\u0660" * 16, "\ud800"])
def test_what_is_no_recovery_code_is_refused(alice: Person, text: str) -> None:
    assert not verification.check_recovery_code(alice.user, text, by=STRANGER, spend=True)


def test_a_recovery_code_with_something_after_it_is_refused(alice: Person) -> None:
    code = alice.recovery_codes[0] + "0" * 200
    assert not verification.check_recovery_code(alice.user, code, by=STRANGER, spend=True)


def test_the_recovery_code_of_another_account_is_refused_and_stays(
    alice: Person, mallory: Person
) -> None:
    code = mallory.recovery_codes[0]
    assert not verification.check_recovery_code(alice.user, code, by=STRANGER, spend=True)
    assert verification.check_recovery_code(mallory.user, code, by=STRANGER, spend=True)


def test_looking_at_a_recovery_code_does_not_use_it_up(alice: Person) -> None:
    code = alice.recovery_codes[0]
    for _number in range(2):
        assert verification.check_recovery_code(alice.user, code, by=STRANGER, spend=False)
    assert verification.check_recovery_code(alice.user, code, by=STRANGER, spend=True)
    assert not verification.check_recovery_code(alice.user, code, by=STRANGER, spend=False)


def test_of_eight_uses_of_one_recovery_code_one_counts(committed_db: Database) -> None:
    alice = make_person("alice")

    def use() -> bool:
        try:
            return verification.check_recovery_code(
                alice.user, alice.recovery_codes[0], by=STRANGER, spend=True
            )
        except LimitReached:
            return False

    assert race(8, use).count(True) == 1
    assert verification.codes_left(alice.user) == 7


def test_what_is_used_once_is_used_up_by_a_plain_update(alice: Person) -> None:
    # An UPDATE with a subquery (Django's way with joins) is not asked again by PostgreSQL after it
    # waited for another transaction: two of eight would succeed now and then.
    with CaptureQueriesContext(connection) as queries:
        verification.check_recovery_code(
            alice.user, alice.recovery_codes[0], by=STRANGER, spend=True
        )
        verification.check_code(alice.app, code_for(alice), by=STRANGER)
    updates = [row["sql"] for row in queries if row["sql"].startswith("UPDATE")]
    assert sum("recoverycode" in sql or "authenticatorapp" in sql for sql in updates) == 2
    assert not [sql for sql in updates if "SELECT" in sql]


def test_recovery_codes_are_stored_as_keyed_digests(alice: Person) -> None:
    stored = str(list(RecoveryCode.objects.values()))
    for code in alice.recovery_codes:
        plain = code.replace("-", "")
        assert plain not in stored
        assert code not in stored
    digests = set(RecoveryCode.objects.values_list("digest", flat=True))
    key = keyring.current_key(verification.RECOVERY_CODES)[1]
    assert all(len(digest) == 64 for digest in digests)
    assert key not in str(digests).encode()
    assert verification.digest_recovery_code(alice.recovery_codes[0]) in digests


# Passwords


def test_the_right_password_finds_the_account(alice: Person) -> None:
    assert verification.check_password("alice", alice.password, by=STRANGER) == alice.user
    assert verification.check_password("Alice", alice.password, by=STRANGER) == alice.user


def test_the_password_of_another_account_is_refused(alice: Person, mallory: Person) -> None:
    assert verification.check_password("alice", mallory.password, by=STRANGER) is None


@pytest.mark.parametrize("change", [str.upper, str.strip, lambda text: text + "\n", lambda _: ""])
def test_nearly_the_password_is_refused(alice: Person, change: Callable[[str], str]) -> None:
    password = change(f"{alice.password}")
    if password != alice.password:
        assert verification.check_password("alice", password, by=STRANGER) is None


def test_only_the_own_password_confirms(alice: Person, mallory: Person) -> None:
    assert verification.confirm_password(alice.user, alice.password, by=alice.actor)
    assert not verification.confirm_password(alice.user, mallory.password, by=alice.actor)
    assert count_events(CONFIRM_FAILED) == 1


def test_the_password_of_a_closed_account_does_not_confirm(alice: Person) -> None:
    type(alice.user).objects.filter(pk=alice.user.pk).update(is_active=False)
    assert not verification.confirm_password(alice.user, alice.password, by=alice.actor)


# What is remembered of failures


def test_each_way_to_fail_is_recorded_with_its_reason(alice: Person) -> None:
    verification.check_password("alice", "wrong", by=STRANGER)
    verification.check_password("nobody", "wrong", by=STRANGER)
    verification.check_code(alice.app, "abc", by=STRANGER)
    verification.check_recovery_code(alice.user, "abc", by=STRANGER, spend=True)
    reasons = {event.fields["reason"] for event in Event.objects.filter(kind=SIGN_IN_FAILED.name)}
    assert reasons == {"wrong password", "unknown user name", "wrong code", "wrong recovery code"}


def test_what_was_typed_is_never_recorded(alice: Person) -> None:
    typed = "typedbymistake"
    verification.check_password("alice", typed, by=STRANGER)
    verification.check_password(typed, alice.password, by=STRANGER)
    verification.check_code(alice.app, typed, by=STRANGER)
    verification.check_recovery_code(alice.user, typed, by=STRANGER, spend=True)
    kept = [*Event.objects.values(), *FailureCount.objects.values(), *RateCount.objects.values()]
    assert typed not in str(kept)
    assert alice.password not in str(kept)


def test_a_failure_is_recorded_although_the_transaction_around_it_fails(
    committed_db: Database,
) -> None:
    alice = make_person("alice")
    verification.check_code(alice.app, "abc", by=STRANGER)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _ = 1 / 0
    assert count_events(SIGN_IN_FAILED) == 1


def test_reaching_a_limit_is_recorded(alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False):
        for _number in range(FACTOR_USER[0].times):
            verification.check_code(alice.app, "abc", by=STRANGER)
        with pytest.raises(LimitReached):
            verification.check_code(alice.app, code_for(alice), by=STRANGER)
    event = Event.objects.get(kind=LIMIT_REACHED.name)
    assert event.fields == {"limit": "second factor"}
    assert Event.objects.for_user(alice.user).filter(number=event.number).exists()


def test_repeated_failures_are_counted_and_not_all_listed(db: None) -> None:
    person = newcomer()
    for _number in range(5):
        verification.check_password(person.username, "wrong", by=STRANGER)
    assert count_events(SIGN_IN_FAILED) == 1
    assert failures_counted() == 5
