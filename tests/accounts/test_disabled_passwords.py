"""What staff do about passwords that somebody else knows, and about user names."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.events import PASSWORD_DISABLED, USER_NAME_ALLOWED, USER_NAME_PROHIBITED
from accounts.importing import ImportedAccount
from accounts.models import OutboxMail, ReservedName, UserSession
from accounts.operations import imports, passwords, registration, user_names
from audit.models import Event
from tests.accounts.doors import (
    count_events,
    find_recipients,
    give_code,
    give_password,
    is_signed_in,
    text_of_page,
)
from tests.support.people import Person, code_for, make_person

Browser = Callable[..., Client]
REASON = "The password was found in a leak."


@pytest.fixture
def helper(_database: None) -> Person:
    """Somebody of the group Support."""
    return make_person("helper", group="Support")


def disable(person: Person, by: Person) -> int:
    return passwords.disable_password(person.fresh_user, reason=REASON, by=by.actor)


def test_the_password_lets_nobody_in_and_all_sessions_end(
    browser: Browser, alice: Person, helper: Person
) -> None:
    client = browser(alice)
    assert disable(alice, helper) == 1
    assert not is_signed_in(client)
    assert "password is wrong" in text_of_page(give_password(browser(), alice))
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert Event.objects.get(kind=PASSWORD_DISABLED.name).fields == {"reason": REASON}


def test_the_owner_is_told_and_sets_a_new_one_by_mail(
    browser: Browser, alice: Person, helper: Person
) -> None:
    disable(alice, helper)
    body = " ".join(str(notices.render(OutboxMail.objects.get()).body).split())
    assert REASON in body
    assert "/account/password/reset/" in body
    passwords.request_reset("alice", by=alice.actor)
    find_recipients()
    reset = passwords.find_reset(OutboxMail.objects.get(notice="password_reset").facts["reset_id"])
    assert reset is not None
    new = f"another password altogether {time.time()}"
    passwords.reset_password(reset, new, by=alice.actor)
    client = browser()
    give_password(client, alice, new)
    give_code(client, code_for(alice))
    assert is_signed_in(client)


def test_a_link_from_before_does_not_undo_it(alice: Person, helper: Person) -> None:
    passwords.request_reset("alice", by=alice.actor)
    find_recipients()
    reset_id = OutboxMail.objects.get(notice="password_reset").facts["reset_id"]
    disable(alice, helper)
    assert passwords.find_reset(reset_id) is None


def test_it_is_done_once(alice: Person, helper: Person) -> None:
    disable(alice, helper)
    with pytest.raises(ValidationError, match="is disabled"):
        disable(alice, helper)


def test_nobody_disables_their_own_and_support_none_of_staff(
    alice: Person, helper: Person, sam: Person
) -> None:
    for person, by in ((helper, helper), (sam, helper), (alice, make_person("x", group="Auditor"))):
        with pytest.raises(PermissionDenied):
            disable(person, by)
    assert count_events(PASSWORD_DISABLED) == 0


def prohibit(name: str, by: Person) -> ReservedName:
    return user_names.prohibit_user_name(name, reason="It imitates a company.", by=by.actor)


@pytest.mark.parametrize("name", ["acme", "ACME", "Ac-Me", "a.c_me"])
def test_a_prohibited_name_is_nobodys_however_it_is_spelt(helper: Person, name: str) -> None:
    prohibit("Acme", helper)
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.require_free_name(name)
    (problem,) = imports.find_conflicts(
        [ImportedAccount(1, name, "a@example.org", False, "", "", timezone.now())]
    )
    assert problem.column == "username"


def test_names_that_were_used_are_compared_as_they_are(helper: Person) -> None:
    ReservedName.objects.create(key="acme", why=ReservedName.Why.USED)
    registration.require_free_name("ac-me")
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.require_free_name("ACME")


def test_it_is_allowed_again_but_not_the_name_of_a_closed_account(helper: Person) -> None:
    row = prohibit("acme", helper)
    user_names.allow_user_name(row, reason="It was a mistake.", by=helper.actor)
    registration.require_free_name("acme")
    assert count_events(USER_NAME_PROHIBITED) == count_events(USER_NAME_ALLOWED) == 1
    used = ReservedName.objects.create(key="used", why=ReservedName.Why.USED)
    with pytest.raises(ValidationError, match="not prohibited"):
        user_names.allow_user_name(used, reason="It was a mistake.", by=helper.actor)
    assert ReservedName.objects.filter(key="used").exists()


def test_what_is_no_name_or_reserved_is_refused(helper: Person) -> None:
    prohibit("acme", helper)
    for name, refusal in {"a-c-m-e": "reserved already", "-": "cannot be a user name"}.items():
        with pytest.raises(ValidationError, match=refusal):
            prohibit(name, helper)


def test_whoever_has_a_prohibited_name_can_delete_the_account_and_the_name_stays_used(
    browser: Browser, helper: Person
) -> None:
    mallory = make_person("Mallory")
    row = prohibit("mallory", helper)
    page = browser(mallory).post("/account/delete/", {"username": "mallory"})
    assert "Your account is deleted" in text_of_page(page)
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.require_free_name("mal-lory")  # as staff want it
    act = f"/admin/accounts/reservedname/{row.pk}/allow-user-name/"
    assert "it stays reserved" in text_of_page(browser(helper).get(act))
    fields = {"reason": "It was a mistake."}
    assert "stays reserved" in text_of_page(browser(helper).post(act, fields, follow=True))
    registration.require_free_name("mal-lory")
    with pytest.raises(ValidationError, match="taken, or reserved"):
        registration.require_free_name("mallory")


@pytest.mark.parametrize("group", ["Auditor", "Projects", ""])
def test_other_groups_prohibit_and_allow_nothing(helper: Person, group: str) -> None:
    row, other = prohibit("acme", helper), make_person("other", group=group)
    with pytest.raises(PermissionDenied, match="Your staff group"):
        prohibit("other-name", other)
    with pytest.raises(PermissionDenied, match="Your staff group"):
        user_names.allow_user_name(row, reason="It was a mistake.", by=other.actor)


def test_the_page_says_that_an_account_of_the_name_keeps_it(
    browser: Browser, alice: Person, helper: Person
) -> None:
    address = "/admin/accounts/reservedname/act/prohibit-user-name/"
    fields = {"name": "alice", "reason": "It imitates a company."}
    page = text_of_page(browser(helper).post(address, fields, follow=True))
    assert "The account that has it keeps it" in page
    assert alice.fresh_user.is_active
