from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts import notices, sudo, verification
from accounts.events import CONFIRM_FAILED, RECOVERY_CODE_USED
from accounts.hashers import LimitedArgon2PasswordHasher
from accounts.login import SUDO_AT
from accounts.models import AuthenticatorApp, EmailAddress, OutboxMail, RecoveryCode
from accounts.operations import second_factors
from audit.models import Event
from tests.accounts.doors import (
    count_events,
    hidden_fields,
    is_signed_in,
    newcomer,
    offer_of,
    text_of_page,
)
from tests.support.people import STEP, Person, code_for, totp
from tests.tokens.keys import project_of
from tokens.models import APIToken

Browser = Callable[..., Client]
MAKE_TOKEN = "/account/tokens/make/"
ADD_APP = "/account/apps/add/"
FORM = {
    "name": "release job",
    "scope": "account",
    "actions": "upload",
    "expiry": "90",
    "confirm": "1",
}
PROMPT = "Confirm it is you"


def let_sudo_end(client: Client) -> None:
    session = client.session
    session[SUDO_AT] = int(time.time()) - sudo.LASTS
    session.save()


def prompt_for(client: Client, form: dict[str, object] | None = None) -> dict[str, str]:
    """What the prompt that stands before the form sends back with the answer."""
    return hidden_fields(client.post(MAKE_TOKEN, FORM if form is None else form))


def right(person: Person) -> dict[str, str]:
    """A right answer."""
    return {"sudo-code": code_for(person)}


def late_browser(browser: Browser, person: Person) -> Client:
    client = browser(person)
    let_sudo_end(client)
    return client


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
        "/account/apps/{app}/rename/",
        "/account/keys/add/",
        "/account/passkeys/add/",
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


def test_the_answer_leads_back_to_the_page(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    response = client.post(f"{MAKE_TOKEN}?x=1", right(alice))
    assert response["Location"] == f"{MAKE_TOKEN}?x=1"
    assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))


def test_the_answer_opens_sudo_mode_for_thirty_minutes(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, right(alice))
    assert time.time() - client.session[SUDO_AT] < 10


@pytest.mark.parametrize(
    "path",
    [
        "/account/recovery-codes/make/",
        "/account/addresses/add/",
        "/account/addresses/{address}/remove/",
        "/account/addresses/{address}/primary/",
        "/account/delete/",
        "/manage/project/seagull/delete/",
    ],
)
def test_what_takes_over_or_destroys_asks_after_five_minutes(
    browser: Browser, alice: Person, path: str
) -> None:
    project_of(alice, "seagull")
    address = EmailAddress.objects.create(
        user=alice.user, address="second@example.org", verified_at=timezone.now()
    )
    path = path.format(address=address.pk)
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(alice)
        clock.shift(5 * 60)
        response = client.post(path)
        assert "more than 5 minutes old" in text_of_page(response)
        assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))
        clock.shift(-1)
        assert PROMPT not in text_of_page(client.post(path, follow=True))


# What counts as a proof


def test_the_password_is_not_enough_where_there_is_a_second_factor(
    browser: Browser, alice: Person
) -> None:
    client = late_browser(browser, alice)
    assert "sudo-password" not in client.get(MAKE_TOKEN).content.decode()
    response = client.post(MAKE_TOKEN, prompt_for(client) | {"sudo-password": alice.password})
    assert response.status_code == 403
    assert PROMPT in text_of_page(client.get(MAKE_TOKEN))
    assert not APIToken.objects.exists()


def test_the_password_is_asked_for_where_there_is_no_second_factor(
    browser: Browser, db: None
) -> None:
    person = newcomer()
    client = late_browser(browser, person)
    assert "sudo-password" in client.get(ADD_APP).content.decode()
    client.post(ADD_APP, {"sudo-password": "wrong"})
    assert PROMPT in text_of_page(client.get(ADD_APP))
    client.post(ADD_APP, {"sudo-password": person.password})
    assert PROMPT not in text_of_page(client.get(ADD_APP))


def test_a_code_of_any_app_will_do(browser: Browser, alice: Person) -> None:
    secret = b"x" * 20
    AuthenticatorApp.objects.create(
        user=alice.user, name="old", secret=second_factors.wrap_secret(alice.user, secret)
    )
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, {"sudo-code": totp(secret, int(time.time() // STEP))})
    assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))


def test_a_code_counts_once(browser: Browser, alice: Person) -> None:
    client, other, answer = late_browser(browser, alice), late_browser(browser, alice), right(alice)
    client.post(MAKE_TOKEN, answer)
    response = other.post(MAKE_TOKEN, answer)
    assert "was used before" in text_of_page(response)
    assert PROMPT in text_of_page(other.get(MAKE_TOKEN))


def test_a_recovery_code_is_used_up(browser: Browser, alice: Person) -> None:
    client, answer = late_browser(browser, alice), {"sudo-recovery_code": alice.recovery_codes[0]}
    client.post(MAKE_TOKEN, answer)
    assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))
    assert verification.codes_left(alice.user) == 7
    assert count_events(RECOVERY_CODE_USED) == 1
    mail = OutboxMail.objects.get(notice="recovery_code_used")
    assert mail.facts == {"left": 7}
    assert "sign in" not in notices.render(mail).subject  # it was for this page alone
    let_sudo_end(client)
    assert "none of your unused" in text_of_page(client.post(MAKE_TOKEN, answer))


def test_whoever_confirms_with_one_of_the_last_codes_is_told(
    browser: Browser, alice: Person
) -> None:
    client = browser(alice)
    pages = []
    for code in alice.recovery_codes[4:]:
        RecoveryCode.objects.filter(digest=verification.digest_recovery_code(code)).delete()
    for code in alice.recovery_codes[:4]:
        let_sudo_end(client)
        pages.append(text_of_page(client.post(ADD_APP, {"sudo-recovery_code": code}, follow=True)))
    told = ["codes are left. Make new", "code is left. Make new", "last recovery code"]
    assert [page.count("recovery code") for page in pages] == [0, 1, 1, 1]
    assert all(words in page for words, page in zip(told, pages[1:], strict=True))


def test_a_proof_of_another_account_opens_nothing(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client)
    for answer in (
        {"sudo-code": code_for(mallory)},
        {"sudo-recovery_code": mallory.recovery_codes[0]},
        {"sudo-password": mallory.password},
    ):
        assert client.post(MAKE_TOKEN, carried | answer).status_code == 403
    assert not APIToken.objects.exists()
    assert verification.codes_left(mallory.user) == 8


def test_a_factor_that_is_held_opens_nothing(browser: Browser, alice: Person) -> None:
    secret = b"x" * 20
    AuthenticatorApp.objects.create(
        user=alice.user,
        name="of a thief",
        secret=second_factors.wrap_secret(alice.user, secret),
        held_at=timezone.now(),
    )
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, {"sudo-code": totp(secret, int(time.time() // STEP))})
    assert PROMPT in text_of_page(client.get(MAKE_TOKEN))


WRONG = [
    {"sudo-code": "000000"},
    {"sudo-code": ""},
    {"sudo-code": "\x00"},
    {"sudo-code": "x" * 5000},
    {"sudo-recovery_code": "0000-0000-0000-0000"},
    {"sudo-recovery_code": "\x00"},
    {"sudo-answer": ""},
    {"sudo-answer": "{}"},
    {"sudo-answer": "\x00"},
    {"sudo-answer": "x" * 100_000},
    {"sudo-password": ""},
]


@pytest.mark.parametrize("answer", WRONG)
def test_what_is_no_proof_opens_nothing(
    browser: Browser, alice: Person, answer: dict[str, str]
) -> None:
    client = late_browser(browser, alice)
    assert client.post(MAKE_TOKEN, prompt_for(client) | answer).status_code == 403
    assert not APIToken.objects.exists()
    assert PROMPT in text_of_page(client.get(MAKE_TOKEN))


def test_a_wrong_answer_is_recorded(browser: Browser, alice: Person) -> None:
    late_browser(browser, alice).post(MAKE_TOKEN, {"sudo-code": "000000"})
    assert Event.objects.for_user(alice.user).filter(kind=CONFIRM_FAILED.name).exists()


@pytest.mark.parametrize("field", ["sudo-code", "sudo-recovery_code"])
def test_the_prompt_cannot_be_used_for_guessing(
    browser: Browser, alice: Person, field: str
) -> None:
    client = late_browser(browser, alice)
    with time_machine.travel(time.time(), tick=False):
        let_sudo_end(client)
        for _number in range(5):
            client.post(MAKE_TOKEN, {field: "000000"})
        response = client.post(MAKE_TOKEN, prompt_for(client) | right(alice))
    assert "Try again in" in text_of_page(response)
    assert not APIToken.objects.exists()


def test_a_wrong_answer_while_sudo_mode_is_open_is_refused_as_well(
    browser: Browser, alice: Person
) -> None:
    browser(alice).post(MAKE_TOKEN, FORM | {"sudo-code": "000000"})
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
    response = client.post(MAKE_TOKEN, FORM | right(alice))
    assert response.status_code == 403
    assert not APIToken.objects.exists()


def test_the_prompt_is_kept_out_of_caches(browser: Browser, alice: Person) -> None:
    assert "no-store" in late_browser(browser, alice).post(MAKE_TOKEN, FORM)["Cache-Control"]


def test_a_hash_that_is_renewed_meanwhile_does_not_end_the_session(
    browser: Browser, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = newcomer()
    client = late_browser(browser, person)
    monkeypatch.setattr(LimitedArgon2PasswordHasher, "time_cost", 2)  # stronger than it was
    former = person.fresh_user.password
    client.post(ADD_APP, {"sudo-password": person.password})
    assert person.fresh_user.password != former
    assert client.get("/account/security/").status_code == 200


# A half-filled form


def test_a_half_filled_form_survives_the_prompt(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    client.post(MAKE_TOKEN, prompt_for(client) | right(alice))
    assert APIToken.objects.get().name == "release job"


def test_what_was_typed_cannot_be_read_in_the_page(browser: Browser, alice: Person) -> None:
    page = late_browser(browser, alice).post(MAKE_TOKEN, FORM).content.decode()
    assert "sudo-carried" in page
    assert "release job" not in page


@pytest.mark.parametrize("name", ["password", "new_password", "auth-password", "code", "otp_token"])
def test_passwords_and_codes_are_not_carried(browser: Browser, alice: Person, name: str) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client, FORM | {name: "a secret"})
    response = client.post(MAKE_TOKEN, carried | right(alice))
    assert name not in response.wsgi_request.POST
    assert APIToken.objects.get().name == "release job"


def test_files_are_not_carried_and_that_is_said(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client, {"name": "", "file": SimpleUploadedFile("x", b"y")})
    response = client.post(MAKE_TOKEN, carried | right(alice))
    assert not response.wsgi_request.FILES
    assert "files are not kept" in text_of_page(response)


def test_a_code_that_was_typed_before_the_prompt_is_asked_for_again(
    browser: Browser, alice: Person
) -> None:
    client = late_browser(browser, alice)
    _app, secret = offer_of(alice)
    form = {"label": "tablet", "code": totp(secret, int(time.time() // STEP))}
    carried = hidden_fields(client.post(ADD_APP, form))
    page = text_of_page(client.post(ADD_APP, carried | right(alice)))
    assert 'value="tablet"' in page
    assert "codes and files are not kept" in page
    assert len(alice.fresh_user.second_factors) == 1


def test_a_button_without_fields_survives_the_prompt(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    path = f"/account/apps/{alice.app.pk}/remove/"
    carried = hidden_fields(client.post(path))
    client.post(path, carried | right(alice))
    assert not alice.fresh_user.has_second_factor


def test_fields_with_several_values_are_carried(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client, {"projects": ["one", "two"], "name": ""})
    response = client.post(MAKE_TOKEN, carried | right(alice))
    assert response.wsgi_request.POST.getlist("projects") == ["one", "two"]


def test_the_view_sees_nothing_of_the_answer(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client, FORM | {"name": "", "csrfmiddlewaretoken": "x" * 64})
    response = client.post(MAKE_TOKEN, carried | right(alice))
    assert response.status_code == 200
    assert set(response.wsgi_request.POST) == set(FORM)


def test_a_form_survives_a_wrong_answer(browser: Browser, alice: Person) -> None:
    client = late_browser(browser, alice)
    again = hidden_fields(client.post(MAKE_TOKEN, prompt_for(client) | {"sudo-code": "000000"}))
    client.post(MAKE_TOKEN, again | right(alice))
    assert APIToken.objects.get().name == "release job"


def changed(text: str) -> str:
    return text[:-6] + ("A" if text[-6] != "A" else "B") + text[-5:]


@pytest.mark.parametrize(
    "damage",
    [changed, lambda text: text[:40], lambda text: "x", lambda text: "é:" + text, lambda text: ":"],
)
def test_a_form_that_was_changed_on_the_way_is_refused_in_words(
    browser: Browser, alice: Person, damage: Callable[[str], str]
) -> None:
    client, answer = late_browser(browser, alice), right(alice)
    carried = prompt_for(client)["sudo-carried"]
    response = client.post(MAKE_TOKEN, {"sudo-carried": damage(carried)} | answer)
    assert response.status_code == 403
    assert "What you had typed was not kept" in text_of_page(response)
    assert not APIToken.objects.exists()
    client.post(MAKE_TOKEN, answer)  # which was not spent
    assert PROMPT not in text_of_page(client.get(MAKE_TOKEN))


def test_a_form_is_carried_within_one_session_and_one_page(
    browser: Browser, alice: Person, mallory: Person
) -> None:
    client, other = late_browser(browser, alice), late_browser(browser, alice)
    carried = prompt_for(client)
    stranger = late_browser(browser, mallory)
    for sender, path, who in (
        (other, MAKE_TOKEN, alice),
        (stranger, MAKE_TOKEN, mallory),
        (client, f"{MAKE_TOKEN}?x=1", alice),
        (client, "/account/apps/add/", alice),
    ):
        response = sender.post(path, carried | right(who))
        assert "What you had typed was not kept" in text_of_page(response)
    assert not APIToken.objects.exists()


@pytest.mark.parametrize(
    "text", ['"><script>alert(1)</script>', "{{ 7|add:7 }}", "é\r\n\t𝄞", "&quot;><script>"]
)
def test_odd_text_comes_back_as_it_was(browser: Browser, alice: Person, text: str) -> None:
    client = late_browser(browser, alice)
    carried = prompt_for(client, {"name": text * 40, "other": text})
    response = client.post(MAKE_TOKEN, carried | right(alice))
    assert response.wsgi_request.POST["name"] == text * 40
    assert response.wsgi_request.POST["other"] == text
    assert "<script>alert" not in response.content.decode()
