"""Who becomes staff, and who is not any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from accounts.events import STAFF_RIGHTS_CHANGED
from accounts.models import AuthenticatorApp, EmailAddress, OutboxMail, User
from accounts.operations.staff_rights import find_state, set_staff_groups
from accounts.sightings import digest_state
from audit.groups import groups_of
from audit.models import Event
from tests.accounts.doors import count_events, hidden_fields, text_of_page
from tests.support.clone import race_all
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
REASON = "Joined the team that runs this site."


def test_an_administrator_makes_somebody_staff(
    browser: Browser, sam: Person, alice: Person
) -> None:
    address = f"/admin/accounts/user/{alice.user.pk}/staff-rights/"
    client = browser(sam)
    seen = hidden_fields(client.get(address))
    response = client.post(address, {"groups": ["Support", "Auditor"], "reason": REASON} | seen)
    assert response.status_code == 302
    assert groups_of(alice.fresh_user) == {"Support", "Auditor"}
    assert browser(alice).get("/admin/").status_code == 200


def test_this_is_recorded_with_what_was_before(sam: Person, alice: Person) -> None:
    set_staff_groups(alice.user, ["Support"], reason=REASON, by=sam.actor)
    set_staff_groups(alice.user, ["Projects"], reason=REASON, by=sam.actor)
    event = Event.objects.for_user(alice.user).first()
    assert event is not None
    assert event.kind == STAFF_RIGHTS_CHANGED.name
    assert event.fields == {"former": "Support", "groups": "Projects", "reason": REASON}


def test_all_administrators_and_the_person_are_told(sam: Person, alice: Person) -> None:
    tina = make_person("tina", is_administrator=True)
    set_staff_groups(alice.user, ["Support"], reason=REASON, by=sam.actor)
    told = OutboxMail.objects.filter(notice="staff_rights_changed")
    assert {mail.recipient for mail in told} == {sam.email, tina.email, alice.email}


def test_taking_rights_away_works_on_the_next_page(browser: Browser, sam: Person, db: None) -> None:
    helper = make_person("helper", group="Support")
    client = browser(helper)
    assert client.get("/admin/").status_code == 200
    set_staff_groups(helper.user, [], reason="Left the team.", by=sam.actor)
    assert client.get("/admin/").status_code == 403
    assert not helper.fresh_user.is_staff
    told = OutboxMail.objects.filter(notice="staff_rights_changed")
    assert helper.email in {mail.recipient for mail in told}


@pytest.mark.parametrize("group", ["", "Auditor", "Projects", "Support"])
def test_nobody_else_may(alice: Person, group: str) -> None:
    other = make_person("other", group=group)
    with pytest.raises(PermissionDenied):
        set_staff_groups(alice.user, ["Support"], reason=REASON, by=other.actor)
    assert not alice.fresh_user.is_staff


def test_nobody_changes_their_own_rights(sam: Person) -> None:
    for groups in (["Support"], []):
        with pytest.raises(PermissionDenied, match="their own account"):
            set_staff_groups(sam.user, groups, reason=REASON, by=sam.actor)
    assert groups_of(sam.fresh_user) == {"Administrator"}


def test_staff_need_an_open_account_a_verified_address_and_a_second_factor(
    sam: Person, alice: Person, bob: Person, mallory: Person
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    EmailAddress.objects.filter(user=bob.user).update(verified_at=None)
    AuthenticatorApp.objects.filter(user=mallory.user).delete()
    for person, word in ((alice, "frozen"), (bob, "address"), (mallory, "factor")):
        with pytest.raises(ValidationError, match=word):
            set_staff_groups(person.user, ["Support"], reason=REASON, by=sam.actor)
        assert not person.fresh_user.is_staff


@pytest.mark.parametrize("groups", [["Root"], ["Support", "administrator"]])
def test_there_are_no_other_groups(sam: Person, alice: Person, groups: list[str]) -> None:
    with pytest.raises(ValidationError, match="no such staff group"):
        set_staff_groups(alice.user, groups, reason=REASON, by=sam.actor)


def test_what_is_so_already_is_not_recorded_again(sam: Person, alice: Person) -> None:
    set_staff_groups(alice.user, ["Support"], reason=REASON, by=sam.actor)
    with pytest.raises(ValidationError, match="already"):
        set_staff_groups(alice.user, ["Support"], reason=REASON, by=sam.actor)
    assert count_events(STAFF_RIGHTS_CHANGED) == 1


def test_of_two_administrators_who_dismiss_each_other_one_stays(committed_db: Any) -> None:
    sam, tina = (make_person(name, is_administrator=True) for name in ("sam", "tina"))
    pairs = [(sam, tina.actor), (tina, sam.actor)]
    race_all(
        [
            lambda who=who, by=by: set_staff_groups(who.user, [], reason=REASON, by=by)  # type: ignore[misc]
            for who, by in pairs
        ]
    )
    assert User.objects.administrators().count() == 1


def test_rights_that_were_taken_away_meanwhile_do_not_come_back(
    browser: Browser, sam: Person, db: None
) -> None:
    tina = make_person("tina", is_administrator=True)
    helper = make_person("helper", group="Support")
    client, address = browser(sam), f"/admin/accounts/user/{helper.user.pk}/staff-rights/"
    form = {"groups": ["Support", "Auditor"], "reason": REASON} | hidden_fields(client.get(address))
    set_staff_groups(helper.user, [], reason="Left the team.", by=tina.actor)
    page = client.post(address, form)
    assert "Somebody else changed this in the meantime" in text_of_page(page)
    assert "checked" not in page.content.decode()  # no group is ticked now
    assert f'value="{REASON}"' in page.content.decode()
    assert not helper.fresh_user.is_staff
    assert client.post(address, form | hidden_fields(page)).status_code == 302
    assert groups_of(helper.fresh_user) == {"Support", "Auditor"}


def test_a_form_that_does_not_say_what_it_showed_changes_nothing(
    browser: Browser, sam: Person, alice: Person
) -> None:
    address = f"/admin/accounts/user/{alice.user.pk}/staff-rights/"
    assert browser(sam).post(address, {"groups": ["Support"], "reason": REASON}).status_code == 200
    assert not alice.fresh_user.is_staff


def test_of_four_who_saw_the_same_rights_one_changes_them(committed_db: Any) -> None:
    helper = make_person("helper", group="Support")
    seen = digest_state(*find_state(helper.user))
    people = [make_person(name, is_administrator=True) for name in ("sam", "tina", "uma", "vera")]
    wanted: list[list[str]] = [[], ["Auditor"], ["Projects"], ["Administrator"]]
    outcomes = race_all(
        [
            lambda by=person.actor, groups=groups: set_staff_groups(  # type: ignore[misc]
                helper.user, groups, seen=seen, reason=REASON, by=by
            )
            for person, groups in zip(people, wanted, strict=True)
        ]
    )
    assert sorted(getattr(outcome, "code", "") for outcome in outcomes) == ["", *["changed"] * 3]
    assert count_events(STAFF_RIGHTS_CHANGED) == 1
