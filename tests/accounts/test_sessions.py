from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from accounts.events import SESSIONS_ENDED
from accounts.jobs import forget_old_sessions
from accounts.models import User, UserSession
from accounts.operations.sessions import end_sessions
from accounts.sessions import SessionStore, digest
from audit.models import Event
from tests.accounts.doors import give_password, is_signed_in
from tests.support.people import Person

Browser = Callable[..., Client]


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_key_of_a_session_is_not_in_the_database(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    rows = str([vars(row) | {"data": row.get_decoded()} for row in UserSession.objects.all()])
    assert key_of(client) not in rows
    assert digest(key_of(client)) in rows


def test_what_the_table_holds_opens_no_session(browser: Browser, alice: Person) -> None:
    browser(alice)
    thief = browser()
    thief.cookies[settings.SESSION_COOKIE_NAME] = UserSession.objects.get().session_key
    assert not is_signed_in(thief)


def test_a_session_knows_its_user_and_its_beginning(browser: Browser, alice: Person) -> None:
    browser(alice)
    session = UserSession.objects.get()
    assert session.user == alice.user
    assert timezone.now() - session.created_at < timedelta(seconds=10)


def test_a_half_finished_sign_in_belongs_to_nobody(browser: Browser, alice: Person) -> None:
    give_password(browser(), alice)
    assert UserSession.objects.get().user is None


def test_a_password_is_never_put_into_a_session(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    assert alice.password not in str(dict(client.session))
    assert alice.user.password not in str(dict(client.session))


def test_the_cookie_is_for_this_site_alone_and_out_of_reach_of_scripts(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    give_password(client, alice)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""
    assert cookie["path"] == "/"
    assert cookie["max-age"] == ""  # ends with the browser


def test_a_session_ends_after_twelve_hours(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(12 * 3600 - 60)
        assert is_signed_in(client)
        clock.shift(120)
        assert not is_signed_in(client)


def test_sessions_that_are_over_are_deleted(browser: Browser, alice: Person) -> None:
    browser(alice)
    assert forget_old_sessions() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=13)):
        assert forget_old_sessions() == 1
    assert not UserSession.objects.exists()


def test_a_session_that_was_ended_while_it_was_used_does_not_come_back(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    slow = SessionStore(key_of(client))
    slow["seen"] = True
    end_sessions(alice.user, keep=None, by=alice.actor)
    with pytest.raises(UpdateError):
        slow.save()
    assert not UserSession.objects.exists()
    assert not is_signed_in(client)


def test_a_key_that_somebody_made_up_is_not_taken_over(browser: Browser, alice: Person) -> None:
    client = browser()
    client.cookies[settings.SESSION_COOKIE_NAME] = "planted0000000000000000000000000"
    give_password(client, alice)
    assert key_of(client) != "planted0000000000000000000000000"


def test_ending_sessions_ends_all_but_one(browser: Browser, alice: Person, bob: Person) -> None:
    kept, other, third, of_bob = browser(alice), browser(alice), browser(alice), browser(bob)
    assert end_sessions(alice.user, keep=key_of(kept), by=alice.actor) == 2
    assert [is_signed_in(client) for client in (kept, other, third, of_bob)] == [
        True,
        False,
        False,
        True,
    ]
    assert Event.objects.get(kind=SESSIONS_ENDED.name).fields == {"count": 2}


def test_ending_no_session_is_no_event(alice: Person) -> None:
    assert end_sessions(alice.user, keep=None, by=alice.actor) == 0
    assert not Event.objects.exists()


def test_the_stored_digest_is_no_key_to_be_kept(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    end_sessions(alice.user, keep=digest(key_of(client)), by=alice.actor)
    assert not is_signed_in(client)


def test_a_new_password_ends_sessions(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).update(password=make_password("another password 8f2"))
    assert not is_signed_in(client)


def test_a_closed_account_has_no_sessions(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert not is_signed_in(client)


def test_the_session_of_a_deleted_account_is_nobodys(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).delete()
    assert not is_signed_in(client)
