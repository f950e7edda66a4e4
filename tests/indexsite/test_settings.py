"""Settings whose text takes some reading."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from indexsite.checks import check_proxies
from indexsite.settings import RATE_LIMITS, rates, read, site_url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10/5m", [(10, 300)]),
        ("5/5m, 20/1h, 50/1d", [(5, 300), (20, 3600), (50, 86400)]),
        ("5/5m,20/1h", [(5, 300), (20, 3600)]),
        ("1/90s", [(1, 90)]),
    ],
)
def test_a_rate_is_attempts_and_a_time(text: str, found: list[tuple[int, int]]) -> None:
    assert rates(text) == found


@pytest.mark.parametrize(
    "text",
    ["", ",", "10", "10/", "/5m", "0/5m", "10/0m", "-1/5m", "10/5w", "ten/5m", "10/5m/5", "1.5/1h"],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rate|number"):
        rates(text)


def test_a_limit_that_cannot_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    from indexsite import settings

    errors: list[tuple[str, str]] = []
    monkeypatch.setattr(settings, "ENVIRONMENT_ERRORS", errors)
    monkeypatch.setenv("LIMIT_PASSWORD_USER", "many")
    assert read("LIMIT_PASSWORD_USER", rates, [(10, 300)]) == [(10, 300)]
    assert [name for name, _reason in errors] == ["LIMIT_PASSWORD_USER"]


def test_the_day_of_the_policy_is_read_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_FACTOR_REQUIRED_FROM", "2027-01-31")
    assert read("SECOND_FACTOR_REQUIRED_FROM", date.fromisoformat, None) == date(2027, 1, 31)


def test_every_limit_can_be_set() -> None:
    assert all(limits and min(map(min, limits)) > 0 for limits in RATE_LIMITS.values())


@pytest.mark.parametrize(
    ("is_secure", "proxies", "found"),
    [(True, [], ["indexsite.W002"]), (True, ["10.0.0.0/8"], []), (False, [], [])],
)
def test_a_site_of_tls_that_trusts_no_proxy_is_warned(
    settings: Any, is_secure: bool, proxies: list[str], found: list[str]
) -> None:
    settings.SITE_IS_SECURE, settings.TRUSTED_PROXIES = is_secure, proxies
    assert [row.id for row in check_proxies()] == found


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Index.example.org:443/", "https://index.example.org"),
        ("http://index.example.org:80", "http://index.example.org"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://index.example.org:80", "https://index.example.org:80"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://[::80]", "http://[::80]"),
    ],
)
def test_the_address_of_the_site_is_read_as_browsers_write_it(text: str, origin: str) -> None:
    assert site_url(text) == origin
