"""Mail domains that staff have prohibited: nowhere a way in for a new address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts import mail_domains
from accounts.events import MAIL_DOMAIN_ALLOWED, MAIL_DOMAIN_PROHIBITED, STAFF_ACT_REFUSED
from accounts.importing import ImportedAccount
from accounts.models import EmailAddress, ProhibitedDomain, User
from accounts.operations import emails, imports, registration
from accounts.operations.mail_domains import allow_domain, prohibit_domain
from audit.actors import Actor, command
from audit.models import Event
from tests.accounts.doors import count_events, newcomer, text_of_page
from tests.support.clone import Database, race
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
BY = command("a test")
REASON = "Anybody gets an address there."
REFUSED = "Mail addresses at this domain are not accepted here. Use another address."
PAGE = "/admin/accounts/prohibiteddomain/act/prohibit-domain/"
LIST = "/admin/accounts/prohibiteddomain/"
PASSWORD = "ferry lantern gravel teapot"


@pytest.fixture
def trash(db: None) -> ProhibitedDomain:
    return prohibit_domain("trash.example", reason=REASON, by=BY)


# Which addresses


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@trash.example", True),
        ("a@TRASH.Example", True),
        ("a@mail.trash.example", True),
        ("a@nottrash.example", False),
        ("a@trash.example.org", False),
        ("trash.example@other.example", False),
        ("a@b@trash.example", True),
        ("a@m\u00fcll.example", True),
        ("a@xn--mll-hoa.example", True),
        ("a@x.M\u00dcLL.example", True),
    ],
)
def test_an_address_is_refused_by_its_domain(
    trash: ProhibitedDomain, address: str, expected: bool
) -> None:
    prohibit_domain("m\u00fcll.example", reason=REASON, by=BY)
    assert mail_domains.is_prohibited(address) is expected


@pytest.mark.parametrize("text", ["", "example", "a b.example", "x@y.example", "a..example", "@"])
def test_what_is_no_domain_is_refused(db: None, text: str) -> None:
    with pytest.raises(ValidationError, match="no mail domain"):
        prohibit_domain(text, reason=REASON, by=BY)


# The ways in


def register(client: Client, email: str) -> Any:
    fields = {"username": "somebody", "email": email, "password": PASSWORD}
    return client.post("/account/register/", fields)


def test_nobody_registers_with_a_prohibited_address_known_here_or_not(
    browser: Browser, alice: Person, settings: Any
) -> None:
    settings.REGISTRATION = "open"
    prohibit_domain("example.org", reason=REASON, by=BY)
    pages = []
    for email in (alice.email, "nobody@example.org"):
        response = register(browser(), email)
        assert response.status_code == 200
        pages.append(text_of_page(response).replace(email, ""))
        assert REFUSED in pages[-1]
    assert not User.objects.filter(username="somebody").exists()
    assert register(browser(), "somebody@other.example").status_code == 302


def test_the_operation_of_registering_refuses_too(trash: ProhibitedDomain, settings: Any) -> None:
    settings.REGISTRATION = "open"
    with pytest.raises(ValidationError, match="not accepted here"):
        registration.register(
            username="somebody",
            email="a@trash.example",
            password=PASSWORD,
            link=None,
            by=Actor("anonymous"),
        )
    assert not User.objects.exists()


def test_no_prohibited_address_is_added(
    browser: Browser, alice: Person, trash: ProhibitedDomain
) -> None:
    page = browser(alice).post("/account/addresses/add/", {"email": "a@trash.example"})
    assert page.status_code == 200
    assert REFUSED in text_of_page(page)
    with pytest.raises(ValidationError, match="not accepted here"):
        emails.add_address(alice.user, "a@trash.example", by=alice.actor)
    assert EmailAddress.objects.get(user=alice.user).address == alice.email


def test_a_mistyped_address_is_not_put_right_with_a_prohibited_one(
    trash: ProhibitedDomain,
) -> None:
    person = newcomer(is_verified=False)
    with pytest.raises(ValidationError, match="not accepted here"):
        emails.change_unverified_address(person.user, "a@trash.example", by=person.actor)
    assert EmailAddress.objects.get().address == person.email


def test_an_import_names_the_line_of_a_prohibited_address(trash: ProhibitedDomain) -> None:
    row = ImportedAccount(
        line=7,
        username="somebody",
        email="a@mail.trash.example",
        email_verified=False,
        name="",
        password_hash="",
        joined_at=datetime(2020, 5, 17, tzinfo=UTC),
    )
    (problem,) = imports.find_conflicts([row])
    assert str(problem) == "line 7, email: this site accepts no addresses at this mail domain"
    with pytest.raises(ValidationError):
        imports.import_accounts([row], by=BY)
    assert not User.objects.exists()


def test_addresses_that_accounts_have_go_on_working(alice: Person) -> None:
    address = EmailAddress.objects.create(user=alice.user, address="second@example.org")
    prohibit_domain("example.org", reason=REASON, by=BY)
    assert emails.verify_address(address, by=alice.actor)


# What staff do


@pytest.mark.parametrize("group", ["", "Auditor", "Projects"])
def test_the_operations_refuse_whoever_may_not(trash: ProhibitedDomain, group: str) -> None:
    by = make_person("someone", group=group).actor
    with pytest.raises(PermissionDenied):
        prohibit_domain("other.example", reason=REASON, by=by)
    with pytest.raises(PermissionDenied):
        allow_domain(trash, reason=REASON, by=by)
    assert ProhibitedDomain.objects.get() == trash


@pytest.mark.parametrize("group", ["Support", "Administrator"])
def test_staff_prohibit_a_domain_on_its_page(browser: Browser, db: None, group: str) -> None:
    client = browser(make_person("someone", group=group))
    assert PAGE in client.get(LIST).content.decode()
    assert "What will happen" in text_of_page(client.get(PAGE))
    page = client.post(PAGE, {"domain": "@Trash.Example", "reason": REASON}, follow=True)
    assert "Addresses at trash.example are not accepted any more." in text_of_page(page)
    event = Event.objects.get(kind=MAIL_DOMAIN_PROHIBITED.name)
    assert event.fields == {"domain": "trash.example", "accounts": 0, "reason": REASON}
    again = client.post(PAGE, {"domain": "trash.example", "reason": REASON})
    assert "This domain is prohibited already." in text_of_page(again)
    allow = f"{LIST}{ProhibitedDomain.objects.get().pk}/allow-domain/"
    page = client.post(allow, {"reason": REASON}, follow=True)
    assert "Addresses at trash.example are accepted again." in text_of_page(page)
    assert count_events(MAIL_DOMAIN_ALLOWED) == 1
    assert not mail_domains.is_prohibited("a@trash.example")


@pytest.mark.parametrize("group", ["Auditor", "Projects"])
def test_the_page_is_neither_shown_to_others_nor_does_it_act(
    browser: Browser, db: None, group: str
) -> None:
    client = browser(make_person("someone", group=group))
    assert PAGE not in client.get(LIST).content.decode()
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"domain": "a.example", "reason": REASON}).status_code == 403
    assert count_events(STAFF_ACT_REFUSED) == 1  # of both tries
    assert not ProhibitedDomain.objects.exists()


def test_no_domain_is_prohibited_without_a_reason(browser: Browser, sam: Person) -> None:
    page = browser(sam).post(PAGE, {"domain": "trash.example", "reason": "no"})
    assert 'class="errorlist"' in page.content.decode()
    assert not ProhibitedDomain.objects.exists()


def test_a_domain_that_many_share_is_to_be_typed_twice(browser: Browser, sam: Person) -> None:
    for number in range(5):
        person = make_person(f"person-{number}")
        EmailAddress.objects.create(user=person.user, address=f"{number}@mail.example.org")
    client, typed = browser(sam), {"domain": "Example.org", "reason": REASON}
    assert 'name="again"' not in client.get(PAGE).content.decode()
    for again in ({}, {"again": "org"}, {"again": "example.com"}):
        page = client.post(PAGE, typed | again)
        assert "6 accounts have an address at example.org" in text_of_page(page)
        assert 'name="again"' in page.content.decode()
        assert not ProhibitedDomain.objects.exists()
    client.post(PAGE, typed | {"again": "Example.org"})
    assert ProhibitedDomain.objects.get().domain == "example.org"


def test_a_domain_of_five_accounts_is_typed_once(db: None) -> None:
    for number in range(5):
        make_person(f"person-{number}")
    assert prohibit_domain("example.org", reason=REASON, by=BY)


def test_of_four_who_prohibit_and_accept_at_once_one_is_recorded(committed_db: Database) -> None:
    def prohibit() -> bool:
        try:
            return bool(prohibit_domain("trash.example", reason=REASON, by=BY))
        except ValidationError:
            return False

    assert race(4, prohibit).count(True) == 1
    row = ProhibitedDomain.objects.get()
    assert race(4, lambda: allow_domain(row, reason=REASON, by=BY)).count(True) == 1
    assert (count_events(MAIL_DOMAIN_PROHIBITED), count_events(MAIL_DOMAIN_ALLOWED)) == (1, 1)
