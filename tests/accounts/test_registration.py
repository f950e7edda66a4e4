from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import data, limits
from accounts.events import ACCOUNT_CREATED, INVITATION_CREATED
from accounts.models import AccountLink, OutboxMail, ReservedName, User
from accounts.operations import registration
from audit.actors import Actor, command
from audit.models import Event, EventOrigin
from tests.accounts.doors import count_events, find_recipients, is_signed_in, text_of_page
from tests.support.clone import Database, race_all
from tests.support.people import NETWORK_ADDRESS, Person

Browser = Callable[..., Client]
REGISTER = "/account/register/"
PASSWORD = "ferry lantern gravel teapot"
STRANGER = Actor(kind="anonymous", network_address="198.51.100.9")


def fields(username: str = "zoe", **others: str) -> dict[str, str]:
    return {"username": username, "email": "zoe@example.org", "password": PASSWORD} | others


def invite() -> str:
    return registration.create_invitation(reason="She is new here.", by=command("invite"))


@pytest.fixture
def _open_site(settings: Any, sam: Person) -> None:
    """A site where anybody can register."""
    settings.REGISTRATION = "open"


@pytest.fixture
def _invited_site(settings: Any, sam: Person) -> None:
    """A site with an administrator, where accounts are made by invitation."""
    settings.REGISTRATION = "invitation"


# Who may register


@pytest.mark.parametrize(
    ("setting", "has_administrator", "mode"),
    [
        ("open", False, "open"),
        ("invitation", False, "closed"),
        ("closed", False, "closed"),
        ("open", True, "open"),
        ("invitation", True, "invitation"),
        ("closed", True, "closed"),
    ],
)
def test_registration_is_what_the_setting_says_once_there_is_an_administrator(
    request: pytest.FixtureRequest,
    settings: Any,
    db: None,
    setting: str,
    has_administrator: bool,
    mode: str,
) -> None:
    if has_administrator:
        request.getfixturevalue("sam")
    settings.REGISTRATION = setting
    assert registration.registration_mode() == mode


@pytest.mark.parametrize("setting", ["invitation", "closed"])
def test_nobody_registers_where_registration_is_not_open(
    browser: Browser, settings: Any, sam: Person, setting: str
) -> None:
    settings.REGISTRATION = setting
    client = browser()
    for address in (REGISTER, f"{REGISTER}?link=", f"{REGISTER}?link=wrong", f"{REGISTER}?x=1"):
        assert client.get(address).status_code == 403
        assert client.post(address, fields()).status_code == 403
    with pytest.raises(PermissionDenied):
        registration.register(
            username="zoe", email="z@example.org", password=PASSWORD, link=None, by=STRANGER
        )
    assert not User.objects.filter(username="zoe").exists()


def test_nobody_registers_before_the_first_administrator(
    browser: Browser, settings: Any, db: None
) -> None:
    settings.REGISTRATION = "invitation"
    assert browser().post(REGISTER, fields()).status_code == 403
    assert not User.objects.exists()


@pytest.mark.usefixtures("_open_site")
def test_where_registration_is_open_anybody_makes_an_account(browser: Browser) -> None:
    client = browser()
    response = client.post(REGISTER, fields())
    assert response["Location"] == "/account/security/"
    assert is_signed_in(client)
    user = User.objects.get(username="zoe")
    assert (user.is_staff, user.is_active, user.has_verified_email) == (False, True, False)
    assert user.check_password(PASSWORD)


@pytest.mark.usefixtures("_open_site")
def test_fields_that_the_form_does_not_have_change_nothing(browser: Browser) -> None:
    extra = {"is_staff": "on", "is_superuser": "1", "groups": "1", "verified_at": "2026-01-01"}
    browser().post(REGISTER, fields(**extra))
    user = User.objects.get(username="zoe")
    assert not user.is_staff
    assert not user.groups.exists()
    assert not user.has_verified_email


@pytest.mark.usefixtures("_open_site")
def test_a_new_account_is_recorded_and_its_address_is_asked_for(browser: Browser) -> None:
    browser().post(REGISTER, fields())
    event = Event.objects.get(kind=ACCOUNT_CREATED.name)
    assert (event.actor_label, event.fields) == ("zoe", {"means": "themselves"})
    assert EventOrigin.objects.get(event_number=event.number).mail_addresses == ["zoe@example.org"]
    find_recipients()
    mail = OutboxMail.objects.get()
    assert (mail.notice, mail.recipient) == ("verify_address", "zoe@example.org")


@pytest.mark.usefixtures("_open_site")
def test_the_password_is_kept_nowhere_in_clear(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser().post(REGISTER, fields(username="not ok"))
        browser().post(REGISTER, fields())
    kept = [*User.objects.values(), *Event.objects.values(), *OutboxMail.objects.values()]
    assert PASSWORD not in str(kept)
    assert PASSWORD not in caplog.text
    assert User.objects.get(username="zoe").password.startswith("argon2")


@pytest.mark.usefixtures("_open_site")
def test_a_wrong_form_does_not_show_the_password_again(browser: Browser) -> None:
    page = browser().post(REGISTER, fields(username="not ok")).content.decode()
    assert PASSWORD not in page


@pytest.mark.usefixtures("_open_site")
def test_one_network_address_makes_ten_accounts_an_hour(browser: Browser) -> None:
    with time_machine.travel(time.time(), tick=False):
        for number in range(12):
            browser().post(REGISTER, fields(f"zoe{number}", email=f"z{number}@example.org"))
    assert User.objects.filter(username__startswith="zoe").count() == 10


@pytest.mark.usefixtures("_open_site")
def test_a_program_that_sends_one_form_after_the_other_is_stopped(browser: Browser) -> None:
    with time_machine.travel(time.time(), tick=False):
        for _number in range(59):
            limits.REGISTRATION_FORMS.take(NETWORK_ADDRESS)
        refused = browser().post(REGISTER, fields(password="x"))
        page = browser().post(REGISTER, fields())
    assert (refused.status_code, page.status_code) == (200, 429)
    assert not User.objects.filter(username="zoe").exists()


def test_whoever_is_signed_in_makes_no_second_account(
    browser: Browser, settings: Any, alice: Person
) -> None:
    settings.REGISTRATION = "open"
    browser(alice).post(REGISTER, fields())
    assert not User.objects.filter(username="zoe").exists()


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize(
    "form",
    [
        fields(password="password"),
        fields(password="abc"),
        fields(password=""),
        fields("vxkqjzwm81", password="vxkqjzwm81"),
        fields(email="vxkqjzwm81@example.org", password="vxkqjzwm81@example.org"),
        fields(password="x" * 4097),
    ],
)
def test_an_account_with_a_weak_password_is_not_made(
    browser: Browser, form: dict[str, str]
) -> None:
    assert browser().post(REGISTER, form).status_code == 200
    assert User.objects.count() == 1


# Names


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("name", ["z", "Z", "7", "zoe", "Zoe-2", "z.o_e-9", "z" * 50, "a--b", "0x"])
def test_good_names(browser: Browser, name: str) -> None:
    browser().post(REGISTER, fields(name))
    assert User.objects.filter(username=name).exists()


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "_foo",
        "bar_",
        "foo^bar",
        "boo\x00far",
        "_zoe",
        "zoe_",
        "-zoe",
        "zoe-",
        ".zoe",
        "zoe.",
        "zo e",
        "zo\te",
        "zo\ne",
        "zo/e",
        "zoe@example.org",
        "zo^e",
        "zo\\e",
        "zo\x00e",
        "\x00",
        "zoe\x00",
        "zoé",
        "\uff5a\uff4f\uff45",
        "zoe\uff11",
        "zoe٣",
        "\u212aate",
        "\u017fam",
        "\u0131",
        "z" * 51,
        "__token__",
        "zoe\u200b",
        "zo\u202ee",
        "../z",
        "<b>zoe</b>",
        "zoe%00",
        "zoe\u2028x",
        "-",
        ".",
        "_",
    ],
)
def test_bad_names(browser: Browser, name: str) -> None:
    before = User.objects.count()
    assert browser().post(REGISTER, fields(name)).status_code == 200
    assert User.objects.count() == before


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("name", ["zoe\n", "zoe\r\n", " zoe ", "zoe\u2028", "\tzoe"])
def test_white_space_around_a_name_is_not_part_of_it(browser: Browser, name: str) -> None:
    browser().post(REGISTER, fields(name))
    assert set(User.objects.values_list("username", flat=True)) <= {"sam", "zoe"}


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("name", ["sam", "SAM", "Sam", "sAm", "sam\n"])
def test_a_name_is_taken_in_any_case(browser: Browser, name: str) -> None:
    page = browser().post(REGISTER, fields(name))
    assert "This name is taken, or reserved" in text_of_page(page)
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_open_site")
def test_a_name_that_is_taken_at_this_moment_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.register(
            username="SAM", email="z@example.org", password=PASSWORD, link=None, by=STRANGER
        )
    assert count_events(ACCOUNT_CREATED) == 0
    assert not OutboxMail.objects.exists()


def test_of_eight_who_want_one_name_at_once_one_has_it(
    committed_db: Database, settings: Any
) -> None:
    settings.REGISTRATION = "open"

    def register(number: int) -> Callable[[], bool]:
        def run() -> bool:
            try:
                registration.register(
                    username="zoe" if number % 2 else "ZOE",
                    email=f"z{number}@example.org",
                    password=PASSWORD,
                    link=None,
                    by=STRANGER,
                )
            except ValidationError:
                return False
            return True

        return run

    assert race_all([register(number) for number in range(8)]).count(True) == 1
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("name", ["admin", "Root", "sup-port", "S.E.C.U.R.I.T.Y", "staff", "abuse"])
def test_nobody_takes_the_name_of_those_in_charge(browser: Browser, name: str) -> None:
    page = browser().post(REGISTER, fields(name))
    assert "This name is taken, or reserved" in text_of_page(page)
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("why", ["used", "prohibited"])
def test_a_reserved_name_is_refused_by_form_and_operation(browser: Browser, why: str) -> None:
    ReservedName.objects.create(key="zoe", why=why)
    assert "taken, or reserved" in text_of_page(browser().post(REGISTER, fields("ZOE")))
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.register(
            username="Zoe", email="z@example.org", password=PASSWORD, link=None, by=STRANGER
        )
    assert User.objects.count() == 1


# Addresses that are in use


@pytest.mark.usefixtures("_open_site")
@pytest.mark.parametrize("email", ["sam@example.org", "SAM@Example.ORG", "free@example.org"])
def test_an_address_in_use_makes_no_difference_to_whoever_registers(
    browser: Browser, email: str
) -> None:
    client = browser()
    response = client.post(REGISTER, fields(email=email))
    assert (response.status_code, response["Location"]) == (302, "/account/security/")
    page = text_of_page(client.get("/account/security/"))
    assert "Open the link in the mail to" in page
    find_recipients()
    mail = OutboxMail.objects.get()
    is_free = email == "free@example.org"
    assert mail.notice == ("verify_address" if is_free else "address_in_use")
    assert mail.recipient.lower() == email.lower()


@pytest.mark.usefixtures("_open_site")
def test_an_address_in_use_makes_no_difference_to_what_a_registration_stores(
    browser: Browser,
) -> None:
    browser().post(REGISTER, fields("first", email="first@example.org"))  # makes rows of limits
    stored = []
    for name, email in (("zoe", "sam@example.org"), ("yan", "free@example.org")):
        before = Event.objects.count()
        with CaptureQueriesContext(connection) as queries:
            browser().post(REGISTER, fields(name, email=email))
        user = User.objects.get(username=name)
        mails = list(data._mails(user))
        stored.append((len(queries), Event.objects.count() - before, mails))
    assert stored[0] == stored[1]


@pytest.mark.usefixtures("_open_site")
def test_a_new_account_is_not_told_what_was_mailed_before_it_is_verified(browser: Browser) -> None:
    browser().post(REGISTER, fields())
    find_recipients()
    assert list(data._mails(User.objects.get(username="zoe"))) == []


@pytest.mark.usefixtures("_open_site")
def test_the_owner_of_an_address_in_use_is_told_by_its_own_name(browser: Browser) -> None:
    browser().post(REGISTER, fields(email="sam@example.org"))
    find_recipients()
    mail = OutboxMail.objects.get()
    assert (mail.recipient_name, mail.facts) == ("sam", {"typed_for": "zoe"})
    assert mail.origin == {}


@pytest.mark.usefixtures("_open_site")
def test_an_unverified_address_is_nobodys_yet(browser: Browser) -> None:
    for name in ("zoe", "yan"):
        browser().post(REGISTER, fields(name))
    assert [mail.notice for mail in OutboxMail.objects.all()] == ["verify_address"] * 2


# Invitations


@pytest.mark.usefixtures("_invited_site")
def test_an_invitation_makes_one_account(browser: Browser) -> None:
    address = f"{REGISTER}?link={invite()}"
    assert browser().get(address).status_code == 200
    assert browser().post(address, fields()).status_code == 302
    page = browser().post(address, fields("yan", email="y@example.org"))
    assert page.status_code == 403
    assert "has ended" in text_of_page(page)
    assert not User.objects.filter(username="yan").exists()
    event = Event.objects.get(kind=ACCOUNT_CREATED.name)
    assert event.fields == {"means": "an invitation"}


@pytest.mark.usefixtures("_invited_site")
def test_an_invitation_makes_no_administrator(browser: Browser) -> None:
    secret = invite()
    assert browser().get(f"/account/set-up/?link={secret}").status_code == 403
    assert registration.find_link(secret, makes_administrator=True) is None
    browser().post(f"{REGISTER}?link={secret}", fields())
    assert not User.objects.get(username="zoe").is_staff


@pytest.mark.usefixtures("_invited_site")
def test_an_invitation_ends_after_seven_days(browser: Browser) -> None:
    address = f"{REGISTER}?link={invite()}"
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        assert browser().post(address, fields()).status_code == 403
    assert not User.objects.filter(username="zoe").exists()


@pytest.mark.usefixtures("_invited_site")
def test_a_refused_form_leaves_the_invitation_open(browser: Browser) -> None:
    address = f"{REGISTER}?link={invite()}"
    for wrong in (fields("not ok"), fields(password="password"), fields("sam")):
        assert browser().post(address, wrong).status_code == 200
    assert browser().post(address, fields()).status_code == 302


@pytest.mark.usefixtures("_invited_site")
def test_a_name_taken_at_this_moment_leaves_the_invitation_open() -> None:
    link = registration.find_link(invite(), makes_administrator=False)
    assert link is not None
    with pytest.raises(ValidationError):
        registration.register(
            username="sam", email="z@example.org", password=PASSWORD, link=link, by=STRANGER
        )
    link.refresh_from_db()
    assert link.spent_at is None


def test_of_eight_who_use_one_invitation_at_once_one_has_an_account(
    committed_db: Database, browser: Browser, settings: Any
) -> None:
    settings.REGISTRATION = "invitation"
    address = f"{REGISTER}?link={invite()}"

    def register(number: int) -> Callable[[], int]:
        form = fields(f"zoe{number}", email=f"z{number}@example.org")
        return lambda: int(browser().post(address, form).status_code)

    outcomes = race_all([register(number) for number in range(8)])
    assert outcomes.count(302) == 1
    assert outcomes.count(403) == 7
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_invited_site")
def test_a_link_is_stored_as_a_digest_only(browser: Browser) -> None:
    secret = invite()
    browser().post(f"{REGISTER}?link={secret}", fields())
    kept = [*AccountLink.objects.values(), *Event.objects.values(), *OutboxMail.objects.values()]
    assert secret not in str(kept)
    assert len(secret) >= 43  # 256 bits
    assert count_events(INVITATION_CREATED) == 1


@pytest.mark.usefixtures("_invited_site")
def test_what_the_table_holds_opens_no_link(browser: Browser) -> None:
    invite()
    digest = AccountLink.objects.get().digest
    assert browser().get(f"{REGISTER}?link={digest}").status_code == 403


@pytest.mark.usefixtures("_invited_site")
def test_the_command_shows_an_invitation_that_works(browser: Browser) -> None:
    printed = StringIO()
    call_command("invite", "--reason", "She is new here.", stdout=printed)
    link = next(word for word in printed.getvalue().split() if "link=" in word)
    assert link.startswith("http://localhost:8000/account/register/?link=")
    assert browser().get(link.removeprefix("http://localhost:8000")).status_code == 200


@pytest.mark.usefixtures("_invited_site")
def test_the_page_with_a_link_tells_no_other_site_its_address(browser: Browser) -> None:
    response = browser().get(f"{REGISTER}?link={invite()}")
    assert response["Referrer-Policy"] == "strict-origin"
    assert "no-store" in response["Cache-Control"]
