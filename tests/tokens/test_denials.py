"""Who can upload to a project, and cutting tokens off from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.models import OutboxMail
from accounts.notices import render
from audit.models import Event
from projects.models import File, Project, Role
from tests.accounts.doors import text_of_page
from tests.support.clone import Database, race
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for, said, upload
from tests.tokens.keys import make, project_of
from tokens.events import TOKEN_DENIED, TOKEN_LET_IN
from tokens.grants import Scope
from tokens.models import TokenDenial
from tokens.operations.denials import deny_token, let_token_in
from tokens.operations.lifecycle import revoke_token
from uploads.operations import accepting

Browser = Callable[..., Client]
PAGE = "/manage/project/foo/uploaders/"


def shared(alice: Person, bob: Person) -> Project:
    """A project of alice, maintained by bob."""
    foo = project_of(alice, "foo")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    return foo


def test_a_token_that_is_cut_off_stops_working_there_alone(alice: Person, bob: Person) -> None:
    foo, other = shared(alice, bob), project_of(bob, "other")
    token, text = make(bob, projects=[foo, other])
    assert upload(text, "foo").status_code == 200
    assert deny_token(token, foo, by=alice.actor)
    refused = upload(text, "foo", "2.0")
    assert refused.status_code == 403
    assert "An owner of the project 'foo' has cut this API token off" in said(refused)
    assert upload(text, "other").status_code == 200
    assert bob.user.project_roles.filter(project=foo).exists()
    assert upload(make(bob, "another", projects=[foo])[1], "foo", "2.0").status_code == 200


def test_a_token_that_is_cut_off_while_its_file_is_looked_at_publishes_nothing(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    foo = shared(alice, bob)
    token, text = make(bob, projects=[foo])
    inspect = accepting.inspect

    def cut_off_meanwhile(request: Any) -> Any:
        deny_token(token, foo, by=alice.actor)
        return inspect(request)

    monkeypatch.setattr(accepting, "inspect", cut_off_meanwhile)
    assert "has cut this API token off" in said(upload(text, "foo"))
    assert not File.objects.exists()


def test_cutting_off_is_recorded_and_told(alice: Person, bob: Person) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, "bob's job", projects=[foo])
    deny_token(token, foo, by=alice.actor)
    event = Event.objects.get(kind=TOKEN_DENIED.name)
    assert event in Event.objects.for_user(bob.user)
    assert event in Event.objects.for_project(foo)
    mail = OutboxMail.objects.get(notice="token_denied")
    assert (mail.recipient, mail.facts["actor"]) == (bob.email, "alice")


def test_cutting_off_twice_is_one_event(alice: Person, bob: Person) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, projects=[foo])
    assert deny_token(token, foo, by=alice.actor)
    assert not deny_token(token, foo, by=alice.actor)
    assert Event.objects.filter(kind=TOKEN_DENIED.name).count() == 1


def test_only_owners_cut_off(alice: Person, bob: Person, mallory: Person) -> None:
    foo = shared(alice, bob)
    token, _text = make(alice)
    for person in (bob, mallory):
        with pytest.raises(PermissionDenied):
            deny_token(token, foo, by=person.actor)
    assert not TokenDenial.objects.exists()


def test_of_four_who_cut_off_at_once_one_is_recorded(committed_db: Database) -> None:
    alice, bob = make_person("alice"), make_person("bob")
    foo = shared(alice, bob)
    token, _text = make(bob, projects=[foo])
    by = alice.actor
    assert race(4, lambda: deny_token(token, foo, by=by)).count(True) == 1
    assert Event.objects.filter(kind=TOKEN_DENIED.name).count() == 1


# Taken back


def test_a_token_that_is_let_in_again_uploads_again(alice: Person, bob: Person) -> None:
    foo, other = shared(alice, bob), project_of(alice, "other")
    token, text = make(bob, projects=[foo])
    deny_token(token, foo, by=alice.actor)
    TokenDenial.objects.create(token=token, project=other, denied_by="alice")
    assert upload(text, "foo").status_code == 403
    assert let_token_in(token, foo, by=alice.actor)
    assert upload(text, "foo").status_code == 200
    assert TokenDenial.objects.get().project == other


def test_letting_in_is_recorded_once_and_told(alice: Person, bob: Person) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, "bob's job", projects=[foo])
    assert not let_token_in(token, foo, by=alice.actor)
    deny_token(token, foo, by=alice.actor)
    assert let_token_in(token, foo, by=alice.actor)
    assert not let_token_in(token, foo, by=alice.actor)
    event = Event.objects.get(kind=TOKEN_LET_IN.name)
    assert event in Event.objects.for_user(bob.user)
    assert event in Event.objects.for_project(foo)
    mail = OutboxMail.objects.get(notice="token_let_in")
    assert mail.recipient == bob.email
    assert 'alice, an owner of the project foo, let your API token "bob\'s job" in' in " ".join(
        str(render(mail).body).split()
    )


def test_only_owners_let_in(alice: Person, bob: Person, mallory: Person) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, projects=[foo])
    deny_token(token, foo, by=alice.actor)
    for person in (bob, mallory):
        with pytest.raises(PermissionDenied):
            let_token_in(token, foo, by=person.actor)
    assert TokenDenial.objects.exists()


def owned_by_three(alice: Person, bob: Person, mallory: Person) -> Project:
    foo = project_of(alice, "foo")
    for person in (bob, mallory):
        Role.objects.create(user=person.user, project=foo, kind=Role.Kind.OWNER)
    return foo


def test_an_owner_does_not_let_in_a_token_of_theirs_that_another_cut_off(
    alice: Person, bob: Person, mallory: Person
) -> None:
    foo = owned_by_three(alice, bob, mallory)
    token, text = make(mallory, projects=[foo])
    deny_token(token, foo, by=alice.actor)
    with pytest.raises(PermissionDenied, match="alice cut this API token of yours off: only"):
        let_token_in(token, foo, by=mallory.actor)
    assert upload(text, "foo").status_code == 403
    assert not Event.objects.filter(kind=TOKEN_LET_IN.name).exists()
    assert let_token_in(token, foo, by=bob.actor)
    assert upload(text, "foo").status_code == 200


def test_an_owner_lets_in_a_token_of_theirs_that_they_cut_off_themselves(alice: Person) -> None:
    foo = project_of(alice, "foo")
    token, _text = make(alice, projects=[foo])
    deny_token(token, foo, by=alice.actor)
    assert let_token_in(token, foo, by=alice.actor)


def test_the_page_offers_no_button_that_would_be_refused(
    browser: Browser, alice: Person, bob: Person, mallory: Person
) -> None:
    foo = owned_by_three(alice, bob, mallory)
    token, _text = make(mallory, projects=[foo])
    deny_token(token, foo, by=alice.actor)
    path = f"{PAGE}{token.pk}/let-in/"
    page = text_of_page(browser(mallory).get(PAGE))
    assert path not in page
    assert "Another owner can let it in again." in page
    assert path in text_of_page(browser(bob).get(PAGE))
    response = browser(mallory).post(path, follow=True)
    assert "alice cut this API token of yours off" in text_of_page(response)
    assert TokenDenial.objects.exists()


def test_of_four_who_let_in_at_once_one_is_recorded(committed_db: Database) -> None:
    alice, bob = make_person("alice"), make_person("bob")
    foo = shared(alice, bob)
    token, _text = make(bob, projects=[foo])
    by = alice.actor
    deny_token(token, foo, by=by)
    assert race(4, lambda: let_token_in(token, foo, by=by)).count(True) == 1
    assert Event.objects.filter(kind=TOKEN_LET_IN.name).count() == 1


def test_a_token_is_let_in_with_a_button_after_a_fresh_proof(
    browser: Browser, alice: Person, bob: Person
) -> None:
    foo = shared(alice, bob)
    token, text = make(bob, "release job", projects=[foo])
    deny_token(token, foo, by=alice.actor)
    client, path = browser(alice), f"{PAGE}{token.pk}/let-in/"
    assert f'href="{path}"' in text_of_page(client.get(PAGE))
    assert "Let “release job” in to foo again?" in text_of_page(client.get(path))
    with time_machine.travel(time.time() + 31 * 60):
        assert "Confirm it is you" in text_of_page(client.post(path))
        assert TokenDenial.objects.exists()
    response = client.post(path, follow=True)
    assert "The API token of bob is let in to foo again." in text_of_page(response)
    assert upload(text, "foo").status_code == 200


# The page


def test_the_page_names_what_is_limited_to_the_project(
    browser: Browser, alice: Person, bob: Person
) -> None:
    foo = shared(alice, bob)
    make(bob, "release job", projects=[foo])
    pattern = grant_for(scope=Scope.PATTERNS, patterns=("fo*",), actions=("upload",))
    make(bob, "pattern job", grant=pattern)
    make(bob, "elsewhere", projects=[project_of(bob, "other")])
    ended, _text = make(bob, "ended", projects=[foo])
    revoke_token(ended, reason="old", by=bob.actor)
    page = text_of_page(browser(alice).get(PAGE))
    assert "release job" in page
    assert "pattern job" in page
    assert "elsewhere" not in page
    assert "ended" not in page


def test_a_token_for_all_projects_is_counted_and_not_named(
    browser: Browser, alice: Person, bob: Person
) -> None:
    shared(alice, bob)
    _token, text = make(bob, "bob's private laptop")
    upload(text, "his-own")
    page = text_of_page(browser(alice).get(PAGE))
    assert "One API token for all projects reaches this one, too." in page
    assert "private laptop" not in page
    assert "not here" in page


def test_who_only_creates_projects_is_not_listed_and_who_only_yanks_is_marked(
    browser: Browser, alice: Person
) -> None:
    project_of(alice, "foo")
    make(alice, "creating job", grant=grant_for(is_wide=True, actions=("create",)))
    assert "yanks only" not in text_of_page(browser(alice).get(PAGE))
    make(alice, "yanking job", grant=grant_for(is_wide=True, actions=("yank",)))
    page = text_of_page(browser(alice).get(PAGE))
    assert "creating job" not in page
    assert "yanking job" in page
    assert page.count("yanks only") == 1


def test_a_token_for_all_projects_that_is_cut_off_is_counted_no_more_and_never_named(
    browser: Browser, alice: Person, bob: Person
) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, "bob's private laptop")
    deny_token(token, foo, by=alice.actor)
    client = browser(alice)
    page = text_of_page(client.get(PAGE))
    assert "for all projects reaches this one" not in page
    assert "Let it in again" in page
    let_token_in(token, foo, by=alice.actor)
    history = text_of_page(client.get("/manage/project/foo/history/"))
    assert "alice cut the API token for all projects of bob off from foo" in history
    assert "alice let the API token for all projects of bob in to foo again" in history
    assert "private laptop" not in history
    mail = OutboxMail.objects.get(notice="token_denied")
    assert mail.facts["name"] == "bob's private laptop"


def test_a_token_for_all_projects_of_ones_own_is_named(browser: Browser, alice: Person) -> None:
    project_of(alice, "foo")
    make(alice, "my laptop")
    assert "my laptop" in text_of_page(browser(alice).get(PAGE))


def test_a_token_is_cut_off_with_a_button(browser: Browser, alice: Person, bob: Person) -> None:
    foo = shared(alice, bob)
    token, text = make(bob, "release job", projects=[foo])
    client = browser(alice)
    path = f"{PAGE}{token.pk}/"
    assert "Cut “release job” off from foo?" in text_of_page(client.get(path))
    assert upload(text, "foo").status_code == 200
    assert client.post(path)["Location"] == PAGE
    assert upload(text, "foo", "2.0").status_code == 403
    assert "cut off" in text_of_page(client.get(PAGE))
    holder = text_of_page(browser(bob).get(f"/account/tokens/{token.pk}/"))
    assert "alice cut it off from the project foo" in holder
    assert "Your role there was not touched." in holder


def test_the_pages_are_for_owners_alone(
    browser: Browser, alice: Person, bob: Person, mallory: Person
) -> None:
    foo = shared(alice, bob)
    token, _text = make(bob, projects=[foo])
    for person in (bob, mallory):
        client = browser(person)
        assert client.get(PAGE).status_code == 404
        assert client.post(f"{PAGE}{token.pk}/").status_code == 404
    assert not TokenDenial.objects.exists()
    deny_token(token, foo, by=alice.actor)
    for person in (bob, mallory):
        assert browser(person).post(f"{PAGE}{token.pk}/let-in/").status_code == 404
    assert TokenDenial.objects.exists()


def test_a_token_that_does_not_reach_the_project_is_not_found(
    browser: Browser, alice: Person, bob: Person, mallory: Person
) -> None:
    shared(alice, bob)
    strangers, _text = make(mallory)
    elsewhere, _text = make(bob, "elsewhere", projects=[project_of(bob, "other")])
    for token in (strangers, elsewhere):
        assert browser(alice).post(f"{PAGE}{token.pk}/").status_code == 404
        assert browser(alice).post(f"{PAGE}{token.pk}/let-in/").status_code == 404
