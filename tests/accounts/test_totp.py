from __future__ import annotations

import base64
import shutil
import subprocess
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import totp

pytestmark = pytest.mark.once

RFC_SECRET = b"12345678901234567890"
# RFC 6238 appendix B, SHA-1: the last six of its eight digits are the six-digit code.
RFC_VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
NOW = 1111111109
CODE = "081804"
STEP = NOW // 30


@pytest.mark.parametrize(("now", "eight_digits"), RFC_VECTORS)
def test_the_published_vectors_match_their_step(now: int, eight_digits: str) -> None:
    assert totp.matching_step(RFC_SECRET, eight_digits[-6:], now=now, after=-1) == now // 30


@pytest.mark.skipif(shutil.which("oathtool") is None, reason="oathtool is not installed")
def test_codes_agree_with_another_implementation() -> None:
    for number in range(20):
        secret = totp.new_secret()
        now = 1_700_000_000 + number * 777
        command = ["oathtool", "--totp", "-N", f"@{now}", secret.hex()]
        code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert totp.matching_step(secret, code, now=now, after=-1, window=0) == now // 30


def test_secrets_are_twenty_random_bytes() -> None:
    made = {totp.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {20}


def test_a_secret_is_shown_in_groups_of_four() -> None:
    text = totp.secret_as_text(RFC_SECRET)
    assert text == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert base64.b32decode(text.replace(" ", "")) == RFC_SECRET


def test_the_uri_starts_its_query_with_the_secret() -> None:
    uri = totp.otpauth_uri(RFC_SECRET, account="alice", issuer="Example")
    assert uri == (
        "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=Example&algorithm=SHA1&digits=6&period=30"
    )


@given(account=st.text(), issuer=st.text())
def test_no_account_or_issuer_can_split_the_label(account: str, issuer: str) -> None:
    uri = totp.otpauth_uri(RFC_SECRET, account=account, issuer=issuer)
    assert uri.isascii()
    assert not any(character.isspace() for character in uri)
    parts = urlsplit(uri)
    label = unquote(parts.path.removeprefix("/"))
    assert label.count(":") == 1
    query = parse_qsl(parts.query, keep_blank_values=True)
    assert [key for key, _ in query] == ["secret", "issuer", "algorithm", "digits", "period"]
    assert query[1][1] == label.split(":")[0]


def test_text_that_is_not_unicode_makes_a_uri_too() -> None:
    uri = totp.otpauth_uri(RFC_SECRET, account="a\ud800", issuer="\udfff")
    assert uri.startswith("otpauth://totp/%3F:a%3F?")


def test_labels_with_spaces_and_letters_of_other_scripts_survive() -> None:
    uri = totp.otpauth_uri(RFC_SECRET, account="zoë & co?", issuer="Index Höhle:8000")
    label = unquote(urlsplit(uri).path.removeprefix("/"))
    assert label == "Index Höhle-8000:zoë & co?"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123 456\n", "123456"),
        ("1\u00a02\u20033\t456", "123456"),
        ("000000", "000000"),
        ("12345", None),
        ("1234567", None),
        ("", None),
        ("12345a", None),
        ("-12345", None),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", None),
        ("١٢٣٤٥٦", None),
        ("12345²", None),
    ],
)
def test_a_typed_code_is_six_ascii_digits(typed: str, code: str | None) -> None:
    assert totp.normalize_code(typed) == code


@pytest.mark.parametrize(
    ("seconds", "step"), [(0, 0), (29.999, 0), (30, 1), (59, 1), (1111111109, 37037036)]
)
def test_a_step_lasts_thirty_seconds(seconds: float, step: int) -> None:
    assert totp.step_at(seconds) == step


@pytest.mark.parametrize(
    ("offset", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_one_step_before_and_after_is_accepted(offset: int, accepted: bool) -> None:
    found = totp.matching_step(RFC_SECRET, CODE, now=(STEP + offset) * 30, after=-1)
    assert found == (STEP if accepted else None)


def test_a_code_with_one_wrong_digit_is_refused() -> None:
    for at in range(len(CODE)):
        wrong = CODE[:at] + str((int(CODE[at]) + 1) % 10) + CODE[at + 1 :]
        assert totp.matching_step(RFC_SECRET, wrong, now=NOW, after=-1) is None


def test_the_window_ends_exactly_at_the_edge_of_a_step() -> None:
    assert totp.matching_step(RFC_SECRET, CODE, now=(STEP + 2) * 30 - 0.001, after=-1) == STEP
    assert totp.matching_step(RFC_SECRET, CODE, now=(STEP + 2) * 30, after=-1) is None


@pytest.mark.parametrize(("after", "accepted"), [(-1, True), (0, True), (1, False), (2, False)])
def test_a_spent_step_and_all_before_it_are_refused(after: int, accepted: bool) -> None:
    spent = after if after == -1 else STEP - 1 + after
    found = totp.matching_step(RFC_SECRET, CODE, now=NOW, after=spent)
    assert (found is not None) == accepted


def test_a_code_that_is_right_twice_spends_the_later_step() -> None:
    first, second, code = 2386, 2394, "709847"  # the two steps of the secret that share a code
    for step in (first, second):
        assert totp.matching_step(RFC_SECRET, code, now=step * 30, after=-1, window=0) == step
    found = totp.matching_step(RFC_SECRET, code, now=first * 30, after=-1, window=8)
    assert found == second


def test_the_first_seconds_of_time_have_no_step_before_them() -> None:
    # RFC 4226 appendix D, counter 0
    assert totp.matching_step(RFC_SECRET, "755224", now=0, after=-1) == 0


@given(st.text())
def test_any_typed_text_is_answered(text: str) -> None:
    assert totp.matching_step(RFC_SECRET, text, now=0, after=10) is None


@pytest.mark.parametrize("steps", [-20, -7, -2, -1, 0, 1, 2, 13, 20])
def test_drift_is_told_in_seconds_of_the_device(steps: int) -> None:
    assert totp.clock_drift(RFC_SECRET, CODE, now=(STEP - steps) * 30) == steps * 30


def test_the_smaller_of_two_possible_drifts_is_told() -> None:
    assert totp.clock_drift(RFC_SECRET, "709847", now=2393 * 30) == 30  # steps 2386 and 2394
    assert totp.clock_drift(RFC_SECRET, "709847", now=2387 * 30) == -30


@pytest.mark.parametrize("steps", [-21, 21])
def test_more_than_ten_minutes_is_no_drift(steps: int) -> None:
    assert totp.clock_drift(RFC_SECRET, CODE, now=(STEP - steps) * 30) is None


def test_a_code_of_another_secret_is_no_drift() -> None:
    assert totp.clock_drift(b"another secret, 20 b", CODE, now=NOW) is None


def test_malformed_codes_have_no_drift() -> None:
    assert totp.clock_drift(RFC_SECRET, "abcdef", now=NOW) is None
