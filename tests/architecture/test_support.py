"""What the tests stand on: copies of the database, servers, mail and people that are real."""

from __future__ import annotations

import smtplib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction

from accounts import verification
from accounts.models import User
from tests.support.clone import Database, race, race_all
from tests.support.mailbox import Mailbox, link_in, text_of
from tests.support.people import code_for, make_person
from tests.support.server import Site, StartSite


def current_database() -> str:
    """The name of the database that this thread is really connected to."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT current_database()")
            return str(cursor.fetchone()[0])
        cursor.execute("PRAGMA database_list")
        return str(cursor.fetchone()[2])


def test_all_threads_use_the_copy(committed_db: Database) -> None:
    names = {str(name) for name in [current_database(), *race(3, current_database)]}
    assert {Path(name).name for name in names} == {Path(committed_db.name).name}


def test_a_copy_is_gone_after_its_test(
    template_database: Database, django_db_blocker: Any, is_postgresql: bool
) -> None:
    with django_db_blocker.unblock():
        copy = template_database.copy()
        with copy.as_default():
            User.objects.create(username="somebody")
        copy.drop()
        assert current_database() != copy.name
        assert not User.objects.filter(username="somebody").exists()
        if is_postgresql:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [copy.name])
                assert cursor.fetchone() is None
        else:
            assert not Path(copy.name).exists()


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_commits_another_does_not_see(committed_db: Database, turn: int) -> None:
    assert not User.objects.exists()
    with transaction.atomic():
        User.objects.create(username=f"somebody-{turn}")
    assert race(1, User.objects.count) == [1]


def test_a_race_gives_results_and_exceptions_in_order(committed_db: Database) -> None:
    def fail() -> int:
        raise ZeroDivisionError

    first, second = race_all([lambda: 1, fail])
    assert first == 1
    assert isinstance(second, ZeroDivisionError)


def test_codes_are_accepted_however_many_are_asked_for(db: None, alice: Any) -> None:
    for _turn in range(4):
        code = code_for(alice)
        assert verification.check_code(alice.app, code, by=alice.actor)


def test_a_spent_code_is_refused(db: None, alice: Any) -> None:
    code = code_for(alice)
    assert verification.check_code(alice.app, code, by=alice.actor)
    assert not verification.check_code(alice.app, code, by=alice.actor)


def test_recovery_codes_and_passwords_of_the_cast_are_right(db: None, alice: Any) -> None:
    assert verification.check_password("alice", alice.password, by=alice.actor) == alice.user
    code = alice.recovery_codes[0]
    assert verification.check_recovery_code(alice.user, code, by=alice.actor, spend=True)


def test_the_cast_stands_where_it_should(db: None, alice: Any, sam: Any) -> None:
    assert sam.fresh_user.is_administrator
    assert not alice.fresh_user.is_administrator
    assert alice.fresh_user.has_verified_email
    assert not alice.fresh_user.must_confirm_recovery_codes
    assert make_person("alice").user == alice.user


def test_a_browser_is_signed_in_with_the_second_factor(browser: Any, alice: Any, sam: Any) -> None:
    assert browser(sam).get("/admin/").status_code == 200
    assert browser(alice).get("/admin/").status_code == 403
    assert browser().get("/admin/").status_code == 302


def test_a_server_runs_on_a_copy_of_its_own(site: Site, alice: Any) -> None:
    with urllib.request.urlopen(f"{site.url}/_health/") as answer:
        assert answer.status == 200
    assert Path(current_database()).name == Path(site.database.name).name
    done = site.manage("shell", "-c", "print(__import__('accounts').models.User.objects.count())")
    assert done.stdout.split()[-1:] == ["1"], done.stderr


def test_a_shared_server_knows_the_cast_of_the_former_test(site: Site, alice: Any) -> None:
    assert User.objects.filter(username="alice").count() == 1


def test_a_fresh_server_knows_nobody(fresh_site: Site) -> None:
    assert not User.objects.exists()
    assert fresh_site.is_healthy()


def test_a_server_that_cannot_start_says_why(start_site: StartSite) -> None:
    with (
        pytest.raises(RuntimeError, match="UPLOAD_SIZE_LIMIT_MIB is wrong"),
        start_site(environment={"UPLOAD_SIZE_LIMIT_MIB": "much"}),
    ):
        pass


def test_mail_goes_over_smtp_and_comes_in_parsed(mailbox: Mailbox) -> None:
    mail.send_mail("Grüße", "See http://localhost/x?y=1 now", None, ["alice@example.org"])
    (message,) = mailbox.wait_for(1)
    assert message["Subject"] == "Grüße"
    assert text_of(message).startswith("See ")
    assert link_in(message) == "http://localhost/x?y=1"
    assert mailbox.to("alice@example.org") == [message]


def test_the_mailbox_fails_as_often_as_it_is_told(mailbox: Mailbox) -> None:
    mailbox.fail(2)
    for _turn in range(2):
        with pytest.raises(smtplib.SMTPDataError, match="Try again later"):
            mail.send_mail("Hello", "Hello", None, ["alice@example.org"])
    mail.send_mail("Hello", "Hello", None, ["alice@example.org"])
    assert (mailbox.attempts, len(mailbox.messages)) == (3, 1)


def test_the_mailbox_refuses_until_it_accepts_again(mailbox: Mailbox) -> None:
    mailbox.refuse()
    with pytest.raises(smtplib.SMTPDataError, match="Not here"):
        mail.send_mail("Hello", "Hello", None, ["alice@example.org"])
    mailbox.accept()
    mail.send_mail("Hello", "Hello", None, ["alice@example.org"])
    assert len(mailbox.messages) == 1
