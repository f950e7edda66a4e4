from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import login
from accounts.events import SESSION_ENDED, SESSIONS_ENDED, SIGNED_OUT
from accounts.jobs import forget_old_sessions
from accounts.models import KnownDevice, User, UserSession
from accounts.operations import freezing, sessions
from accounts.operations.freezing import end_sessions_as_staff
from accounts.operations.sessions import end_sessions
from accounts.sessions import SessionStore, digest
from audit.models import Event
from tests.accounts.doors import (
    count_events,
    give_code,
    give_password,
    is_signed_in,
    text_of_page,
)
from tests.support.clone import Database, race_all
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
HOUR = 3600


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


def test_a_session_ends_when_it_was_not_used_for_twelve_hours(
    browser: Browser, alice: Person
) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        for _turn in range(3):
            clock.shift(12 * HOUR - 1)
            assert is_signed_in(client)
        clock.shift(12 * HOUR + 1)
        assert not is_signed_in(client)


def test_a_session_ends_thirty_days_after_the_sign_in_however_it_is_used(
    browser: Browser, alice: Person
) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        for turn in range(30 * 24 // 8):
            assert is_signed_in(client)
            if turn % 10 == 0:  # a page that stores something in the session, too
                client.post("/account/address/send-again/")
            clock.shift(8 * HOUR)
        assert not is_signed_in(client)


def test_the_use_of_a_session_is_written_once_a_minute(browser: Browser, alice: Person) -> None:
    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert is_signed_in(client)
        return sum(query["sql"].startswith("UPDATE") for query in queries.captured_queries)

    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(30)
        assert writes() == 0
        clock.shift(31)
        assert writes() == 1
        assert UserSession.objects.get().last_used_at == timezone.now()
        clock.shift(59)
        assert writes() == 0


def test_a_session_knows_where_it_was_opened(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    give_code(client, code_for(alice))
    session = UserSession.objects.get(user=alice.user)
    assert session.network_address == "192.0.2.17"
    assert session.device == KnownDevice.objects.get()


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


def test_one_session_is_ended_from_the_page(browser: Browser, alice: Person) -> None:
    client, other, third = browser(alice), browser(alice), browser(alice)
    page = text_of_page(client.get("/account/sessions/"))
    assert page.count("this one") == 1
    assert digest(key_of(client)) not in page  # this one is ended by signing out
    response = client.post(f"/account/sessions/{digest(key_of(other))}/end/")
    assert response["Location"] == "/account/sessions/"
    assert [is_signed_in(one) for one in (client, other, third)] == [True, False, True]
    assert count_events(SESSION_ENDED) == 1


def test_ending_the_session_at_hand_leads_to_the_sign_in_page(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    response = client.post(f"/account/sessions/{digest(key_of(client))}/end/")
    assert response["Location"] == "/account/sign-in/"
    assert not is_signed_in(client)


def test_all_other_sessions_are_ended_from_the_page(browser: Browser, alice: Person) -> None:
    client, other = browser(alice), browser(alice)
    client.post("/account/sessions/end-others/")
    assert [is_signed_in(one) for one in (client, other)] == [True, False]
    assert "End all other" not in text_of_page(client.get("/account/sessions/"))


def test_sessions_of_others_are_neither_shown_nor_ended(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client, of_mallory = browser(alice), browser(mallory)
    page = text_of_page(of_mallory.get("/account/sessions/"))
    assert digest(key_of(client)) not in page
    response = of_mallory.post(f"/account/sessions/{digest(key_of(client))}/end/")
    assert response.status_code == 404
    assert is_signed_in(client)


def test_opening_an_address_ends_no_session(browser: Browser, alice: Person) -> None:
    client, other = browser(alice), browser(alice)
    for path in (
        f"/account/sessions/{digest(key_of(other))}/end/",
        "/account/sessions/end-others/",
    ):
        assert client.get(path).status_code == 405
    assert is_signed_in(other)


def test_a_sign_in_that_is_being_completed_is_ended_with_the_others(
    committed_db: Database, browser: Browser
) -> None:
    # Whatever comes first: no session is left over that was opened with what is no longer true
    alice = make_person("alice")
    client = browser()
    give_password(client, alice)
    code = code_for(alice)

    def set_password() -> None:
        with transaction.atomic():
            user = User.objects.select_for_update(no_key=True).get(pk=alice.user.pk)
            User.objects.filter(pk=user.pk).update(password_changed_at=timezone.now())
            end_sessions(user, keep=None, by=alice.actor)

    race_all([lambda: give_code(client, code).status_code, set_password])
    assert not is_signed_in(client)
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_the_server_ends_the_sessions_of_one_account_or_of_all(
    browser: Browser, alice: Person, bob: Person, mallory: Person
) -> None:
    clients = [browser(alice), browser(bob), browser(mallory)]
    half_open = browser()
    give_password(half_open, mallory)
    call_command("end_sessions", "ALICE")
    assert [is_signed_in(client) for client in clients] == [False, True, True]
    call_command("end_sessions", "--all")
    assert [is_signed_in(client) for client in clients] == [False, False, False]
    give_code(half_open, code_for(mallory))
    assert not is_signed_in(half_open)
    event = Event.objects.for_user(bob.user).get(kind=SESSIONS_ENDED.name)
    assert (event.actor_kind, event.credential_label) == ("system", "end_sessions")


@pytest.mark.parametrize("words", [[], ["alice", "--all"], ["nobody"]])
def test_the_server_is_told_exactly_whose_sessions_end(alice: Person, words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("end_sessions", *words)


def test_ending_no_session_is_no_event(alice: Person) -> None:
    assert end_sessions(alice.user, keep=None, by=alice.actor) == 0
    assert not Event.objects.exists()


def test_the_stored_digest_is_no_key_to_be_kept(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    end_sessions(alice.user, keep=digest(key_of(client)), by=alice.actor)
    assert not is_signed_in(client)


def test_a_new_password_ends_sessions(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).update(password_changed_at=timezone.now())
    assert not is_signed_in(client)


def test_a_stronger_hash_of_the_same_password_ends_no_session(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).update(password=make_password(alice.password))
    assert is_signed_in(client)


def test_a_password_that_is_no_longer_it_completes_no_sign_in(
    browser: Browser, alice: Person
) -> None:
    client = browser()
    give_password(client, alice)
    User.objects.filter(pk=alice.user.pk).update(password_changed_at=timezone.now())
    give_code(client, code_for(alice))
    assert not is_signed_in(client)
    assert alice.app.last_step == -1  # nobody looked at the code


def test_a_closed_account_has_no_sessions(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert not is_signed_in(client)


def test_the_session_of_a_deleted_account_is_nobodys(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    User.objects.filter(pk=alice.user.pk).delete()
    assert not is_signed_in(client)


def test_a_session_that_was_ended_does_not_come_back_under_a_new_key(
    browser: Browser, alice: Person
) -> None:
    store = SessionStore(key_of(browser(alice)))
    assert store["_auth_user_id"]
    end_sessions(alice.user, keep=None, by=alice.actor)
    with pytest.raises(SessionInterrupted):
        store.cycle_key()
    assert not UserSession.objects.exists()


def test_a_session_goes_on_under_a_new_key(browser: Browser, alice: Person) -> None:
    former = key_of(browser(alice))
    store = SessionStore(former)
    store.cycle_key()
    store.save()
    assert not SessionStore().exists(former)
    assert UserSession.objects.get().session_key == digest(store.session_key)
    assert SessionStore(store.session_key)["_auth_user_id"] == str(alice.user.pk)


def test_ending_sessions_of_many_and_one_session_do_not_wait_for_each_other(
    committed_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PostgreSQL alone can tell: SQLite lets one transaction write at a time
    sam = make_person("sam", is_administrator=True)
    first, second = sorted(map(make_person, ("alice", "bob")), key=lambda row: str(row.user.pk))
    session = open_session(second)
    slow_down(monkeypatch, freezing, after=1)
    slow_down(monkeypatch, sessions, before=0.3, after=0.6)
    outcomes = race_all(
        [
            lambda: end_sessions_as_staff([first.user, second.user], reason="r", by=sam.actor),
            lambda: sessions.end_session(second.user, session, by=second.actor),
        ]
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert not UserSession.objects.filter(user=second.user).exists()


def test_signing_out_and_ending_all_sessions_do_not_wait_for_each_other(
    committed_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_person("alice")
    request: Any = RequestFactory().post("/")
    request.session = SessionStore()
    request.session["_auth_user_id"] = str(alice.user.pk)
    request.session.create()
    request.session.save()
    request.user = alice.user
    slow_down(monkeypatch, login, after=1)
    slow_down(monkeypatch, sessions, before=0.3)
    outcomes = race_all(
        [
            lambda: login.sign_out(request, by=alice.actor),
            lambda: end_sessions(alice.user, keep=None, by=alice.actor),
        ]
    )
    assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert not UserSession.objects.exists()


def open_session(person: Person) -> UserSession:
    ends = timezone.now() + timedelta(hours=1)
    key = f"key of {person.username}"
    return UserSession.objects.create(session_key=key, expire_date=ends, user=person.user)


def slow_down(
    monkeypatch: pytest.MonkeyPatch, module: Any, *, before: float = 0, after: float = 0
) -> None:
    """Have a module record slowly, so that two who lock each other out surely meet."""
    record = module.record

    def slow(*arguments: Any, **named: Any) -> Any:
        time.sleep(before)
        event = record(*arguments, **named)
        time.sleep(after)
        return event

    monkeypatch.setattr(module, "record", slow)


def test_a_sign_out_is_recorded_as_its_users(browser: Browser, alice: Person) -> None:
    browser(alice).post("/account/sign-out/")
    event = Event.objects.get(kind=SIGNED_OUT.name)
    assert (event.actor_kind, event.actor_id) == ("user", str(alice.user.pk))
    assert not UserSession.objects.exists()
