from __future__ import annotations

import time
from contextlib import suppress

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.passwords import MAX_LENGTH, StrengthValidator

pytestmark = pytest.mark.once


def judge(password: str, username: str = "zoe", *words: str) -> None:
    user = User(username=username)
    user.words_to_avoid = list(words)  # type: ignore[attr-defined]
    StrengthValidator().validate(password, user)


@pytest.mark.parametrize(
    "password",
    [
        "somethingalittlebetter9",
        "1aDeCent!1",
        "ferry lantern gravel teapot",
        "пароль из пяти длинных слов",
        "  spaces at both ends  ",
        "x9$Kq2!vLp",
        "ferry lantern gravel teapot " * 140,
    ],
)
def test_good_passwords(password: str) -> None:
    judge(password)


@pytest.mark.parametrize(
    "password",
    [
        "foobar",
        "password",
        "12345678",
        "qwertyuiop",
        "aaaaaaaaaaaaaaaaaaaa",
        "abc",
        "letmein1",
        "Passw0rd",
        "iloveyou",
    ],
)
def test_passwords_that_are_too_easily_guessed(password: str) -> None:
    with pytest.raises(ValidationError, match="too easily guessed"):
        judge(password)


def test_the_own_words_make_no_password() -> None:
    judge("vxkqjzwm81")
    for password, words in (("vxkqjzwm81", ["vxkqjzwm81"]), ("vxkqjzwm", ["vxkqjzwm"])):
        with pytest.raises(ValidationError, match="too easily guessed"):
            judge(password, "zoe", *words)
    with pytest.raises(ValidationError, match="too easily guessed"):
        judge("vxkqjzwm81", "vxkqjzwm81")


@pytest.mark.parametrize(
    ("username", "word"),
    [
        ("xylo-quimbeldorf", ""),
        ("xylo_quimbeldorf", ""),
        ("zoe", "xylo+quimbeldorf@example.org"),
        ("zoe", "Xylo Quimbeldorf"),
    ],
)
def test_a_part_of_the_own_words_makes_no_password(username: str, word: str) -> None:
    judge("quimbeldorf")
    with pytest.raises(ValidationError, match="too easily guessed"):
        judge("quimbeldorf", username, word)


def test_one_that_would_take_seconds_to_judge_is_judged_by_its_first_twenty_characters() -> None:
    signs = "4@8({[<369!1|0$57+%2"  # each may stand for letters: zxcvbn tries all of them
    judge(signs * 4)
    judge("a" * 20 + signs[:8] * 2)
    with pytest.raises(ValidationError, match="too easily guessed"):
        judge("a" * 20 + signs * 2)


def test_a_password_has_an_end() -> None:
    with pytest.raises(ValidationError, match="longer than 4096"):
        judge("ferry lantern " * 300)
    assert MAX_LENGTH == 4096


def test_a_password_has_no_nul() -> None:
    with pytest.raises(ValidationError, match="NUL"):
        judge("ferry lantern\x00gravel teapot")


def test_long_passwords_are_judged_quickly() -> None:
    started = time.perf_counter()
    for part in ("aB3$", "lantern", "1", "(", "qwerty1!"):
        with suppress(ValidationError):
            judge((part * 4096)[:4096])
    assert time.perf_counter() - started < 2


def test_the_site_uses_this_judgement() -> None:
    validators = get_default_password_validators()
    assert [type(validator) for validator in validators] == [StrengthValidator]
    assert settings.AUTH_PASSWORD_VALIDATORS
