from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts.events import RECOVERY_CODE_USED, SIGN_IN_FAILED, SIGN_IN_SUCCEEDED, SIGNED_OUT
from accounts.limits import PASSWORD_USER
from accounts.login import SUDO_AT
from accounts.models import OutboxMail, RecoveryCode, User, UserSession
from audit.models import Event
from tests.accounts.doors import (
    SIGN_IN,
    count_events,
    give_code,
    give_password,
    give_recovery_code,
    is_signed_in,
    newcomer,
    post_step,
    text_of_page,
)
from tests.support.clone import Database, race_all
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# The way in


def test_a_password_and_a_code_sign_in(browser: Browser, alice: Person) -> None:
    client = browser()
    assert give_password(client, alice).status_code == 200
    assert not is_signed_in(client)
    give_password(client, alice)
    response = give_code(client, code_for(alice))
    assert response.status_code == 302
    assert response["Location"] == "/manage/projects/"
    assert is_signed_in(client)


def test_a_user_name_is_known_in_any_case(browser: Browser, alice: Person) -> None:
    client = browser()
    post_step(client, "auth", username="ALICE", password=alice.password)
    give_code(client, code_for(alice))
    assert is_signed_in(client)


def test_an_account_without_second_factor_signs_in_with_its_password(
    browser: Browser, db: None
) -> None:
    client = browser()
    give_password(client, newcomer())
    assert is_signed_in(client)


def test_a_code_may_be_typed_in_groups(browser: Browser, alice: Person) -> None:
    client, code = browser(), code_for(alice)
    give_password(client, alice)
    give_code(client, f" {code[:3]} {code[3:]} ")
    assert is_signed_in(client)


def test_a_closed_account_is_not_let_in(browser: Browser, alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    client = browser()
    response = give_password(client, alice)
    assert "is wrong" in text_of_page(response)
    give_code(client, code_for(alice))
    assert not is_signed_in(client)


def test_an_account_closed_between_the_steps_is_not_let_in(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    give_code(client, code_for(alice))
    assert not is_signed_in(client)
    assert not UserSession.objects.filter(user=alice.user).exists()


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(
    browser: Browser, alice: Person
) -> None:
    wrong = give_password(browser(), alice, "not the password of alice")
    unknown = post_step(browser(), "auth", username="nobody", password="whatever it is")
    sentence = "The user name or the password is wrong."
    assert sentence in text_of_page(wrong)
    assert sentence in text_of_page(unknown)


@pytest.mark.parametrize("username", ["al\x00ice", "\x00", "é" * 254, "a" * 255, " ", "\ud800"])
def test_odd_user_names_are_refused_without_an_error(
    browser: Browser, alice: Person, username: str
) -> None:
    response = browser().post(
        SIGN_IN,
        b"sign_in_view-current_step=auth&auth-password=x&auth-username="
        + username.encode("utf-8", "surrogatepass"),
        content_type="application/x-www-form-urlencoded",
    )
    assert response.status_code == 200


def test_a_password_with_a_nul_is_refused_without_an_error(browser: Browser, alice: Person) -> None:
    response = give_password(browser(), alice, alice.password + "\x00")
    assert response.status_code == 200
    assert count_events(SIGN_IN_SUCCEEDED) == 0


def test_a_password_keeps_its_spaces(browser: Browser, alice: Person) -> None:
    client = browser()
    response = give_password(client, alice, f" {alice.password} ")
    assert "is wrong" in text_of_page(response)


def test_a_sign_in_is_recorded_with_its_method_and_factor(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    give_code(client, code_for(alice))
    event = Event.objects.get(kind=SIGN_IN_SUCCEEDED.name)
    assert event.fields == {"method": "an authenticator app", "factor": "phone"}
    assert event.actor_label == "alice"


def test_a_wrong_password_is_recorded_in_the_history_of_the_account(
    browser: Browser, alice: Person
) -> None:
    give_password(browser(), alice, "not the password of alice")
    event = Event.objects.for_user(alice.user).get()
    assert event.kind == SIGN_IN_FAILED.name
    assert event.fields["reason"] == "wrong password"


def test_an_unknown_name_is_kept_as_a_digest_only(browser: Browser, db: None) -> None:
    # People type their password into the field of the name
    post_step(browser(), "auth", username="Hunter2Hunter2", password="alice")
    event = Event.objects.get(kind=SIGN_IN_FAILED.name)
    assert "hunter2" not in str(vars(event)).lower()
    assert len(event.fields["name_digest"]) == 16


def test_a_wrong_code_is_recorded(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    give_code(client, "000000" if code_for(alice) != "000000" else "000001")
    event = Event.objects.for_user(alice.user).get()
    assert event.fields["reason"] == "wrong code"
    assert not is_signed_in(client)


def test_signing_out_ends_the_session_in_the_database(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    stolen = browser()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = key_of(client)
    client.post("/account/sign-out/")
    assert not is_signed_in(stolen)
    assert count_events(SIGNED_OUT) == 1


def test_a_link_cannot_sign_anybody_out(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    assert client.get("/account/sign-out/").status_code == 405
    assert is_signed_in(client)


# Sessions and forgery


def test_the_session_key_changes_when_somebody_signs_in(browser: Browser, alice: Person) -> None:
    client = browser()
    client.get(SIGN_IN)
    give_password(client, alice)
    planted = key_of(client)
    give_code(client, code_for(alice))
    assert key_of(client) != planted
    other = browser()
    other.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert not is_signed_in(other)


def test_nothing_of_a_session_goes_over_to_another_account(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser(mallory)
    session = client.session
    session["planted"] = "by mallory"
    session.save()
    give_password(client, alice)
    give_code(client, code_for(alice))
    assert "planted" not in client.session
    assert client.get("/account/security/").wsgi_request.user == alice.user


def test_the_sign_in_form_cannot_be_posted_by_another_site(alice: Person) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    assert give_password(client, alice).status_code == 403


def test_signing_in_opens_sudo_mode(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    assert SUDO_AT not in client.session
    give_code(client, code_for(alice))
    assert time.time() - client.session[SUDO_AT] < 10


# One code, one sign-in


def test_a_code_signs_in_once(browser: Browser, alice: Person) -> None:
    code = code_for(alice)
    for is_first in (True, False):
        client = browser()
        give_password(client, alice)
        give_code(client, code)
        assert is_signed_in(client) == is_first


def test_the_app_of_another_account_signs_nobody_in(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser()
    give_password(client, alice)
    give_code(client, code_for(mallory))
    assert not is_signed_in(client)
    assert mallory.app.last_step == -1


def test_of_eight_browsers_with_one_code_one_is_signed_in(
    committed_db: Database, browser: Browser
) -> None:
    alice = make_person("alice")
    code = code_for(alice)
    clients = [browser() for _number in range(8)]
    for client in clients:
        give_password(client, alice)

    def enter(client: Client) -> Callable[[], int]:
        return lambda: int(give_code(client, code).status_code)

    outcomes = race_all([enter(client) for client in clients])
    assert set(outcomes) <= {200, 302}
    assert outcomes.count(302) == 1
    assert sum(is_signed_in(client) for client in clients) == 1
    assert UserSession.objects.filter(user=alice.user).count() == 1
    assert count_events(SIGN_IN_SUCCEEDED) == 1


def test_of_eight_browsers_with_one_recovery_code_one_is_signed_in(
    committed_db: Database, browser: Browser
) -> None:
    alice = make_person("alice")
    clients = [browser() for _number in range(8)]
    for client in clients:
        give_password(client, alice)
        client.post(SIGN_IN, {"wizard_goto_step": "backup"})

    def enter(client: Client) -> Callable[[], int]:
        return lambda: int(
            post_step(client, "backup", otp_token=alice.recovery_codes[0]).status_code
        )

    outcomes = race_all([enter(client) for client in clients])
    assert set(outcomes) <= {200, 302}
    assert sum(is_signed_in(client) for client in clients) == 1


# Recovery codes at sign-in


def test_a_recovery_code_signs_in_once(browser: Browser, alice: Person) -> None:
    for is_first in (True, False):
        client = browser()
        give_password(client, alice)
        give_recovery_code(client, alice.recovery_codes[0])
        assert is_signed_in(client) == is_first
    assert RecoveryCode.objects.filter(used_at__isnull=False).count() == 1


def test_a_recovery_code_needs_the_password_first(browser: Browser, alice: Person) -> None:
    client = browser()
    give_recovery_code(client, alice.recovery_codes[0])
    assert not is_signed_in(client)
    assert not RecoveryCode.objects.filter(used_at__isnull=False).exists()


def test_the_recovery_code_of_another_account_signs_nobody_in(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = browser()
    give_password(client, alice)
    give_recovery_code(client, mallory.recovery_codes[0])
    assert not is_signed_in(client)
    assert not RecoveryCode.objects.filter(used_at__isnull=False).exists()


def test_a_used_recovery_code_is_told_to_the_owner(browser: Browser, alice: Person) -> None:
    client = browser()
    give_password(client, alice)
    give_recovery_code(client, alice.recovery_codes[0])
    event = Event.objects.get(kind=RECOVERY_CODE_USED.name)
    assert event.fields == {"left": 7}
    mail = OutboxMail.objects.get(notice="recovery_code_used")
    assert mail.recipient == alice.email
    assert mail.facts == {"left": 7}


# Where it leads


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example",
        "http:///evil.example",
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "\\\\evil.example",
        "\\\\\\evil.example",
        "/\\/evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "http:/\\//evil.example",
        "http:\\/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "\njavascript:alert(1)",
        "\x08//evil.example",
        "\t//evil.example",
        " //evil.example",
        "http://localhost:8000@evil.example/",
        "http://localhost:8000.evil.example/",
        "http://evil.example\\@localhost:8000/",
        "//localhost:8000@evil.example",
        "ftp://localhost:8000/",
        "http://[::1",
        "http://localhost:8000\r\nX-Evil: 1",
        "/ok\r\nX-Evil: 1",
    ],
)
def test_after_signing_in_nobody_is_led_to_another_site(
    browser: Browser, db: None, target: str
) -> None:
    client = browser()
    fields = {
        "sign_in_view-current_step": "auth",
        "auth-username": "newcomer",
        "auth-password": newcomer().password,
        "next": target,
    }
    response = client.post(SIGN_IN, fields)
    assert response.status_code == 302
    assert "X-Evil" not in response.headers
    assert not set("\r\n") & set(response["Location"])
    assert response["Location"].startswith("/")
    assert not response["Location"].startswith(("//", "/\\"))


def test_the_way_on_survives_both_steps(browser: Browser, alice: Person) -> None:
    client = browser()
    path = f"{SIGN_IN}?next=/account/history/"
    step = {"sign_in_view-current_step": "auth"}
    client.post(path, step | {"auth-username": "alice", "auth-password": alice.password})
    step = {"sign_in_view-current_step": "token", "token-otp_token": code_for(alice)}
    assert client.post(path, step)["Location"] == "/account/history/"


def test_whoever_is_signed_in_is_led_past_the_sign_in_page(browser: Browser, alice: Person) -> None:
    response = browser(alice).get(f"{SIGN_IN}?next=//evil.example/")
    assert response["Location"] == "/manage/projects/"


def test_whoever_is_limited_is_told_how_long_to_wait(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False):
        for _number in range(PASSWORD_USER[0].times):
            give_password(browser(), alice, "wrong wrong wrong")
        response = give_password(browser(), alice)
    assert "Try again in" in text_of_page(response)
