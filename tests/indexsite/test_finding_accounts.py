"""Staff find an account by anything that they may have at hand, and see where it is signed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import finding
from accounts.models import UserSession
from projects.models import Role
from tests.accounts.doors import text_of_page
from tests.support.people import NETWORK_ADDRESS, Person, make_person
from tests.tokens.keys import make, project_of

Browser = Callable[..., Client]
PAGE = "/admin/accounts/user/"


def found(client: Client, text: str) -> set[str]:
    """The user names on the list."""
    page = client.get(PAGE, {"q": text})
    assert page.status_code == 200
    names = re.findall(r'field-username"><a [^>]*>([^<]+)</a>', page.content.decode())
    return set(names)


def test_an_account_is_found_by_what_is_its_own(browser: Browser, alice: Person) -> None:
    client = browser(make_person("helper", group="Support"))
    for text in ("alice", "ALICE@example.org", f" {alice.user.pk} "):
        assert found(client, text) == {"alice"}, text


def test_an_account_is_found_by_its_token(browser: Browser, alice: Person, bob: Person) -> None:
    token, _text = make(alice)
    make(bob)
    client = browser(make_person("helper", group="Support"))
    assert found(client, str(token.pk)) == {"alice"}
    assert found(client, str(token.pk).replace("-", "").upper()) == {"alice"}


def test_the_people_of_a_project_are_found_by_its_name(
    browser: Browser, alice: Person, bob: Person, mallory: Person
) -> None:
    project = project_of(alice, "Sea.Gull")
    Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    client = browser(make_person("helper", group="Support"))
    assert found(client, "sea_gull") == {"alice", "bob"}
    assert found(client, "sea") == set()


def test_a_name_finds_accounts_and_projects_of_that_name(
    browser: Browser, alice: Person, bob: Person
) -> None:
    project_of(bob, "alice")
    client = browser(make_person("helper", group="Support"))
    assert found(client, "alice") == {"alice", "bob"}


def test_who_came_from_an_address_is_found_by_it(
    browser: Browser, alice: Person, bob: Person
) -> None:
    browser(alice)
    helper = browser(make_person("helper", group="Support"))
    assert found(helper, NETWORK_ADDRESS) == {"alice", "helper"}
    assert found(helper, "192.0.2.18") == set()
    assert found(helper, "192.0.2.0/24") == set()


def test_only_the_newest_from_an_address_are_looked_at(
    browser: Browser, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(alice)
    browser(bob)
    helper = browser(make_person("helper", group="Support"))
    monkeypatch.setattr(finding, "ORIGINS", 2)
    assert found(helper, NETWORK_ADDRESS) == {"bob", "helper"}
    monkeypatch.setattr(finding, "FOUND", 1)
    assert len(found(helper, NETWORK_ADDRESS)) == 1


def test_no_more_is_read_than_is_found(
    browser: Browser, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(alice)
    browser(bob)
    project = project_of(alice, "gull")
    Role.objects.create(user=bob.user, project=project, kind=Role.Kind.MAINTAINER)
    monkeypatch.setattr(finding, "FOUND", 1)
    for text, table in (("gull", "projects_role"), (NETWORK_ADDRESS, "accounts_user")):
        with CaptureQueriesContext(connection) as queries:
            assert len(finding.find_accounts(text, sees_origins=True)) == 1
        (asked,) = [row["sql"] for row in queries if f'FROM "{table}"' in row["sql"]]
        assert asked.endswith("LIMIT 1"), asked


@pytest.mark.once  # PostgreSQL plans by statistics
def test_addresses_are_found_by_their_index(db: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        finding.find_accounts(NETWORK_ADDRESS, sees_origins=True)
    text = next(row["sql"] for row in queries if "audit_eventorigin" in row["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}")
        assert "origin_address" in str(cursor.fetchall())


def test_who_may_not_see_origins_finds_nobody_by_them(db: None, browser: Browser) -> None:
    browser(make_person("alice"))
    assert finding.find_accounts(NETWORK_ADDRESS, sees_origins=True)
    assert not finding.find_accounts(NETWORK_ADDRESS, sees_origins=False)


@pytest.mark.parametrize("text", ["1", "a b", "%", "\x00", "x" * 5000, "::", "0", "-"])
def test_odd_texts_break_nothing(browser: Browser, alice: Person, text: str) -> None:
    client = browser(make_person("helper", group="Support"))
    assert client.get(PAGE, {"q": text}).status_code in {200, 302, 400}


def test_the_page_of_an_account_says_where_it_is_signed_in(browser: Browser, alice: Person) -> None:
    browser(alice)
    browser(alice)
    rows = UserSession.objects.filter(user=alice.user)
    ended, is_open = rows[0].pk, rows[1].pk
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    now = timezone.now()
    rows.filter(pk=ended).update(expire_date=now, network_address="198.51.100.1")
    rows.filter(pk=is_open).update(
        user_agent=agent, network_address="198.51.100.2", last_used_at=now - timedelta(days=3)
    )
    page: Any = text_of_page(
        browser(make_person("auditor", group="Auditor")).get(f"{PAGE}{alice.user.pk}/change/")
    )
    assert "Firefox on Linux" in page
    assert 'href="/admin/audit/event/?network=198.51.100.2"' in page
    assert f"{now - timedelta(days=3):%Y-%m-%d %H:%M}" in page
    assert "198.51.100.1" not in page
    assert ended not in page
    assert is_open not in page
