from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import unescape

import pytest
import time_machine
from django.test import Client

from accounts import sudo
from accounts.events import CONFIRM_FAILED
from accounts.hashers import LimitedArgon2PasswordHasher
from accounts.login import SUDO_AT
from accounts.models import AuthenticatorApp
from audit.models import Event
from tests.accounts.doors import count_events, is_signed_in, offer_of, text_of_page
from tests.support.people import STEP, Person, totp
from tokens.models import APIToken

Browser = Callable[..., Client]
MAKE_TOKEN = "/account/tokens/make/"
FORM = {
    "name": "release job",
    "scope": "account",
    "actions": "upload",
    "expiry": "90",
    "confirm": "1",
}
ANSWER = FORM | {"sudo-post": "1"}
PROMPT = "Confirm it is you"


def let_sudo_end(client: Client) -> None:
    session = client.session
    session[SUDO_AT] = int(time.time()) - sudo.LASTS
    session.save()


def late_browser(browser: Browser, person: Person) -> Client:
    client = browser(person)
    let_sudo_end(client)
    return client


def hidden_fields(response: object) -> dict[str, str]:
    """The hidden fields of the page's form, as a browser sends them back."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", response.content.decode()):  # type: ignore[attr-defined]
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden":
            fields[unescape(attributes["name"])] = unescape(attributes.get("value", ""))
    fields.pop("csrfmiddlewaretoken", None)
    return fields


def test_sudo_mode_lasts_for_thirty_minutes(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(30 * 60 - 1)
        assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))
        clock.shift(1)
        assert PROMPT in text_of_page(client.get(MAKE_TOKEN))


def test_using_sudo_mode_does_not_prolong_it(browser: Browser, alice: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        for _number in range(3):
            clock.shift(11 * 60)
            response = client.get(MAKE_TOKEN)
        assert PROMPT in text_of_page(response)


@pytest.mark.parametrize("value", [None, "soon", "9999999999", 10**12, 1e12, True, [1], {}])
def test_no_other_value_in_the_session_opens_sudo_mode(
    browser: Browser, alice: Person, value: object
) -> None:
    client = browser(alice)
    session = client.session
    session[SUDO_AT] = value
    session.save()
    assert PROMPT in text_of_page(client.get(MAKE_TOKEN))


def test_pages_that_only_show_need_no_sudo_mode(browser: Browser, alice: Person) -> None:
    assert is_signed_in(late_browser(browser, alice))


@pytest.mark.parametrize(
    "path",
    [
        "/account/apps/add/",
        "/account/apps/{app}/remove/",
        MAKE_TOKEN,
        "/account/recovery-codes/make/",
    ],
)
def test_each_page_that_changes_something_asks_on_get_and_post(
    browser: Browser, alice: Person, path: str
) -> None:
    client = late_browser(browser, alice)
    path = path.format(app=alice.app.pk)
    for response in (client.get(path), client.post(path, FORM)):
        assert PROMPT in text_of_page(response)
    assert client.post(path, FORM).status_code == 403
    assert AuthenticatorApp.objects.filter(user=alice.user, confirmed=True).exists()
    assert not APIToken.objects.exists()


def test_the_password_leads_back_to_the_page(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    response = client.post(f"{MAKE_TOKEN}?x=1", {"sudo-password": alice.password})
    assert response["Location"] == f"{MAKE_TOKEN}?x=1"
    assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))


def test_the_password_opens_sudo_mode_for_thirty_minutes(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, {"sudo-password": alice.password})
    assert time.time() - client.session[SUDO_AT] < 10


def test_a_half_filled_form_survives_the_prompt(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    carried = hidden_fields(client.post(MAKE_TOKEN, FORM))
    assert carried.items() >= FORM.items()
    client.post(MAKE_TOKEN, carried | {"sudo-password": alice.password})
    assert APIToken.objects.get().name == "release job"


def test_a_code_that_was_typed_before_the_prompt_is_sent_on(
    browser: Browser, alice: Person
) -> None:
    client = late_browser(browser, alice)
    _app, secret = offer_of(alice)
    form = {"label": "tablet", "code": totp(secret, int(time.time() // STEP))}
    carried = hidden_fields(client.post("/account/apps/add/", form))
    client.post("/account/apps/add/", carried | {"sudo-password": alice.password})
    assert len(alice.fresh_user.second_factors) == 2


def test_a_button_without_fields_survives_the_prompt(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    path = f"/account/apps/{alice.app.pk}/remove/"
    carried = hidden_fields(client.post(path))
    client.post(path, carried | {"sudo-password": alice.password})
    assert not alice.fresh_user.has_second_factor


def test_fields_with_several_values_are_carried(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    page = client.post(MAKE_TOKEN, {"projects": ["one", "two"]}).content.decode()
    assert page.count('name="projects"') == 2


def test_neither_the_answer_nor_the_csrf_token_is_carried(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    form = FORM | {"csrfmiddlewaretoken": "x" * 64, "sudo-password": "wrong", "sudo-x": "secret"}
    page = client.post(MAKE_TOKEN, form).content.decode()
    assert "x" * 64 not in page
    assert "wrong" not in page
    assert "sudo-x" not in page


def test_the_view_does_not_see_the_password(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    form = ANSWER | {"name": "", "sudo-password": alice.password}
    response = client.post(MAKE_TOKEN, form)
    assert response.status_code == 200
    assert not any(name.startswith("sudo-") for name in response.wsgi_request.POST)
    assert alice.password not in response.content.decode()


@pytest.mark.parametrize(
    "text",
    [
        '"><script>alert(1)</script>',
        "' onfocus=alert(1) x='",
        "</form><form action=//evil.example>",
        "{{ 7|add:7 }}",
        "&quot;><script>",
    ],
)
def test_what_is_carried_is_escaped(browser: Browser, alice: Person, text: str) -> None:
    client = late_browser(browser, alice)
    response = client.post(MAKE_TOKEN, {"name": text, text: "value"})
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "<form action=//evil" not in page
    assert "onfocus=alert(1) x='" not in page.replace("&#x27; onfocus=alert(1) x=&#x27;", "")
    fields = hidden_fields(response)
    assert fields["name"] == text
    assert fields[text] == "value"


def test_a_wrong_password_is_refused_and_recorded(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    response = client.post(MAKE_TOKEN, ANSWER | {"sudo-password": "wrong"})
    assert response.status_code == 403
    assert "That is not your password" in text_of_page(response)
    assert not APIToken.objects.exists()
    assert Event.objects.for_user(alice.user).filter(kind=CONFIRM_FAILED.name).exists()


@pytest.mark.parametrize("answer", ["", " ", "\x00", "x" * 5000])
def test_an_answer_that_is_no_password_opens_nothing(
    browser: Browser, alice: Person, answer: str
) -> None:
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, ANSWER | {"sudo-password": answer})
    assert not APIToken.objects.exists()
    assert PROMPT in text_of_page(client.get(MAKE_TOKEN))


def test_the_password_of_another_account_opens_nothing(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, ANSWER | {"sudo-password": mallory.password})
    assert not APIToken.objects.exists()


def test_the_prompt_cannot_be_used_for_guessing(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    with time_machine.travel(time.time(), tick=False):
        let_sudo_end(client)
        for _number in range(10):
            client.post(MAKE_TOKEN, {"sudo-password": "wrong"})
        response = client.post(MAKE_TOKEN, ANSWER | {"sudo-password": alice.password})
    assert "Try again in" in text_of_page(response)
    assert not APIToken.objects.exists()


def test_a_wrong_password_while_sudo_mode_is_open_is_refused_as_well(
    browser: Browser, alice: Person
) -> None:
    browser(alice).post(MAKE_TOKEN, ANSWER | {"sudo-password": "wrong"})
    assert not APIToken.objects.exists()
    assert count_events(CONFIRM_FAILED) == 1


def test_sudo_mode_is_of_one_session_only(browser: Browser, alice: Person) -> None:
    late, other = late_browser(browser, alice), browser(alice)
    assert PROMPT not in text_of_page(other.get(MAKE_TOKEN))
    assert PROMPT in text_of_page(late.get(MAKE_TOKEN))


def test_another_site_cannot_answer_the_prompt(browser: Browser, alice: Person) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.cookies = browser(alice).cookies
    let_sudo_end(client)
    response = client.post(MAKE_TOKEN, ANSWER | {"sudo-password": alice.password})
    assert response.status_code == 403
    assert not APIToken.objects.exists()


def test_the_prompt_is_kept_out_of_caches(browser: Browser, alice: Person) -> None:
    assert "no-store" in late_browser(browser, alice).post(MAKE_TOKEN, FORM)["Cache-Control"]


def test_a_hash_that_is_renewed_meanwhile_does_not_end_the_session(
    alice: Person, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(alice)
    session = client.session
    session[SUDO_AT] = 0
    session.save()
    monkeypatch.setattr(LimitedArgon2PasswordHasher, "time_cost", 2)  # stronger than it was
    former = alice.fresh_user.password
    client.post("/account/apps/add/", {"sudo-password": alice.password})
    assert alice.fresh_user.password != former
    assert client.get("/account/security/").status_code == 200
