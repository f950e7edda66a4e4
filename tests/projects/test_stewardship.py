"""What staff do with projects: archive, delete, limit, hand over, and remove contents at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone

from accounts import notices
from accounts.models import AuthenticatorApp, OutboxMail
from audit.models import Event
from projects import storage
from projects.events import (
    CONTENT_REMOVED_BY_STAFF,
    PROJECT_DELETED_BY_STAFF,
    PROJECT_LIMITS_CHANGED,
)
from projects.models import (
    BurntFilename,
    DeletedProject,
    File,
    Invitation,
    ProhibitedName,
    Project,
    Role,
)
from projects.operations import contents, lifecycle, project_names, quarantine, roles, size_limits
from projects.operations.publishing import create_project, publish_file
from tests.accounts.doors import count_events, hidden_fields, text_of_page
from tests.projects.conftest import Publish
from tests.projects.shelves import new_file
from tests.support.artifacts import make_wheel
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
REASON = "The project is abandoned."
MIB = 1 << 20


@pytest.fixture
def paul(_database: None) -> Person:
    """Somebody of the group Projects."""
    return make_person("paul", group="Projects")


def archive(project: Project, by: Person, *, is_archived: bool = True) -> None:
    lifecycle.archive_project_as_staff(project, is_archived=is_archived, reason=REASON, by=by.actor)


def delete(project: Project, by: Person, *, prohibits_name: bool = False) -> None:
    lifecycle.delete_project_as_staff(
        project, prohibits_name=prohibits_name, reason=REASON, by=by.actor
    )


def limit(project: Project, by: Person, file: int | None, total: int | None = None) -> None:
    size_limits.change_limits(project, file=file, total=total, reason=REASON, by=by.actor)


def body_of(notice: str) -> str:
    mail = OutboxMail.objects.filter(notice=notice).first()
    assert mail is not None
    return " ".join(str(notices.render(mail).body).split())


def test_staff_archive_and_open_a_project_again(
    foo: Project, publish: Publish, paul: Person, tool: Client
) -> None:
    publish("1.0")
    archive(foo, paul)
    assert "archived" in tool.get("/simple/foo/").content.decode()
    with pytest.raises(PermissionDenied, match="archived"):
        publish("2.0")
    assert REASON in body_of("project_archived")
    archive(foo, paul, is_archived=False)
    publish("2.0")
    assert REASON in body_of("project_unarchived")


def test_what_is_so_already_or_in_quarantine_is_not_archived(foo: Project, paul: Person) -> None:
    with pytest.raises(ValidationError, match="in the meantime"):
        archive(foo, paul, is_archived=False)
    quarantine.quarantine_projects([foo], reason=REASON, by=paul.actor)
    with pytest.raises(ValidationError, match="in quarantine"):
        archive(foo, paul)
    assert Project.objects.get().is_quarantined


def test_staff_delete_a_quarantined_project_for_good(
    foo: Project, publish: Publish, paul: Person, tool: Client
) -> None:
    publish("1.0")
    quarantine.quarantine_projects([foo], reason=REASON, by=paul.actor)
    delete(foo, paul)
    assert tool.get("/simple/foo/").status_code == 404
    event = Event.objects.get(kind=PROJECT_DELETED_BY_STAFF.name)
    assert (event.actor_label, event.fields["files"], event.fields["reason"]) == ("paul", 1, REASON)
    assert DeletedProject.objects.get().deleted_by == "paul"
    assert BurntFilename.objects.count() == 1
    assert REASON in body_of("project_deleted")


@pytest.mark.parametrize("prohibits_name", [False, True])
def test_former_owners_get_the_name_again_unless_it_is_prohibited(
    foo: Project, alice: Person, paul: Person, prohibits_name: bool
) -> None:
    delete(foo, paul, prohibits_name=prohibits_name)
    if prohibits_name:
        with pytest.raises(ValidationError, match="not allowed here"):
            create_project("Foo", by=alice.actor)
    else:
        assert create_project("Foo", by=alice.actor)


def test_the_page_of_deletion_asks_for_the_name(
    browser: Browser, foo: Project, paul: Person
) -> None:
    client, address = browser(paul), f"/admin/projects/project/{foo.pk}/delete-project/"
    page = client.post(address, {"typed": "foo", "reason": REASON})
    assert "Nothing was deleted" in text_of_page(page)
    done = client.post(address, {"typed": "Foo", "prohibits_name": "on", "reason": REASON})
    assert done["Location"] == "/admin/projects/project/"
    assert not Project.objects.exists()
    assert ProhibitedName.objects.filter(normalized_name="foo").exists()


def test_a_limit_of_nothing_is_recorded_as_one(foo: Project, paul: Person, settings: Any) -> None:
    limit(foo, paul, 0, 0)
    fields = Event.objects.get(kind=PROJECT_LIMITS_CHANGED.name).fields
    assert (fields["file"], fields["total"]) == (0, 0)
    assert fields["former_total"] == settings.PROJECT_SIZE_LIMIT
    limit(foo, paul, None)
    fields = Event.objects.filter(kind=PROJECT_LIMITS_CHANGED.name).latest("number").fields
    assert (fields["former_file"], fields["former_total"]) == (0, 0)
    assert fields["file"] == settings.UPLOAD_SIZE_LIMIT


def test_a_lower_limit_refuses_the_next_file_and_keeps_what_is_there(
    foo: Project, publish: Publish, paul: Person
) -> None:
    publish("1.0")
    Project.objects.update(file_size_limit=5 * MIB)
    limit(foo, paul, 1 * MIB, 2 * MIB)
    with pytest.raises(ValidationError, match="limit of this project is 1 MiB"):
        publish("2.0", size=1 * MIB + 1)
    File.objects.update(size=2 * MIB)
    with pytest.raises(ValidationError, match="may have 2 MiB"):
        publish("2.0")
    assert File.objects.count() == 1
    assert "a file may have 1 MiB, and all files together 2 MiB" in body_of(
        "project_limits_changed"
    )


def test_a_higher_limit_lets_more_in_than_the_site_does(
    foo: Project, publish: Publish, paul: Person, settings: Any
) -> None:
    settings.PROJECT_SIZE_LIMIT = 1
    with pytest.raises(ValidationError, match="too large"):
        publish("1.0")
    limit(foo, paul, None, 5 * MIB)
    publish("1.0")
    event = Event.objects.filter(kind="staff:project:limits-changed").get()
    assert (event.fields["former_total"], event.fields["total"]) == (1, 5 * MIB)


def test_a_file_limit_above_what_the_door_takes_is_refused(
    foo: Project, paul: Person, settings: Any
) -> None:
    with pytest.raises(ValidationError, match="takes no file above"):
        limit(foo, paul, settings.UPLOAD_SIZE_LIMIT + 1)
    with pytest.raises(ValidationError, match="already"):
        limit(foo, paul, None)


def test_the_page_of_limits_takes_mebibytes_and_nothing_for_the_sites_own(
    browser: Browser, foo: Project, paul: Person
) -> None:
    client, address = browser(paul), f"/admin/projects/project/{foo.pk}/limits/"

    def send(**fields: str) -> Any:
        seen = hidden_fields(client.get(address))
        return client.post(address, {"total": "", "reason": REASON} | seen | fields)

    send(file="7")
    assert Project.objects.get().file_size_limit == 7 * MIB
    assert 'value="7"' in client.get(address).content.decode()
    send(file="")
    assert Project.objects.get().file_size_limit is None
    for wrong in ("0", "-1", "many"):
        assert 'class="errorlist"' in send(file=wrong).content.decode()


def test_limits_that_were_changed_meanwhile_are_looked_at_again(
    browser: Browser, foo: Project, paul: Person, sam: Person
) -> None:
    client, address = browser(paul), f"/admin/projects/project/{foo.pk}/limits/"
    form = {"file": "7", "total": "", "reason": REASON} | hidden_fields(client.get(address))
    limit(foo, sam, 3 * MIB)
    page = client.post(address, form)
    assert "Somebody else changed this in the meantime" in text_of_page(page)
    assert 'value="3"' in page.content.decode()
    assert Project.objects.get().file_size_limit == 3 * MIB
    assert client.post(address, form | hidden_fields(page)).status_code == 302
    assert Project.objects.get().file_size_limit == 7 * MIB


def test_a_project_that_is_handed_over_has_one_owner_and_no_invitation(
    shared: Project, alice: Person, bob: Person, mallory: Person, paul: Person
) -> None:
    roles.invite([shared], make_person("carol").user, "owner", by=alice.actor)
    roles.transfer_as_staff(shared, mallory.user, reason=REASON, by=paul.actor)
    role = Role.objects.get()
    assert (role.user, role.kind) == (mallory.user, "owner")
    assert not Invitation.objects.open().exists()
    assert OutboxMail.objects.get(notice="invitation_revoked").recipient_name == "carol"
    mails = OutboxMail.objects.filter(notice="project_transferred")
    assert {mail.recipient for mail in mails} == {alice.email, bob.email, mallory.email}
    assert REASON in body_of("project_transferred")
    event = Event.objects.for_user(bob.user).first()
    assert event is not None
    assert event.kind == "staff:project:transferred"
    with pytest.raises(PermissionDenied):
        publish_file(shared, new_file(*make_wheel("foo", "3.0")), by=alice.actor)


def test_a_maintainer_becomes_the_owner(shared: Project, bob: Person, paul: Person) -> None:
    roles.transfer_as_staff(shared, bob.user, reason=REASON, by=paul.actor)
    role = Role.objects.get()
    assert (role.user, role.kind) == (bob.user, "owner")
    with pytest.raises(ValidationError, match="only owner already"):
        roles.transfer_as_staff(shared, bob.user, reason=REASON, by=paul.actor)


def test_a_project_goes_neither_to_staff_themselves_nor_to_who_lacks_a_factor(
    foo: Project, mallory: Person, paul: Person
) -> None:
    with pytest.raises(PermissionDenied, match="their own account"):
        roles.transfer_as_staff(foo, paul.user, reason=REASON, by=paul.actor)
    AuthenticatorApp.objects.filter(user=mallory.user).delete()
    with pytest.raises(PermissionDenied, match="second factor"):
        roles.transfer_as_staff(foo, mallory.user, reason=REASON, by=paul.actor)
    assert Role.objects.get().user.username == "alice"


def test_the_content_of_a_deleted_file_is_removed_at_once_and_its_name_stays_burnt(
    browser: Browser, foo: Project, publish: Publish, alice: Person, paul: Person
) -> None:
    file = publish("1.0")
    lifecycle.delete_file(file, by=alice.actor)
    burnt = BurntFilename.objects.get()
    client = browser(paul)
    address = f"/admin/projects/burntfilename/{burnt.pk}/remove-content/"
    assert client.post(address, {"reason": "The file holds a secret."}).status_code == 302
    assert not storage.exists(file.blake2b_256)
    event = Event.objects.get(kind=CONTENT_REMOVED_BY_STAFF.name)
    assert (event.fields["filename"], event.actor_label) == (file.filename, "paul")
    page = client.post(address, {"reason": "The file holds a secret."})
    assert "This content was removed" in text_of_page(page)
    with pytest.raises(ValidationError, match="was used"):
        publish("1.0")


def test_a_content_that_another_file_has_stays(
    foo: Project, publish: Publish, paul: Person
) -> None:
    file = publish("1.0")
    burnt = BurntFilename.objects.create(
        filename="bar-1.0.tar.gz",
        blake2b_256=file.blake2b_256,
        burnt_at=timezone.now() - timedelta(days=1),
    )
    with pytest.raises(ValidationError, match="Another file has the same content"):
        contents.remove_content_as_staff(burnt, reason=REASON, by=paul.actor)
    assert storage.exists(file.blake2b_256)
    assert count_events(CONTENT_REMOVED_BY_STAFF) == 0


def prohibit(name: str, by: Person, person: Person | None = None) -> ProhibitedName:
    return project_names.prohibit_project_name(
        name, reserved_for=person.user if person else None, reason=REASON, by=by.actor
    )


def test_a_prohibited_name_is_nobodys_until_it_is_allowed_again(
    alice: Person, paul: Person
) -> None:
    row = prohibit("Inner_Tool", paul)
    with pytest.raises(ValidationError, match="not allowed here"):
        create_project("inner.tool", by=alice.actor)
    project_names.allow_project_name(row, reason=REASON, by=paul.actor)
    assert create_project("inner.tool", by=alice.actor)


def test_a_reserved_name_is_for_one_person_who_is_told(
    alice: Person, bob: Person, paul: Person
) -> None:
    prohibit("inner-tool", paul, bob)
    assert "reserved the project name inner-tool for you" in body_of("project_name_reserved")
    assert OutboxMail.objects.get(notice="project_name_reserved").recipient == bob.email
    with pytest.raises(ValidationError, match="not allowed here"):
        create_project("inner-tool", by=alice.actor)
    assert create_project("inner-tool", by=bob.actor)


def test_a_name_is_prohibited_once_and_never_reserved_for_oneself(paul: Person) -> None:
    prohibit("inner-tool", paul)
    with pytest.raises(ValidationError, match="already"):
        prohibit("Inner.Tool", paul)
    with pytest.raises(ValidationError, match="cannot be the name"):
        prohibit("-", paul)
    with pytest.raises(PermissionDenied, match="their own account"):
        prohibit("other", paul, paul)


def test_the_page_reserves_a_name_for_an_account_that_is_there(
    browser: Browser, bob: Person, paul: Person
) -> None:
    client, address = browser(paul), "/admin/projects/prohibitedname/act/prohibit-project-name/"
    fields = {"name": "Inner", "reserved_for": "nobody-here", "reason": REASON}
    assert "There is no account of this name" in text_of_page(client.post(address, fields))
    page = client.post(address, fields | {"reserved_for": "Bob"}, follow=True)
    assert "The name inner is reserved for bob" in text_of_page(page)


def test_a_freed_name_is_for_everybody(foo: Project, mallory: Person, paul: Person) -> None:
    delete(foo, paul)
    stone = DeletedProject.objects.get()
    with pytest.raises(ValidationError, match="deleted project"):
        create_project("Foo", by=mallory.actor)
    project_names.free_project_name(stone, reason=REASON, by=paul.actor)
    assert create_project("Foo", by=mallory.actor)
    with pytest.raises(ValidationError, match="is free by now"):
        project_names.free_project_name(stone, reason=REASON, by=paul.actor)


@pytest.mark.parametrize("group", ["Auditor", "Support", ""])
def test_other_groups_do_none_of_it(
    foo: Project, publish: Publish, bob: Person, paul: Person, group: str
) -> None:
    publish("1.0")
    other = make_person("other", group=group)
    row = prohibit("inner", paul)
    burnt = BurntFilename.objects.create(filename="x-1.tar.gz", blake2b_256="0" * 64)
    stone = DeletedProject.objects.create(
        project_id=foo.pk, name="x", normalized_name="x", serial=1, deleted_by="paul"
    )
    before = Event.objects.count()
    for act in (
        lambda: archive(foo, other),
        lambda: delete(foo, other),
        lambda: limit(foo, other, MIB),
        lambda: roles.transfer_as_staff(foo, bob.user, reason=REASON, by=other.actor),
        lambda: contents.remove_content_as_staff(burnt, reason=REASON, by=other.actor),
        lambda: prohibit("outer", other),
        lambda: project_names.allow_project_name(row, reason=REASON, by=other.actor),
        lambda: project_names.free_project_name(stone, reason=REASON, by=other.actor),
    ):
        with pytest.raises(PermissionDenied, match="Your staff group"):
            act()
    assert Event.objects.count() == before
