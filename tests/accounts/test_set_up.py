from __future__ import annotations

import base64
import logging
import re
import stat
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import totp as pure_totp
from accounts.events import ACCOUNT_CREATED, ADMINISTRATOR_ADDED, LINK_CREATED
from accounts.models import AccountLink, AuthenticatorApp, OutboxMail, User
from accounts.operations import registration
from audit.actors import command
from audit.models import Event
from tests.accounts.doors import count_events, give_code, give_password, text_of_page
from tests.support.clone import Database, race_all
from tests.support.people import STEP, Person, totp

Browser = Callable[..., Client]
SET_UP = "/account/set-up/"
PASSWORD = "ferry lantern gravel teapot"


def make_link() -> str:
    return f"{SET_UP}?link={registration.create_setup_link(by=command('setup_link'))}"


def now_step() -> int:
    return int(time.time() // STEP)


def offer_on(response: Any) -> tuple[str, bytes]:
    """The hidden field with the offered secret, and the secret that the page shows."""
    page = response.content.decode()
    offered = re.search(r'name="offered" value="([^"]+)"', page)
    shown = re.search(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b", page)
    assert offered, page
    assert shown, page
    return offered.group(1), base64.b32decode(shown.group().replace(" ", ""))


def fields(offered: str, secret: bytes, username: str = "zoe", **others: str) -> dict[str, str]:
    return {
        "username": username,
        "email": f"{username}@example.org",
        "password": PASSWORD,
        "code": totp(secret, now_step()),
        "offered": offered,
    } | others


def set_up(client: Client, link: str, **others: str) -> Any:
    return client.post(link, fields(*offer_on(client.get(link)), **others))


def test_the_link_makes_an_administrator_with_a_second_factor(browser: Browser, db: None) -> None:
    client = browser()
    assert set_up(client, make_link())["Location"] == "/account/recovery-codes/"
    user = User.objects.get()
    assert user.is_administrator
    assert user.has_second_factor
    assert user.has_verified_email
    assert client.get("/account/security/")["Location"] == "/account/recovery-codes/"
    assert client.get("/admin/").status_code == 302  # until a recovery code was typed back


def test_what_happened_is_recorded(browser: Browser, db: None) -> None:
    set_up(browser(), make_link())
    for kind in (LINK_CREATED, ACCOUNT_CREATED, ADMINISTRATOR_ADDED):
        assert count_events(kind) == 1
    event = Event.objects.get(kind=ACCOUNT_CREATED.name)
    assert (event.actor_label, event.credential) == ("zoe", "link")


def test_the_secret_that_was_shown_signs_in_later(browser: Browser, db: None) -> None:
    link = make_link()
    client = browser()
    offered, secret = offer_on(client.get(link))
    client.post(link, fields(offered, secret))
    person = Person(User.objects.get(), PASSWORD, secret, ())
    other = browser()
    give_password(other, person)
    give_code(other, totp(secret, now_step() + 1))
    assert other.get("/account/security/")["Location"] == "/account/recovery-codes/"


def test_the_code_of_the_set_up_is_spent(browser: Browser, db: None) -> None:
    link, client = make_link(), browser()
    with time_machine.travel((now_step() + 0.5) * STEP, tick=False):
        offered, secret = offer_on(client.get(link))
        client.post(link, fields(offered, secret))
        other = browser()
        give_password(other, Person(User.objects.get(), PASSWORD, secret, ()))
        for step in (now_step() - 1, now_step()):
            give_code(other, totp(secret, step))
        assert other.get("/account/security/")["Location"].startswith("/account/sign-in/")


# The link


def test_the_link_works_once(browser: Browser, db: None) -> None:
    link, late = make_link(), browser()
    late_fields = fields(*offer_on(late.get(link)), username="yan")
    set_up(browser(), link)
    for response in (late.get(link), late.post(link, late_fields)):
        assert response.status_code == 403
        assert "ended" in text_of_page(response)
    assert User.objects.count() == 1


def test_the_link_lasts_one_hour(browser: Browser, db: None) -> None:
    link, client = make_link(), browser()
    offered, secret = offer_on(client.get(link))
    with time_machine.travel(timezone.now() + timedelta(minutes=59)):
        assert client.get(link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=60, seconds=1)):
        assert client.get(link).status_code == 403
        assert client.post(link, fields(offered, secret)).status_code == 403
    assert not User.objects.exists()


def test_each_new_link_ends_the_one_before(browser: Browser, db: None) -> None:
    first, second = make_link(), make_link()
    assert browser().get(first).status_code == 403
    assert browser().get(second).status_code == 200


def test_a_new_link_leaves_invitations_open(browser: Browser, sam: Person) -> None:
    secret = registration.create_invitation(reason="She is new here.", by=command("invite"))
    make_link()
    assert registration.find_link(secret, makes_administrator=False) is not None


@pytest.mark.parametrize("end", ["", "?link=", "?link=x", "?link=%ff", "?link=" + "a" * 5000])
def test_other_links_open_nothing(browser: Browser, db: None, end: str) -> None:
    make_link()
    assert browser().get(f"{SET_UP}{end}").status_code == 403
    assert browser().post(f"{SET_UP}{end}", {"username": "zoe"}).status_code == 403


def test_a_link_that_was_ended_meanwhile_makes_nobody(db: None) -> None:
    link = registration.find_link(make_link().partition("link=")[2], makes_administrator=True)
    assert link is not None
    make_link()
    secret = pure_totp.new_secret()
    with pytest.raises(PermissionDenied):
        registration.create_administrator(
            username="zoe",
            email="z@example.org",
            password=PASSWORD,
            secret=secret,
            code=totp(secret, now_step()),
            link=link,
            by=command("test"),
        )
    assert not User.objects.exists()


def test_a_wrong_code_leaves_the_link_open_and_the_secret_the_same(
    browser: Browser, db: None
) -> None:
    link, client = make_link(), browser()
    offered, secret = offer_on(client.get(link))
    response = client.post(link, fields(offered, secret, code="000000"))
    assert "This code is wrong" in text_of_page(response)
    assert not User.objects.exists()
    again, same = offer_on(response)
    assert same == secret
    assert client.post(link, fields(again, secret)).status_code == 302


@pytest.mark.parametrize(
    "wrong", [{"password": "password"}, {"username": "not ok"}, {"email": "bad"}, {"code": ""}]
)
def test_a_form_that_is_not_right_leaves_the_link_open(
    browser: Browser, db: None, wrong: dict[str, str]
) -> None:
    link = make_link()
    assert set_up(browser(), link, **wrong).status_code == 200
    assert not User.objects.exists()
    assert AccountLink.objects.get().spent_at is None


def test_a_name_that_is_taken_leaves_the_link_open(browser: Browser, alice: Person) -> None:
    link = make_link()
    assert set_up(browser(), link, username="ALICE").status_code == 200
    assert AccountLink.objects.get().spent_at is None
    assert not User.objects.filter(is_staff=True).exists()


def test_a_secret_that_the_page_did_not_offer_is_not_taken(browser: Browser, db: None) -> None:
    link, other = make_link(), browser()
    offered, secret = offer_on(other.get(link))
    second = make_link()
    for forged in ("", "x", "a:b", offered, offered[:-4], secret.hex()):
        response = browser().post(second, fields(forged, secret))
        assert response.status_code == 200
    assert not User.objects.exists()


def test_of_eight_who_use_one_link_at_once_one_becomes_administrator(
    committed_db: Database, browser: Browser
) -> None:
    link = make_link()
    offers = [offer_on(browser().get(link)) for _number in range(8)]

    def use(number: int) -> Callable[[], int]:
        form = fields(*offers[number], username=f"zoe{number}")
        return lambda: int(browser().post(link, form).status_code)

    outcomes = race_all([use(number) for number in range(8)])
    assert outcomes.count(302) == 1
    assert outcomes.count(403) == 7
    assert User.objects.count() == 1
    assert AuthenticatorApp.objects.count() == 1


# Secrecy


def test_the_link_is_stored_as_a_digest_and_logged_nowhere(
    browser: Browser, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        link = make_link()
        set_up(browser(), link, code="000000")
        set_up(browser(), link)
        browser().get(link)
        browser().post(link, {"offered": "x"})
        browser().put(link)
    secret = link.partition("link=")[2]
    kept = [*AccountLink.objects.values(), *Event.objects.values(), *OutboxMail.objects.values()]
    assert secret not in str(kept)
    assert secret not in caplog.text
    assert len(secret) >= 43


def test_the_offered_secret_is_wrapped(browser: Browser, db: None) -> None:
    offered, secret = offer_on(browser().get(make_link()))
    assert pure_totp.secret_as_text(secret).replace(" ", "") not in offered
    assert AuthenticatorApp.objects.count() == 0


def test_the_page_is_kept_out_of_caches_and_referers(browser: Browser, db: None) -> None:
    response = browser().get(make_link())
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "strict-origin"


# Administrators are told


def test_where_there_are_administrators_all_are_told_of_a_link(
    browser: Browser, alice: Person, sam: Person
) -> None:
    make_link()
    assert [mail.recipient for mail in OutboxMail.objects.filter(notice="setup_link_created")] == [
        sam.email
    ]


def test_they_are_told_of_a_new_administrator_too(browser: Browser, sam: Person) -> None:
    set_up(browser(), make_link())
    mails = OutboxMail.objects.filter(notice="administrator_added")
    assert {mail.recipient for mail in mails} == {sam.email, "zoe@example.org"}
    assert all(mail.facts == {"added": "zoe"} for mail in mails)


def test_the_verified_address_of_another_account_is_not_taken_from_it(
    browser: Browser, alice: Person
) -> None:
    link = make_link()
    page = set_up(browser(), link, email="ALICE@example.org")
    assert "Another account has this mail address" in page.content.decode()
    assert not User.objects.filter(username="zoe").exists()
    assert alice.fresh_user.has_verified_email
    set_up(browser(), link, email="zoe@example.org")
    assert User.objects.filter(username="zoe").exists()


# The command


def run(**options: Any) -> str:
    printed = StringIO()
    call_command("setup_link", stdout=printed, **options)
    return printed.getvalue()


def test_the_command_shows_a_link_that_works(browser: Browser, db: None) -> None:
    link = next(word for word in run().split() if "link=" in word)
    assert link.startswith("http://localhost:8000/account/set-up/?link=")
    assert browser().get(link.removeprefix("http://localhost:8000")).status_code == 200


def test_the_command_makes_a_link_if_it_is_needed(db: None, tmp_path: Path) -> None:
    assert "set-up" in run(if_needed=True).lower()
    assert AccountLink.objects.count() == 1


def test_it_makes_none_where_there_was_an_administrator(sam: Person, tmp_path: Path) -> None:
    User.objects.filter(pk=sam.user.pk).update(is_active=False)
    file = tmp_path / "link"
    file.write_text("an old link")
    assert run(if_needed=True, file=str(file)) == ""
    assert not AccountLink.objects.exists()
    assert not file.exists()


def test_without_a_terminal_the_link_goes_to_a_file_that_only_its_user_reads(
    browser: Browser, db: None, tmp_path: Path
) -> None:
    file = tmp_path / "link"
    file.write_text("readable for all")
    file.chmod(0o644)
    printed = run(file=str(file))
    assert "link=" not in printed
    assert str(file) in printed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    link = file.read_text().strip().removeprefix("http://localhost:8000")
    assert browser().get(link).status_code == 200


def test_the_file_is_not_written_through_a_link_that_somebody_laid(
    db: None, tmp_path: Path
) -> None:
    target, file = tmp_path / "target", tmp_path / "link"
    target.write_text("mine")
    file.symlink_to(target)
    run(file=str(file))
    assert target.read_text() == "mine"
    assert not file.is_symlink()
