from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts import closing as sockets
from accounts.events import ACCOUNT_CLOSED, STAFF_RIGHTS_CHANGED
from accounts.models import EmailAddress, OutboxMail, ReservedName, User
from accounts.notices import render
from accounts.operations import closing
from audit.actors import Actor, command
from audit.log import verify
from audit.models import Event
from projects.events import ROLE_REMOVED
from projects.models import Project, Role
from tests.accounts.doors import (
    count_events,
    find_recipients,
    is_signed_in,
    leads_to_sign_in,
    text_of_page,
)
from tests.support.clone import Database, race_all
from tests.support.people import Person, make_person
from tests.support.uploading import token_of, upload
from tokens.events import TOKEN_REVOKED

Browser = Callable[..., Client]
CLOSE = "/account/delete/"


def close(browser: Browser, person: Person, typed: str | None = None) -> Any:
    return browser(person).post(CLOSE, {"username": person.username if typed is None else typed})


def is_there(person: Person) -> bool:
    return User.objects.filter(pk=person.user.pk).exists()


def share(project: Project, person: Person, kind: str) -> None:
    Role.objects.create(project=project, user=person.user, kind=kind)


def published(person: Person, name: str = "foo") -> Project:
    assert upload(token_of(person, name=name), name, "1.0").status_code == 200
    return Project.objects.get(normalized_name=name)


def test_an_account_is_deleted_with_all_that_is_its_own(browser: Browser, mallory: Person) -> None:
    page = close(browser, mallory)
    assert "Your account is deleted" in text_of_page(page)
    assert not is_there(mallory)
    assert not EmailAddress.objects.exists()


def test_every_verified_address_is_told(browser: Browser, mallory: Person) -> None:
    EmailAddress.objects.create(
        user=mallory.user, address="second@example.org", verified_at=timezone.now()
    )
    EmailAddress.objects.create(user=mallory.user, address="unverified@example.org")
    close(browser, mallory)
    mails = OutboxMail.objects.filter(notice="account_closed")
    assert {mail.recipient for mail in mails} == {mallory.email, "second@example.org"}


@pytest.mark.parametrize("typed", ["", "alice", "mallory2", "\x00", "mallory\x00"])
def test_the_user_name_must_be_typed(browser: Browser, mallory: Person, typed: str) -> None:
    assert close(browser, mallory, typed).status_code == 200
    assert is_there(mallory)


def test_looking_at_the_page_deletes_nothing(browser: Browser, mallory: Person) -> None:
    assert browser(mallory).get(CLOSE).status_code == 200
    assert is_there(mallory)


def test_deleting_needs_sudo_mode(browser: Browser, mallory: Person) -> None:
    with time_machine.travel(time.time(), tick=False) as clock:
        client = browser(mallory)
        clock.shift(5 * 60)
        assert client.post(CLOSE, {"username": "mallory"}).status_code == 403
    assert is_there(mallory)


def test_all_sessions_of_a_deleted_account_are_over(browser: Browser, mallory: Person) -> None:
    here, there = browser(mallory), browser(mallory)
    here.post(CLOSE, {"username": "mallory"})
    for client in (here, there):
        assert not is_signed_in(client)
        assert client.get("/").status_code == 200


def test_its_history_stays_readable_and_sealed(browser: Browser, mallory: Person) -> None:
    close(browser, mallory)
    event = Event.objects.about("user", mallory.user.pk).first()
    assert event is not None
    assert (event.kind, event.actor_label) == (ACCOUNT_CLOSED.name, "mallory")
    assert verify() is None


@pytest.mark.parametrize("name", ["mallory", "MALLORY"])
def test_nobody_can_have_its_user_name_again(
    browser: Browser, settings: Any, mallory: Person, sam: Person, name: str
) -> None:
    settings.REGISTRATION = "open"
    close(browser, mallory)
    form = {"username": name, "email": "m@example.org", "password": "ferry lantern gravel teapot"}
    page = browser().post("/account/register/", form)
    assert "taken, or reserved" in text_of_page(page)
    assert not User.objects.filter(username_key="mallory").exists()
    assert ReservedName.objects.get().why == "used"


def test_its_mail_address_is_free_again(browser: Browser, mallory: Person, alice: Person) -> None:
    close(browser, mallory)
    browser(alice).post("/account/addresses/add/", {"email": mallory.email})
    find_recipients()
    assert OutboxMail.objects.filter(notice="verify_address", recipient=mallory.email).exists()


# What stands in the way


def test_the_only_owner_of_a_project_is_led_to_it(browser: Browser, alice: Person) -> None:
    published(alice)
    page = text_of_page(browser(alice).get(CLOSE))
    assert "You are the only owner of foo" in page
    assert 'href="/project/foo/"' in page
    assert "Type your user name" not in page
    close(browser, alice)
    assert is_there(alice)
    with pytest.raises(ValidationError, match="only owner of foo"):
        closing.close_account(alice.user, by=alice.actor)


def test_a_maintainer_does_not_count_as_an_owner(
    browser: Browser, alice: Person, bob: Person
) -> None:
    share(published(alice), bob, "maintainer")
    close(browser, alice)
    assert is_there(alice)


def test_an_owner_whose_account_is_closed_does_not_count(
    browser: Browser, alice: Person, bob: Person
) -> None:
    share(published(alice), bob, "owner")
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    close(browser, alice)
    assert is_there(alice)


def test_of_two_owners_one_can_leave(browser: Browser, alice: Person, bob: Person) -> None:
    project = published(alice)
    share(project, bob, "owner")
    close(browser, alice)
    assert not is_there(alice)
    assert [role.user for role in project.roles.all()] == [bob.user]
    event = Event.objects.for_project(project).filter(kind=ROLE_REMOVED.name).get()
    assert event.fields == {"role": "owner"}
    page = text_of_page(browser(bob).get("/manage/project/foo/history/"))
    assert "alice is no longer owner of foo" in page


@pytest.mark.parametrize("kind", ["owner", "maintainer"])
def test_the_owners_that_are_left_are_told(
    browser: Browser, alice: Person, bob: Person, kind: str
) -> None:
    share(published(alice), bob, kind)
    close(browser, bob)
    mail = OutboxMail.objects.get(notice="role_removed")
    assert mail.recipient_name == "alice"
    assert f"bob is no longer {kind} of foo." in " ".join(render(mail).body.split())


@pytest.mark.parametrize("kind", ["owner", "maintainer"])
def test_the_pages_of_a_project_follow_who_leaves(
    browser: Browser, alice: Person, bob: Person, kind: str
) -> None:
    project = published(alice)
    share(project, bob, kind)
    address = "/pypi/foo/json"
    former = browser().get(address)
    close(browser, bob)
    project.refresh_from_db()
    event = Event.objects.for_project(project).filter(kind=ROLE_REMOVED.name).get()
    assert project.serial == event.number
    page = browser().get(address, headers={"If-None-Match": former["ETag"]})
    assert page.status_code == 200
    assert [role["user"] for role in page.json()["ownership"]["roles"]] == ["alice"]
    assert page["X-PyPI-Last-Serial"] == str(event.number)


def test_of_two_owners_who_leave_at_once_one_stays(
    committed_db: Database, browser: Browser
) -> None:
    alice, bob = make_person("alice"), make_person("bob")
    share(published(alice), bob, "owner")

    def leave(person: Person) -> Callable[[], bool]:
        user, by = person.fresh_user, person.actor

        def run() -> bool:
            try:
                closing.close_account(user, by=by)
            except ValidationError:
                return False
            return True

        return run

    assert sorted(map(str, race_all([leave(alice), leave(bob)]))) == ["False", "True"]
    assert Role.objects.filter(kind="owner").count() == 1


def test_tokens_end_and_their_projects_are_told(
    browser: Browser, alice: Person, bob: Person
) -> None:
    project = published(alice)
    share(project, bob, "maintainer")
    token = token_of(bob, project, name="job")
    close(browser, bob)
    assert upload(token, "foo", "2.0").status_code == 403
    event = Event.objects.for_project(project).filter(kind=TOKEN_REVOKED.name).get()
    assert (event.fields["name"], event.fields["reason"]) == ("job", "the account was deleted")


def test_what_was_published_stays_under_its_name(
    browser: Browser, alice: Person, bob: Person
) -> None:
    share(published(alice), bob, "owner")
    close(browser, alice)
    assert b"foo-1.0" in browser().get("/simple/foo/").content
    assert Project.objects.get().files.get().uploaded_by == "alice"


def test_the_last_administrator_stays(browser: Browser, sam: Person) -> None:
    assert "You are the only administrator" in text_of_page(browser(sam).get(CLOSE))
    close(browser, sam)
    assert is_there(sam)
    make_person("tom", is_administrator=True)
    close(browser, sam)
    assert not is_there(sam)


def test_administrators_are_told_when_one_of_staff_leaves(
    browser: Browser, sam: Person, alice: Person
) -> None:
    tina = make_person("tina", is_administrator=True)
    helper = make_person("helper", group="Support")
    for leaver in (helper, tina):
        close(browser, leaver)
        assert not is_there(leaver)
    told = OutboxMail.objects.filter(notice="staff_rights_changed").order_by("pk")
    assert [(mail.recipient, mail.facts["changed"]) for mail in told] == [
        (sam.email, "helper"),
        (tina.email, "helper"),
        (sam.email, "tina"),
    ]
    events = Event.objects.filter(kind=STAFF_RIGHTS_CHANGED.name).order_by("number")
    assert [event.fields["former"] for event in events] == ["Support", "Administrator"]
    close(browser, alice)
    assert count_events(STAFF_RIGHTS_CHANGED) == 2


def test_of_two_administrators_who_leave_at_once_one_stays(committed_db: Database) -> None:
    people = [make_person(name, is_administrator=True) for name in ("sam", "tom")]

    def leave(person: Person) -> Callable[[], bool]:
        user, by = person.fresh_user, person.actor

        def run() -> bool:
            try:
                closing.close_account(user, by=by)
            except ValidationError:
                return False
            return True

        return run

    assert sorted(map(str, race_all([leave(person) for person in people]))) == ["False", "True"]
    assert User.objects.administrators().count() == 1


def test_of_two_deletions_at_once_one_is_refused(browser: Browser, mallory: Person) -> None:
    client, former = browser(mallory), mallory.fresh_user
    closing.close_account(mallory.fresh_user, by=mallory.actor)
    with pytest.raises(PermissionDenied, match="changed meanwhile"):
        closing.close_account(former, by=command("x"))
    assert count_events(ACCOUNT_CLOSED) == 1
    assert leads_to_sign_in(client.post(CLOSE, {"username": "mallory"}))


def test_who_deletes_an_account_that_is_being_deleted_reads_a_sentence(
    browser: Browser, mallory: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, close_account = browser(mallory), closing.close_account

    def second(user: User, *, by: Actor) -> None:
        close_account(mallory.fresh_user, by=by)
        close_account(user, by=by)

    monkeypatch.setattr(closing, "close_account", second)
    response = client.post(CLOSE, {"username": "mallory"}, follow=True)
    assert "The account was changed meanwhile." in text_of_page(response)
    assert not is_there(mallory)


def test_a_refused_deletion_changes_and_records_nothing(alice: Person) -> None:
    published(alice)
    events = Event.objects.count()
    with pytest.raises(ValidationError):
        closing.close_account(alice.user, by=alice.actor)
    assert Event.objects.count() == events
    assert not ReservedName.objects.exists()
    assert count_events(ACCOUNT_CLOSED) == 0


def test_the_sockets_are_filled() -> None:
    assert {end.__module__ for end in sockets.farewells()} == {"projects.closing", "tokens.closing"}
