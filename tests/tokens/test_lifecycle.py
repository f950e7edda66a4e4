from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuthenticatorApp, EmailAddress, OutboxMail
from accounts.notices import render
from audit.models import Event
from projects.models import Project, Role
from tests.support.clone import Database, race_all
from tests.support.people import Person, make_person
from tests.support.uploading import grant_for, said, upload
from tests.tokens.keys import everything_stored, make, project_of, secret_parts
from tokens import macaroons
from tokens.events import TOKEN_CREATED, TOKEN_RENAMED, TOKEN_REVOKED
from tokens.grants import Grant, Scope
from tokens.models import APIToken
from tokens.operations import lifecycle


def caveats_in(text: str) -> list[object]:
    return [json.loads(caveat) for caveat in macaroons.parse(text).caveats]


# Making


def test_a_token_for_all_projects_is_bound_to_its_user(alice: Person) -> None:
    token, text = make(alice)
    assert caveats_in(text) == [[3, str(alice.user.pk)]]
    assert macaroons.parse(text).identifier == token.pk
    assert macaroons.parse(text).location == "localhost"


def test_a_token_for_some_projects_names_them_twice(alice: Person) -> None:
    foo, bar = project_of(alice, "Foo.Bar"), project_of(alice, "bar")
    token, text = make(alice, projects=[foo, bar])
    assert caveats_in(text) == [[1, ["foo-bar", "bar"]], [2, [str(foo.pk), str(bar.pk)]]]
    assert set(token.projects.all()) == {foo, bar}


def test_what_a_token_may_do_is_stored_beside_it(alice: Person) -> None:
    token, text = make(alice)
    stored = [json.loads(caveat) for caveat in token.caveats]
    assert stored[:-1] == caveats_in(text)
    assert stored[-1][1:] == [["upload", "create"]]


def test_every_token_has_a_key_of_its_own(alice: Person) -> None:
    rows = [make(alice, name=f"token {number}") for number in range(5)]
    assert len({text[-40:] for _row, text in rows}) == 5
    assert len({row.root_key for row, _text in rows}) == 5


def test_the_text_of_a_token_is_stored_nowhere(
    alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        _token, text = make(alice, projects=[project_of(alice, "foo")])
        assert upload(text, "foo").status_code == 200
        assert upload(text + "x", "foo").status_code == 403
        assert upload(text[:-1], "foo").status_code == 403
        assert upload(text, "other").status_code == 403
    mails = [str(render(mail).message()) for mail in OutboxMail.objects.all()]
    for part in secret_parts(text):
        assert part not in everything_stored()
        assert part not in caplog.text
        assert part not in str(mails)


def test_making_is_recorded_and_told(alice: Person) -> None:
    foo = project_of(alice, "foo")
    token, _text = make(alice, name="release job", projects=[foo])
    event = Event.objects.get(kind=TOKEN_CREATED.name)
    assert event.fields["name"] == "release job"
    assert event.fields["scope"] == "foo"
    assert event.fields["token_id"] == str(token.pk)
    assert event in Event.objects.for_user(alice.user)
    assert event in Event.objects.for_project(foo)
    mail = OutboxMail.objects.get(notice="token_created")
    assert mail.recipient == alice.email
    assert mail.facts["name"] == "release job"
    assert mail.facts["allows"] == "Upload new releases of foo, without an end"


# Refusals


def test_without_a_verified_address_there_is_no_token(alice: Person) -> None:
    EmailAddress.objects.update(verified_at=None)
    with pytest.raises(PermissionDenied, match="Verify your mail address"):
        make(alice)


def test_without_a_second_factor_there_is_no_token(alice: Person) -> None:
    AuthenticatorApp.objects.update(confirmed=False)
    with pytest.raises(PermissionDenied, match="Add a second factor"):
        make(alice)


def test_a_factor_that_was_removed_meanwhile_does_not_count(alice: Person) -> None:
    user = alice.fresh_user
    assert user.has_second_factor
    assert user.has_verified_email
    AuthenticatorApp.objects.all().delete()
    with pytest.raises(PermissionDenied, match="Add a second factor"):
        lifecycle.create_token(user, name="late", grant=grant_for(is_wide=True), by=alice.actor)
    assert not APIToken.objects.exists()


def test_projects_of_other_people_are_refused(alice: Person, mallory: Person) -> None:
    mine, hers = project_of(mallory, "mine"), project_of(alice, "hers")
    with pytest.raises(PermissionDenied, match="hers"):
        make(mallory, projects=[mine, hers])
    assert not APIToken.objects.exists()


def test_a_maintainer_makes_tokens_for_the_project_until_the_role_ends(
    alice: Person, bob: Person
) -> None:
    foo = project_of(alice, "foo")
    role = Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    _token, text = make(bob, projects=[foo])
    assert upload(text, "foo").status_code == 200
    role.delete()
    assert upload(text, "foo", "2.0").status_code == 403
    with pytest.raises(PermissionDenied):
        make(bob, name="again", projects=[foo])


@pytest.mark.parametrize("count", [0, 41])
def test_a_token_is_for_one_to_forty_projects(alice: Person, count: int) -> None:
    projects = [project_of(alice, f"p{number}") for number in range(count)]
    with pytest.raises(ValidationError, match="between 1 and 40"):
        make(alice, projects=projects)


def test_forty_projects_fit_into_a_token(alice: Person) -> None:
    projects = [project_of(alice, f"project-{number}") for number in range(40)]
    _token, text = make(alice, projects=projects)
    assert len(text) <= macaroons.MAX_MADE
    assert upload(text, "project-39").status_code == 200


def test_names_that_are_too_long_for_one_token_are_refused_in_words(alice: Person) -> None:
    projects = [project_of(alice, f"{'x' * 140}-{number}") for number in range(40)]
    with pytest.raises(ValidationError, match="too long for one token"):
        make(alice, projects=projects)
    assert not APIToken.objects.exists()


def test_the_five_hundred_and_first_token_is_refused(alice: Person) -> None:
    APIToken.objects.bulk_create(
        APIToken(user=alice.user, name=f"token {number}", root_key="x") for number in range(500)
    )
    with pytest.raises(ValidationError, match="500 active API tokens"):
        make(alice)
    lifecycle.revoke_token(APIToken.objects.all()[0], reason="old", by=alice.actor)
    make(alice)


def test_two_active_tokens_have_two_names(alice: Person, bob: Person) -> None:
    token, _text = make(alice, name="job")
    with pytest.raises(ValidationError, match="active API token of this name"):
        make(alice, name="job")
    make(bob, name="job")
    lifecycle.revoke_token(token, reason="old", by=alice.actor)
    make(alice, name="job")


def test_of_eight_tokens_of_one_name_at_once_one_is_made(committed_db: Database) -> None:
    alice = make_person("alice")
    by = alice.actor

    def create() -> bool:
        try:
            lifecycle.create_token(
                alice.fresh_user, name="job", grant=grant_for(is_wide=True), by=by
            )
        except ValidationError:
            return False
        return True

    assert race_all([create] * 8).count(True) == 1
    assert APIToken.objects.count() == 1
    assert Event.objects.filter(kind=TOKEN_CREATED.name).count() == 1


# Revoking


def test_a_revoked_token_stops_working(alice: Person) -> None:
    token, text = make(alice)
    assert upload(text, "foo").status_code == 200
    lifecycle.revoke_token(token, reason="leaked", by=alice.actor)
    response = upload(text, "foo", "2.0")
    assert response.status_code == 403
    assert "was revoked" in said(response)


def test_revoking_keeps_the_row_and_tells_why(alice: Person) -> None:
    foo = project_of(alice, "foo")
    token, _text = make(alice, projects=[foo])
    lifecycle.revoke_token(token, reason="it was in a log", by=alice.actor)
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert token.revoked_because == "it was in a log"
    event = Event.objects.get(kind=TOKEN_REVOKED.name)
    assert event.fields["reason"] == "it was in a log"
    assert event in Event.objects.for_project(foo)
    mail = OutboxMail.objects.get(notice="token_revoked")
    assert mail.facts == {"name": "a token", "reason": "it was in a log"}


def test_revoking_twice_is_one_event(alice: Person) -> None:
    token, _text = make(alice)
    assert lifecycle.revoke_token(token, reason="first", by=alice.actor)
    assert not lifecycle.revoke_token(token, reason="second", by=alice.actor)
    token.refresh_from_db()
    assert token.revoked_because == "first"
    assert Event.objects.filter(kind=TOKEN_REVOKED.name).count() == 1


def test_of_eight_who_revoke_at_once_one_is_recorded(committed_db: Database) -> None:
    alice = make_person("alice")
    token, _text = make(alice)
    by = alice.actor

    def revoke(number: int) -> Callable[[], bool]:
        return lambda: lifecycle.revoke_token(token, reason=f"reason {number}", by=by)

    assert race_all([revoke(number) for number in range(8)]).count(True) == 1
    assert Event.objects.filter(kind=TOKEN_REVOKED.name).count() == 1
    assert OutboxMail.objects.filter(notice="token_revoked").count() == 1


def test_other_tokens_go_on_working(alice: Person) -> None:
    token, _text = make(alice, name="one")
    _other, text = make(alice, name="two")
    lifecycle.revoke_token(token, reason="old", by=alice.actor)
    assert upload(text, "foo").status_code == 200


def test_a_project_of_the_same_name_made_anew_does_not_know_the_old_token(
    alice: Person, mallory: Person
) -> None:
    old = project_of(alice, "foo")
    _token, text = make(alice, projects=[old])
    Project.objects.filter(pk=old.pk).delete()
    Role.objects.create(user=alice.user, project=project_of(mallory, "foo"), kind="owner")
    assert upload(text, "foo").status_code == 403


# What a grant may not be


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"actions": ()}, "at least one thing"),
        ({"actions": ("create", "upload"), "scope": Scope.PROJECTS}, "exist already"),
        ({"networks": ("0.0.0.0/1", "128.0.0.0/1")}, "everybody's"),
        ({"scope": Scope.PATTERNS, "patterns": ()}, "between 1 and 40 names"),
        ({"scope": Scope.PATTERNS, "patterns": ("*",)}, "neither a normalized"),
        ({"scope": Scope.PATTERNS, "patterns": ("a*",) * 41}, "between 1 and 40 names"),
        ({"networks": ("somewhere",)}, "IPv4 or IPv6"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "have expired already"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(
    alice: Person, changes: dict[str, Any], words: str
) -> None:
    foo = project_of(alice, "foo")
    wide = {"scope": Scope.ALL, "projects": (foo,), "actions": ("upload",)}
    with pytest.raises((ValidationError, ValueError), match=words):
        make(alice, grant=Grant(**(wide | changes)))
    assert not APIToken.objects.exists()


def test_yanking_is_granted_by_owners_alone(alice: Person, bob: Person) -> None:
    foo = project_of(alice, "foo")
    Role.objects.create(user=bob.user, project=foo, kind=Role.Kind.MAINTAINER)
    for grant in (
        grant_for(foo, actions=("yank",)),
        grant_for(foo, actions=("upload", "yank")),
        grant_for(is_wide=True, actions=("yank",)),
    ):
        with pytest.raises(PermissionDenied):
            make(bob, grant=grant)
        make(alice, f"token {grant}"[:100], grant=grant)
    assert not APIToken.objects.filter(user=bob.user).exists()


def test_a_site_can_limit_how_long_tokens_last(alice: Person, settings: Any) -> None:
    settings.TOKEN_MAX_LIFETIME = timedelta(days=30)
    for end in (None, timezone.now() + timedelta(days=31)):
        with pytest.raises(ValidationError, match="at most 30 days"):
            make(alice, grant=grant_for(is_wide=True, expires_at=end))
    make(alice, grant=grant_for(is_wide=True, expires_at=timezone.now() + timedelta(days=30)))


# Renaming


def test_a_token_is_renamed_and_goes_on_as_it_was(alice: Person) -> None:
    token, text = make(alice, "old")
    former = APIToken.objects.values("caveats", "root_key", "expires_at").get()
    assert lifecycle.rename_token(token, name=" new  name ", by=alice.actor)
    assert APIToken.objects.get().name == "new name"
    assert APIToken.objects.values("caveats", "root_key", "expires_at").get() == former
    assert upload(text).status_code == 200
    event = Event.objects.get(kind=TOKEN_RENAMED.name)
    assert (event.fields["former"], event.fields["name"]) == ("old", "new name")
    assert not lifecycle.rename_token(token, name="new name", by=alice.actor)


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "taken", "a\u202eb", "a\x1bb"])
def test_a_name_that_is_none_or_taken_is_refused(alice: Person, name: str) -> None:
    make(alice, "taken")
    token, _text = make(alice, "job")
    with pytest.raises(ValidationError):
        lifecycle.rename_token(token, name=name, by=alice.actor)
    token.refresh_from_db()
    assert token.name == "job"
    assert not Event.objects.filter(kind=TOKEN_RENAMED.name).exists()


def test_a_revoked_token_keeps_its_name(alice: Person) -> None:
    token, _text = make(alice)
    lifecycle.revoke_token(token, reason="old", by=alice.actor)
    with pytest.raises(ValidationError, match="revoked in the meantime"):
        lifecycle.rename_token(token, name="new", by=alice.actor)


# In whose histories a token shows


def test_a_wide_token_shows_in_the_history_of_its_owner_alone(alice: Person) -> None:
    foo = project_of(alice, "foo")
    token, _text = make(alice)
    lifecycle.rename_token(token, name="other", by=alice.actor)
    lifecycle.revoke_token(token, reason="old", by=alice.actor)
    for kind in (TOKEN_CREATED, TOKEN_RENAMED, TOKEN_REVOKED):
        event = Event.objects.get(kind=kind.name)
        assert event in Event.objects.for_user(alice.user)
        assert event not in Event.objects.for_project(foo)


def test_a_project_learns_of_a_token_for_it_but_of_no_other_project(alice: Person) -> None:
    foo, secret = project_of(alice, "foo"), project_of(alice, "secret")
    make(alice, grant=grant_for(foo, secret, networks=("10.9.8.0/24",)))
    event = Event.objects.get(kind=TOKEN_CREATED.name)
    assert event in Event.objects.for_project(foo)
    assert event.fields["scope"] == "chosen projects"
    assert "secret" not in str(event.fields)
    assert "10.9.8.0" not in str(event.fields)
