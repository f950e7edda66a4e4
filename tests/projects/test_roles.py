"""Roles and invitations: offered, taken, changed and ended; and an owner always remains."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.limits import LimitReached
from accounts.models import OutboxMail, User
from accounts.notices import render
from audit.models import Event
from projects.models import Invitation, Project, Role
from projects.operations import roles
from projects.operations.publishing import create_project
from tests.support.clone import Database, race, race_all
from tests.support.people import Person, make_person

Offer = Callable[..., Invitation]


@pytest.fixture
def offer(foo: Project, alice: Person, bob: Person) -> Offer:
    """`offer("owner")` is alice's invitation of bob to foo."""

    def make(kind: str = "maintainer", **more: Any) -> Invitation:
        return roles.invite([foo], bob.user, kind, by=alice.actor, **more)[0]

    return make


def held(project: Project) -> dict[str, str]:
    return {role.user.username: role.kind for role in project.roles.select_related("user")}


def kinds(project: Project) -> list[str]:
    return [event.kind for event in reversed(Event.objects.for_project(project))][2:]


def told() -> list[tuple[str, str]]:
    rows = OutboxMail.objects.order_by("pk").values_list("notice", "recipient_name")
    return sorted(rows)


# Inviting


def test_who_is_no_longer_invited_is_told(foo: Project, offer: Offer, alice: Person) -> None:
    invitation = offer()
    OutboxMail.objects.all().delete()
    roles.revoke_invitation(invitation, by=alice.actor)
    assert told() == [("invitation_revoked", "bob")]
    assert "no longer invited to become maintainer of Foo" in render(OutboxMail.objects.get()).body


def test_an_accepted_invitation_is_a_role(foo: Project, offer: Offer, bob: Person) -> None:
    roles.accept_invitation(offer(), by=bob.actor)
    assert held(foo) == {"alice": "owner", "bob": "maintainer"}
    assert kinds(foo) == [
        "project:invitation:created",
        "project:invitation:accepted",
        "project:role:added",
    ]
    foo.refresh_from_db()
    assert foo.serial == Event.objects.for_project(foo).first().number


def test_an_invitation_is_no_role_yet(foo: Project, offer: Offer) -> None:
    offer()
    assert held(foo) == {"alice": "owner"}


def test_an_invitation_shows_in_the_history_of_whom_it_is_for(offer: Offer, bob: Person) -> None:
    offer()
    assert Event.objects.for_user(bob.user).first().kind == "project:invitation:created"


def test_the_mail_of_an_invitation_holds_its_link(offer: Offer) -> None:
    invitation = offer()
    mail = OutboxMail.objects.get()
    assert (mail.notice, mail.recipient_name) == ("role_offered", "bob")
    body = render(mail).body
    assert f"http://localhost:8000/manage/invitations/{invitation.pk}/" in body
    assert "alice invites you to become maintainer of Foo" in " ".join(body.split())


def test_owners_and_the_new_one_are_told_of_a_role(offer: Offer, bob: Person) -> None:
    invitation = offer()
    OutboxMail.objects.all().delete()
    roles.accept_invitation(invitation, by=bob.actor)
    assert told() == [("role_added", "alice"), ("role_added", "bob")]
    assert "bob is now maintainer of Foo" in render(OutboxMail.objects.first()).subject


def test_one_account_is_invited_to_many_projects_by_one_mail(alice: Person, bob: Person) -> None:
    projects = [create_project(f"p{number}", by=alice.actor) for number in range(5)]
    made = roles.invite(projects, bob.user, "maintainer", by=alice.actor)
    assert {one.project for one in made} == set(projects)
    mail = OutboxMail.objects.get()
    body = " ".join(render(mail).body.split())
    assert "and 4 more projects" in body
    assert "http://localhost:8000/manage/invitations/" in body


def test_an_invitation_to_many_is_for_all_or_none(foo: Project, alice: Person, bob: Person) -> None:
    other = create_project("other", by=bob.actor)
    with pytest.raises(PermissionDenied):
        roles.invite([foo, other], make_person("carol").user, "owner", by=alice.actor)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("count", [0, 201])
def test_an_invitation_is_to_some_projects_and_not_to_all_there_are(
    count: int, foo: Project, alice: Person, bob: Person
) -> None:
    with pytest.raises(ValidationError, match="between 1 and 200"):
        roles.invite([foo] * count, bob.user, "owner", by=alice.actor)


def test_who_has_a_role_is_not_invited(foo: Project, offer: Offer, bob: Person) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    with pytest.raises(ValidationError, match="bob is maintainer of Foo already"):
        offer()


def test_who_is_invited_is_not_invited_again(offer: Offer) -> None:
    offer()
    with pytest.raises(ValidationError, match="has an open invitation"):
        offer("owner")


def test_an_invitation_that_has_ended_does_not_stand_in_the_way(offer: Offer) -> None:
    end(offer())
    offer()


@pytest.mark.parametrize("what", ["closed", "unverified"])
def test_who_cannot_be_reached_is_not_invited(what: str, offer: Offer, bob: Person) -> None:
    if what == "closed":
        User.objects.filter(pk=bob.user.pk).update(is_active=False)
    else:
        bob.user.email_addresses.update(verified_at=None)
    with pytest.raises(ValidationError, match="no verified mail address"):
        offer()


@pytest.mark.parametrize("who", ["maintainer", "stranger"])
def test_only_owners_invite(who: str, foo: Project, bob: Person, mallory: Person) -> None:
    if who == "maintainer":
        Role.objects.create(user=mallory.user, project=foo, kind="maintainer")
    with pytest.raises(PermissionDenied):
        roles.invite([foo], bob.user, "owner", by=mallory.actor)
    assert not Invitation.objects.exists()


def test_nobody_floods_others_with_invitations(
    foo: Project, alice: Person, offer: Offer, bob: Person
) -> None:
    for _turn in range(roles.INVITATIONS.times):
        roles.INVITATIONS.take(str(alice.user.pk))
    with pytest.raises(LimitReached):
        offer()


# Answering


def end(invitation: Invitation) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=past)


@pytest.mark.parametrize("verb", [roles.accept_invitation, roles.decline_invitation])
def test_an_invitation_is_for_one_account(
    verb: Any, foo: Project, offer: Offer, mallory: Person, alice: Person
) -> None:
    invitation = offer()
    for person in (mallory, alice):
        with pytest.raises(PermissionDenied, match="for another account"):
            verb(invitation, by=person.actor)
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize("verb", [roles.accept_invitation, roles.decline_invitation])
@pytest.mark.parametrize("what", ["accepted", "declined", "revoked", "ended"])
def test_an_invitation_is_answered_once(
    what: str, verb: Any, foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    invitation = offer()
    {
        "accepted": lambda: roles.accept_invitation(invitation, by=bob.actor),
        "declined": lambda: roles.decline_invitation(invitation, by=bob.actor),
        "revoked": lambda: roles.revoke_invitation(invitation, by=alice.actor),
        "ended": lambda: end(invitation),
    }[what]()
    number = Event.objects.latest("number").number
    with pytest.raises(ValidationError, match="was answered, was taken back, or has ended"):
        verb(invitation, by=bob.actor)
    assert Event.objects.latest("number").number == number
    assert held(foo).get("bob") == ("maintainer" if what == "accepted" else None)


def test_a_role_cannot_be_accepted_again_after_it_was_removed(
    foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    invitation = offer()
    role = roles.accept_invitation(invitation, by=bob.actor)
    roles.remove_role(role, by=alice.actor)
    with pytest.raises(ValidationError):
        roles.accept_invitation(invitation, by=bob.actor)
    assert held(foo) == {"alice": "owner"}


def test_who_invited_must_still_be_an_owner(
    foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    carol = make_person("carol")
    Role.objects.create(user=carol.user, project=foo, kind="owner")
    invitation = offer()
    roles.remove_role(foo.roles.get(user=alice.user), by=carol.actor)
    with pytest.raises(PermissionDenied, match="alice is no longer an owner"):
        roles.accept_invitation(invitation, by=bob.actor)
    assert held(foo) == {"carol": "owner"}


@pytest.mark.parametrize("verb", ["removed", "demoted", "leaves", "hands over"])
def test_what_an_owner_offered_ends_with_the_ownership(
    verb: str, foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    carol, dave = make_person("carol"), make_person("dave")
    if verb != "hands over":
        Role.objects.create(user=carol.user, project=foo, kind="owner")
    roles.invite([foo], dave.user, "owner", by=alice.actor)
    role = foo.roles.get(user=alice.user)
    if verb == "removed":
        roles.remove_role(role, by=carol.actor)
    elif verb == "leaves":
        roles.remove_role(role, by=alice.actor)
    elif verb == "demoted":
        roles.change_role(role, "maintainer", by=carol.actor)
    else:
        roles.accept_invitation(offer("owner", is_transfer=True), by=bob.actor)
    assert not Invitation.objects.open().exists()
    assert ("invitation_revoked", "dave") in told()
    assert kinds(foo).count("project:invitation:revoked") == 1


def test_a_role_takes_a_second_factor(foo: Project, offer: Offer, bob: Person) -> None:
    invitation = offer()
    bob.app.delete()
    with pytest.raises(PermissionDenied, match="second factor"):
        roles.accept_invitation(invitation, by=bob.actor)
    assert Invitation.objects.open().count() == 1


def test_who_declines_has_no_role_and_the_inviter_is_told(
    foo: Project, offer: Offer, bob: Person
) -> None:
    invitation = offer()
    OutboxMail.objects.all().delete()
    roles.decline_invitation(invitation, by=bob.actor)
    assert held(foo) == {"alice": "owner"}
    assert told() == [("invitation_declined", "alice")]


def test_only_owners_take_an_invitation_back(offer: Offer, mallory: Person, bob: Person) -> None:
    invitation = offer()
    for person in (mallory, bob):
        with pytest.raises(PermissionDenied):
            roles.revoke_invitation(invitation, by=person.actor)
    assert Invitation.objects.open().count() == 1


def test_a_project_that_is_handed_over_changes_hands_at_once(
    foo: Project, offer: Offer, bob: Person
) -> None:
    invitation = offer("owner", is_transfer=True)
    assert held(foo) == {"alice": "owner"}
    roles.accept_invitation(invitation, by=bob.actor)
    assert held(foo) == {"bob": "owner"}
    assert kinds(foo)[-2:] == ["project:role:removed", "project:role:added"]


def test_who_handed_a_project_over_is_told_when_it_is_accepted(
    foo: Project, offer: Offer, bob: Person
) -> None:
    invitation = offer("owner", is_transfer=True)
    OutboxMail.objects.all().delete()
    roles.accept_invitation(invitation, by=bob.actor)
    assert told() == [("role_added", "bob"), ("role_removed", "alice"), ("role_removed", "bob")]
    body = render(OutboxMail.objects.get(recipient_name="alice")).body
    assert "alice is no longer owner of Foo. This was done by bob." in " ".join(body.split())


# Changing and ending


def test_a_maintainer_becomes_an_owner_and_one_again(
    foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    role = roles.accept_invitation(offer(), by=bob.actor)
    roles.change_role(role, "owner", by=alice.actor)
    assert held(foo)["bob"] == "owner"
    roles.change_role(role, "maintainer", by=alice.actor)
    assert held(foo)["bob"] == "maintainer"
    assert kinds(foo)[-2:] == ["project:role:changed"] * 2
    assert Event.objects.for_project(foo).first().fields == {
        "role": "maintainer",
        "former": "owner",
    }


def test_a_role_that_is_so_already_is_no_change(foo: Project, alice: Person) -> None:
    number = Event.objects.latest("number").number
    roles.change_role(foo.roles.get(), "owner", by=alice.actor)
    assert Event.objects.latest("number").number == number


@pytest.mark.parametrize("verb", ["leave", "step down"])
def test_the_last_owner_stays(verb: str, foo: Project, alice: Person, bob: Person) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    role = foo.roles.get(user=alice.user)
    act = {
        "leave": lambda: roles.remove_role(role, by=alice.actor),
        "step down": lambda: roles.change_role(role, "maintainer", by=alice.actor),
    }[verb]
    with pytest.raises(ValidationError, match="alice is the only owner"):
        act()
    assert held(foo) == {"alice": "owner", "bob": "maintainer"}


def test_an_owner_whose_account_is_closed_does_not_count(
    foo: Project, alice: Person, bob: Person
) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="owner")
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    with pytest.raises(ValidationError, match="only owner"):
        roles.remove_role(foo.roles.get(user=alice.user), by=alice.actor)


def test_a_maintainer_leaves(foo: Project, bob: Person) -> None:
    role = Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    bob.app.delete()  # leaving takes no second factor
    roles.remove_role(role, by=bob.actor)
    assert held(foo) == {"alice": "owner"}
    assert told() == [("role_removed", "alice"), ("role_removed", "bob")]


@pytest.mark.parametrize("verb", ["remove", "change"])
def test_a_maintainer_touches_no_other_role(
    verb: str, foo: Project, alice: Person, bob: Person
) -> None:
    own = Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    role = foo.roles.get(user=alice.user)
    act = {
        "remove": lambda: roles.remove_role(role, by=bob.actor),
        "change": lambda: roles.change_role(own, "owner", by=bob.actor),
    }[verb]
    with pytest.raises(PermissionDenied):
        act()
    assert held(foo) == {"alice": "owner", "bob": "maintainer"}


# At the same time


def test_of_two_owners_who_leave_at_once_one_stays(
    committed_db: Database, alice: Person, bob: Person, foo: Project
) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="owner")
    mine, theirs = foo.roles.get(user=alice.user), foo.roles.get(user=bob.user)
    outcomes = race_all(
        [
            lambda: roles.remove_role(mine, by=alice.actor),
            lambda: roles.remove_role(theirs, by=bob.actor),
        ]
    )
    assert [type(one) for one in outcomes].count(ValidationError) == 1
    assert list(held(foo).values()) == ["owner"]


def test_a_hundred_changes_of_roles_at_once_leave_an_owner(
    committed_db: Database, foo: Project, alice: Person
) -> None:
    people = [alice, *(make_person(f"owner{number}") for number in range(4))]
    for person in people[1:]:
        Role.objects.create(user=person.user, project=foo, kind="owner")
    found = list(foo.roles.select_related("user", "project"))

    def churn(role: Role, actor: Any) -> Callable[[], None]:
        def run() -> None:
            for kind in ["maintainer", "owner"] * 5:
                try:
                    roles.change_role(role, kind, by=actor)
                except (PermissionDenied, ValidationError):
                    continue

        return run

    acts = [churn(role, person.actor) for role in found for person in people]
    outcomes = race_all(acts[:10])
    assert outcomes == [None] * 10
    assert "owner" in held(foo).values()


def test_an_invitation_is_accepted_once_however_often_it_is_sent(
    committed_db: Database, foo: Project, offer: Offer, bob: Person
) -> None:
    invitation = offer()
    outcomes = race(4, lambda: roles.accept_invitation(invitation, by=bob.actor))
    assert sum(isinstance(one, Role) for one in outcomes) == 1
    assert held(foo) == {"alice": "owner", "bob": "maintainer"}


def test_an_invitation_is_accepted_or_taken_back(
    committed_db: Database, foo: Project, offer: Offer, alice: Person, bob: Person
) -> None:
    invitation = offer()
    outcomes = race_all(
        [
            lambda: roles.accept_invitation(invitation, by=bob.actor),
            lambda: roles.revoke_invitation(invitation, by=alice.actor),
        ]
    )
    assert sum(isinstance(one, ValidationError) for one in outcomes) == 1
    assert ("bob" in held(foo)) == isinstance(outcomes[0], Role)
