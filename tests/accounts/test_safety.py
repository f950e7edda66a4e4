from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, RecoveryCode, User
from accounts.safety import Standing, judge
from accounts.views.security import standing_of
from tests.accounts.doors import newcomer
from tests.support.people import Person

SAFE = Standing(
    has_verified_address=True, factors=2, has_key=True, has_kept_codes=True, codes_left=8
)
NEW = Standing(
    has_verified_address=False, factors=0, has_key=False, has_kept_codes=False, codes_left=0
)


@pytest.mark.once
@pytest.mark.parametrize(
    ("standing", "tone", "words"),
    [
        (SAFE, "success", "nothing is missing"),
        (replace(SAFE, factors=1), "success", "a second device would spare you the codes"),
        (replace(SAFE, has_key=False), "success", "false copies of the sign-in page"),
        (replace(SAFE, codes_left=3), "success", "nothing is missing"),
        (replace(SAFE, codes_left=2), "warning", "2 recovery codes are left"),
        (replace(SAFE, codes_left=1), "warning", "1 recovery code is left"),
        (replace(SAFE, codes_left=0), "warning", "0 recovery codes are left"),
        (replace(SAFE, has_kept_codes=False), "warning", "type one back"),
        (replace(SAFE, has_kept_codes=False, codes_left=0), "warning", "type one back"),
        (replace(SAFE, factors=0), "warning", "no second factor"),
        (replace(SAFE, factors=0), "warning", "and API tokens need a second factor"),
        (replace(SAFE, factors=0, may_publish=True), "warning", "sign in as you: add a passkey"),
        (replace(NEW, has_verified_address=True), "warning", "no second factor"),
        (replace(SAFE, has_verified_address=False), "warning", "not verified"),
        (NEW, "warning", "not verified"),
        (replace(SAFE, held=1), "danger", "is held"),
        (replace(SAFE, is_suspended=True), "danger", "Uploads in your name are suspended"),
        (replace(NEW, held=1, is_suspended=True), "danger", "suspended"),
    ],
)
def test_the_first_thing_that_is_missing_is_named(
    standing: Standing, tone: str, words: str
) -> None:
    verdict = judge(standing)
    assert verdict.tone == tone
    assert words in f"{verdict.title}: {verdict.sentence}"


def test_the_verdict_is_about_what_the_account_has(alice: Person) -> None:
    assert standing_of(alice.fresh_user) == replace(SAFE, factors=1, has_key=False)
    RecoveryCode.objects.filter(code_set__user=alice.user).update(used_at=timezone.now())
    assert standing_of(alice.fresh_user).codes_left == 0


def test_what_is_held_is_counted_and_does_not_count(alice: Person) -> None:
    AuthenticatorApp.objects.filter(user=alice.user).update(held_at=timezone.now())
    EmailAddress.objects.create(
        user=alice.user, address="x@example.org", held_at=timezone.now() - timedelta(days=1)
    )
    User.objects.filter(pk=alice.user.pk).update(uploads_suspended_at=timezone.now())
    standing = standing_of(alice.fresh_user)
    assert (standing.held, standing.factors, standing.is_suspended) == (2, 0, True)


def test_a_new_account_has_everything_before_it(db: None) -> None:
    assert standing_of(newcomer(is_verified=False).user) == NEW


@pytest.mark.parametrize(("required", "may_publish"), [("nobody", True), ("publishers", False)])
def test_the_verdict_says_what_the_policy_of_the_site_is(
    db: None, settings: Any, required: str, may_publish: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = required
    assert standing_of(newcomer().user).may_publish is may_publish
