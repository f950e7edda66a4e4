"""The pages of owners and maintainers: what they show, what they do, and whom they let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.login import SUDO_AT
from accounts.operations.freezing import freeze_accounts
from audit.actors import command
from audit.models import Event
from projects.models import File, Invitation, Project, Release, Role
from projects.operations import roles
from projects.operations.publishing import create_project, yank_release
from tests.projects.test_pages import text
from tests.support.people import Person

Open = Callable[..., Client]


FILE = "foo-1.0-py3-none-any.whl"
PAGES = [
    "",
    "release/1.0/",
    "release/1.0/yank/",
    "release/1.0/unyank/",
    "release/1.0/delete/",
    f"file/{FILE}/delete/",
    "people/",
    "people/invite/",
    "people/bob/role/",
    "people/bob/remove/",
    "history/",
    "history.csv",
    "history.json",
    "settings/",
    "archive/",
    "transfer/",
    "delete/",
]


@pytest.mark.parametrize("page", PAGES)
def test_an_owner_sees_every_page(page: str, shared: Project, owner: Client) -> None:
    response = owner.get(f"/manage/project/foo/{page}")
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["foo", "nothing"])
def test_strangers_learn_nothing(
    page: str, name: str, shared: Project, mallory: Person, browser: Open
) -> None:
    client = browser(mallory)
    fields = {"typed": "Foo", "username": "mallory", "kind": "owner", "reason": "x"}
    assert client.get(f"/manage/project/{name}/{page}").status_code == 404
    if not page.startswith("history"):
        assert client.post(f"/manage/project/{name}/{page}", fields).status_code in {404, 405}
    assert shared.files.count() == 1
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("release/1.0/yank/", {"reason": "x"}),
        ("release/1.0/delete/", {"typed": "1.0"}),
        (f"file/{FILE}/delete/", {"typed": FILE}),
        ("people/invite/", {"username": "mallory", "kind": "owner"}),
        ("people/alice/role/", {"kind": "maintainer"}),
        ("people/alice/remove/", {}),
        ("archive/", {"status": "archived"}),
        ("transfer/", {"username": "mallory"}),
        ("delete/", {"typed": "Foo"}),
    ],
)
def test_a_maintainer_is_refused_with_a_sentence(
    page: str, fields: Any, shared: Project, bob: Person, mallory: Person, browser: Open
) -> None:
    number = Event.objects.latest("number").number
    response = browser(bob).post(f"/manage/project/foo/{page}", fields)
    assert "Only owners of the project Foo" in text(response)
    assert Event.objects.filter(number__gt=number, kind__startswith="project:").count() == 0


@pytest.mark.parametrize("page", ["", "release/1.0/", "people/", "settings/"])
def test_a_maintainer_is_offered_nothing_that_is_refused(
    page: str, shared: Project, bob: Person, browser: Open
) -> None:
    page = text(browser(bob).get(f"/manage/project/foo/{page}"))
    for part in ("/yank/", "/delete/", "/invite/", "/archive/", "/transfer/", "/alice/remove/"):
        assert part not in page


SUDO_PAGES = [
    "release/1.0/yank/",
    "release/1.0/unyank/",
    "release/1.0/delete/",
    f"file/{FILE}/delete/",
    "people/invite/",
    "people/bob/role/",
    "people/bob/remove/",
    "archive/",
    "transfer/",
    "delete/",
]


@pytest.mark.parametrize("page", SUDO_PAGES)
def test_what_weighs_asks_for_the_password_again(page: str, shared: Project, owner: Client) -> None:
    session = owner.session
    session[SUDO_AT] = 0
    session.save()
    response = owner.post(f"/manage/project/foo/{page}", {"typed": "Foo", "kind": "owner"})
    assert response.status_code == 403
    assert "Confirm it is you" in text(response)
    assert Project.objects.get().status == "active"


# Releases


def test_a_release_is_yanked_and_taken_back(shared: Project, owner: Client) -> None:
    address = "/manage/project/foo/release/1.0/"
    response = owner.post(f"{address}yank/", {"reason": "loses data"}, follow=True)
    assert response.redirect_chain == [(address, 302)]
    assert "Version 1.0 was yanked." in text(response)
    assert "Reason: loses data" in text(response)
    assert "It is kept in the history" in text(owner.get(f"{address}unyank/"))
    response = owner.post(f"{address}unyank/", {"reason": "the data is there"}, follow=True)
    assert "no longer yanked" in text(response)
    assert not Release.objects.get().is_yanked
    assert Event.objects.latest("number").fields["reason"] == "the data is there"
    assert "the data is there" in text(owner.get("/manage/project/foo/history/"))


def test_a_yank_is_taken_back_without_a_reason_but_not_with_a_long_one(
    shared: Project, owner: Client, alice: Person
) -> None:
    yank_release(Release.objects.get(), by=alice.actor)
    page = "/manage/project/foo/release/1.0/unyank/"
    assert "at most 300 characters" in text(owner.post(page, {"reason": "x" * 301}))
    assert Release.objects.get().is_yanked
    owner.post(page)
    assert not Release.objects.get().is_yanked


def test_the_reason_of_a_yank_can_be_changed(shared: Project, owner: Client, alice: Person) -> None:
    yank_release(Release.objects.get(), by=alice.actor, reason="first")
    page = "/manage/project/foo/release/1.0/yank/"
    assert 'value="first"' in text(owner.get(page))
    owner.post(page, {"reason": "second"})
    assert Release.objects.get().yanked_reason == "second"


def test_a_release_says_who_uploaded_its_files_and_how(shared: Project, owner: Client) -> None:
    page = text(owner.get("/manage/project/foo/release/1.0/"))
    assert "with the token release job · second factor: authenticator app" in page


@pytest.mark.parametrize("version", ["1", "1.0.0", "v1.0"])
def test_a_release_is_found_in_any_spelling(version: str, shared: Project, owner: Client) -> None:
    assert owner.get(f"/manage/project/foo/release/{version}/").status_code == 200


@pytest.mark.parametrize("version", ["9", "nonsense", "%00"])
def test_a_release_that_is_not_there_is_not_found(
    version: str, shared: Project, owner: Client
) -> None:
    response = owner.get(f"/manage/project/foo/release/{version}/")
    assert response.status_code in {400, 404}


@pytest.mark.parametrize(
    ("page", "right", "wrong", "gone"),
    [
        ("release/1.0/delete/", "1.0", ["", "1", "1.0 1.0", "Foo"], Release),
        (f"file/{FILE}/delete/", FILE, ["", "foo", FILE.upper()], File),
        ("delete/", "Foo", ["", "foo", "FOO", "bar"], Project),
    ],
)
def test_what_is_deleted_is_named_exactly(
    page: str, right: str, wrong: list[str], gone: Any, shared: Project, owner: Client
) -> None:
    for typed in wrong:
        response = owner.post(f"/manage/project/foo/{page}", {"typed": typed})
        assert response.status_code == 200
        assert gone.objects.count() == 1
    response = owner.post(f"/manage/project/foo/{page}", {"typed": right}, follow=True)
    assert "was deleted." in text(response)
    assert not gone.objects.exists()


def test_a_get_deletes_nothing(shared: Project, owner: Client) -> None:
    owner.get("/manage/project/foo/delete/", {"typed": "Foo"})
    assert Project.objects.exists()


def test_an_act_on_what_was_deleted_meanwhile_is_not_found(shared: Project, owner: Client) -> None:
    owner.post("/manage/project/foo/delete/", {"typed": "Foo"})
    for page in PAGES:
        assert owner.get(f"/manage/project/foo/{page}").status_code == 404


def test_a_quarantined_project_says_that_nothing_can_be_done(
    shared: Project, owner: Client
) -> None:
    Project.objects.update(status="quarantined")
    page = text(owner.get("/manage/project/foo/release/1.0/"))
    assert "This project is quarantined" in page
    assert "/yank/" not in page
    response = owner.post("/manage/project/foo/delete/", {"typed": "Foo"})
    assert "nothing in it can be changed" in text(response)
    assert Project.objects.exists()


def test_a_project_is_archived_and_made_active_again(shared: Project, owner: Client) -> None:
    page = "/manage/project/foo/archive/"
    assert "Archive Foo?" in text(owner.get(page))
    for _press in range(2):
        assert "Foo is archived." in text(owner.post(page, {"status": "archived"}, follow=True))
    assert "Make Foo active again?" in text(owner.get(page))
    for _press in range(2):
        assert "Foo is active again." in text(owner.post(page, {"status": "active"}, follow=True))


@pytest.mark.parametrize("status", ["", "quarantined", "nonsense"])
def test_a_status_that_nobody_asked_for_is_not_given(
    status: str, shared: Project, owner: Client
) -> None:
    page = text(owner.post("/manage/project/foo/archive/", {"status": status}))
    assert '<input type="hidden" name="status" value="archived"' in page
    assert Project.objects.get().status == "active"


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_list_of_releases_costs_the_same_with_many(
    count: int,
    foo: Project,
    many: Callable[[Project, int], None],
    owner: Client,
    django_assert_max_num_queries: Any,
) -> None:
    many(foo, count)
    for queries in (14, 13):  # the order of the releases is remembered
        with django_assert_max_num_queries(queries):
            page = text(owner.get("/manage/project/foo/"))
    assert ("Page 1 of 10" in page) == (count == 500)
    assert ("Nothing was released yet" in page) == (count == 0)


def test_a_version_is_found_among_many(
    foo: Project, many: Callable[[Project, int], None], owner: Client
) -> None:
    many(foo, 500)
    page = text(owner.get("/manage/project/foo/", {"q": "9.41"}))
    assert page.count('scope="row"') == 11  # 9.41 and 9.410 to 9.419
    assert "No version holds “x&lt;y”" in text(owner.get("/manage/project/foo/", {"q": "x<y"}))


def test_the_files_of_a_release_have_pages(
    foo: Project, many: Callable[[Project, int], None], owner: Client
) -> None:
    many(foo, 150)
    File.objects.update(release=foo.releases.get(version="9.1"))
    page = text(owner.get("/manage/project/foo/release/9.1/"))
    assert "150 files" in page
    assert "Page 1 of 2" in page


# People


def test_somebody_is_invited_and_accepts(
    shared: Project, owner: Client, mallory: Person, browser: Open
) -> None:
    response = owner.post(
        "/manage/project/foo/people/invite/",
        {"username": "Mallory", "kind": "maintainer"},
        follow=True,
    )
    invitation = Invitation.objects.get()
    link = f"http://localhost:8000/manage/invitations/{invitation.pk}/"
    assert link in text(response)
    invited = browser(mallory)
    assert "One role is offered to you" in text(invited.get("/manage/projects/"))
    page = text(invited.get(f"/manage/invitations/{invitation.pk}/"))
    assert "Become maintainer of Foo?" in page
    response = invited.post(
        f"/manage/invitations/{invitation.pk}/", {"answer": "accept"}, follow=True
    )
    assert "1 invitation was accepted." in text(response)
    assert Role.objects.get(user=mallory.user).kind == "maintainer"


def test_an_invitation_is_declined(
    shared: Project, owner: Client, mallory: Person, alice: Person, browser: Open
) -> None:
    invitation = roles.invite([shared], mallory.user, "owner", by=alice.actor)[0]
    response = browser(mallory).post(
        f"/manage/invitations/{invitation.pk}/", {"answer": "decline"}, follow=True
    )
    assert "1 invitation was declined." in text(response)
    assert not Role.objects.filter(user=mallory.user).exists()


@pytest.mark.parametrize("answer", [{}, {"answer": ""}, {"answer": "yes"}, {"answer": "Accept"}])
@pytest.mark.parametrize("is_of_one", [True, False])
def test_an_answer_that_is_not_understood_uses_no_invitation_up(
    is_of_one: bool,
    answer: dict[str, str],
    shared: Project,
    mallory: Person,
    alice: Person,
    browser: Open,
) -> None:
    invitation = roles.invite([shared], mallory.user, "owner", by=alice.actor)[0]
    address = f"/manage/invitations/{invitation.pk}/" if is_of_one else "/manage/invitations/"
    client = browser(mallory)
    response = client.post(address, {"invitation": [str(invitation.pk)], **answer})
    assert "Choose whether to accept or to decline." in text(response)
    assert Invitation.objects.open().filter(pk=invitation.pk).exists()
    assert "Choose whether" not in text(client.get(address))
    client.post(address, {"invitation": [str(invitation.pk)], "answer": "accept"})
    assert Role.objects.get(user=mallory.user).kind == "owner"


def test_a_link_is_of_no_use_to_others(
    shared: Project, mallory: Person, bob: Person, alice: Person, browser: Open
) -> None:
    invitation = roles.invite([shared], mallory.user, "owner", by=alice.actor)[0]
    address = f"/manage/invitations/{invitation.pk}/"
    assert browser(bob).get(address).status_code == 404
    assert browser(bob).post(address, {"answer": "accept"}).status_code == 404
    response = browser().get(address)
    assert response["Location"].startswith("/account/sign-in/?next=/manage/invitations/")


@pytest.mark.parametrize("how", ["answered", "taken back"])
def test_an_invitation_that_has_ended_says_so(
    how: str, shared: Project, owner: Client, mallory: Person, alice: Person, browser: Open
) -> None:
    invitation = roles.invite([shared], mallory.user, "owner", by=alice.actor)[0]
    if how == "answered":
        roles.decline_invitation(invitation, by=mallory.actor)
    else:
        owner.post(f"/manage/project/foo/invitations/{invitation.pk}/revoke/")
    client, address = browser(mallory), f"/manage/invitations/{invitation.pk}/"
    for response in (client.get(address), client.post(address, {"answer": "accept"})):
        assert response.status_code == 410
        assert "This invitation has ended" in text(response)
    assert not Role.objects.filter(user=mallory.user).exists()


def test_a_deployer_is_invited_to_many_projects_and_accepts_all(
    alice: Person, bob: Person, browser: Open
) -> None:
    projects = [create_project(f"p{number}", by=alice.actor) for number in range(3)]
    create_project("not-mine", by=bob.actor)
    client = browser(alice)
    page = text(client.get("/manage/projects/invite/"))
    assert "not-mine" not in page
    response = client.post(
        "/manage/projects/invite/",
        {"username": "bob", "kind": "maintainer", "projects": [str(one.pk) for one in projects]},
        follow=True,
    )
    assert "The invitations are on their way." in text(response)
    deployer = browser(bob)
    chosen = [str(row.pk) for row in Invitation.objects.all()]
    response = deployer.post(
        "/manage/invitations/", {"invitation": chosen, "answer": "accept"}, follow=True
    )
    assert "3 invitations were accepted." in text(response)
    assert Role.objects.filter(user=bob.user, kind="maintainer").count() == 3


def test_invitations_of_others_are_not_answered_by_the_way(
    shared: Project, alice: Person, bob: Person, mallory: Person, browser: Open
) -> None:
    invitation = roles.invite([shared], mallory.user, "owner", by=alice.actor)[0]
    browser(bob).post(
        "/manage/invitations/", {"invitation": [str(invitation.pk), "x"], "answer": "accept"}
    )
    assert Invitation.objects.open().count() == 1


def test_a_user_name_that_nobody_has_is_said_so(shared: Project, owner: Client) -> None:
    for username in ("nobody", "a\x00b", "ö" * 40):
        response = owner.post(
            "/manage/project/foo/people/invite/", {"username": username, "kind": "owner"}
        )
        assert response.status_code == 200
    assert not Invitation.objects.exists()


def test_a_role_is_changed_and_ended(shared: Project, owner: Client, bob: Person) -> None:
    owner.post("/manage/project/foo/people/bob/role/", {"kind": "owner"})
    assert Role.objects.get(user=bob.user).kind == "owner"
    owner.post("/manage/project/foo/people/bob/role/", {"kind": "nonsense"})
    assert Role.objects.get(user=bob.user).kind == "owner"
    response = owner.post("/manage/project/foo/people/BOB/remove/", follow=True)
    assert "bob was removed." in text(response)
    assert not Role.objects.filter(user=bob.user).exists()


def test_a_frozen_account_is_named_so_and_no_link_leads_nowhere(
    shared: Project, owner: Client, bob: Person
) -> None:
    freeze_accounts([bob.user], reason="stolen", by=command("a test"))
    page = text(owner.get("/manage/project/foo/people/"))
    assert '<th scope="row">bob <span class="badge">frozen</span></th>' in page
    assert '<a href="/user/alice/">alice</a>' in page


def test_the_only_owner_who_wants_to_leave_is_told_why_not(
    shared: Project, owner: Client, alice: Person
) -> None:
    response = owner.post("/manage/project/foo/people/alice/remove/")
    assert "alice is the only owner. Make somebody else an owner first" in text(response)
    assert Role.objects.filter(user=alice.user).exists()


def test_a_maintainer_leaves(shared: Project, bob: Person, browser: Open) -> None:
    response = browser(bob).post("/manage/project/foo/people/bob/remove/", follow=True)
    assert "You left Foo." in text(response)


def test_a_project_is_handed_over(
    shared: Project, owner: Client, mallory: Person, browser: Open
) -> None:
    response = owner.post("/manage/project/foo/transfer/", {"username": "mallory"}, follow=True)
    assert "mallory is to take the place of alice" in text(response).replace(
        "<strong>mallory</strong>", "mallory"
    )
    invitation = Invitation.objects.get()
    page = text(browser(mallory).get(f"/manage/invitations/{invitation.pk}/"))
    assert "You take the place of alice" in page


# The list


def test_who_hands_over_to_somebody_with_a_role_is_told_how(
    shared: Project, owner: Client, alice: Person
) -> None:
    for username in ("bob", "alice"):
        page = text(owner.post("/manage/project/foo/transfer/", {"username": username}))
        assert f"{username} is" in page
        assert ("see that they are an owner, and leave the project" in page) == (username == "bob")


def test_people_with_many_projects_search_them(alice: Person, owner: Client, foo: Project) -> None:
    rows = Project.objects.bulk_create(
        Project(name=f"Plug_in.{number}", normalized_name=f"plug-in-{number}")
        for number in range(60)
    )
    Role.objects.bulk_create(Role(user=alice.user, project=row, kind="owner") for row in rows)
    assert "Page 1 of 2" in text(owner.get("/manage/projects/"))
    page = text(owner.get("/manage/projects/", {"q": "plug_IN.5"}))
    assert page.count('scope="row"') == 11
    assert "None of your projects is named like" in text(
        owner.get("/manage/projects/", {"q": "nothing"})
    )
    second = text(owner.get("/manage/projects/", {"q": "plug", "page": "2"}))
    assert "Page 2 of 2" in second
    assert "?q=plug&amp;page=1" in second


@pytest.mark.parametrize(("count", "has_search"), [(9, False), (49, True)])
def test_a_list_of_fifty_projects_can_be_searched(
    count: int, has_search: bool, alice: Person, owner: Client, foo: Project
) -> None:
    rows = Project.objects.bulk_create(
        Project(name=f"plug-{number}", normalized_name=f"plug-{number}") for number in range(count)
    )
    Role.objects.bulk_create(Role(user=alice.user, project=row, kind="owner") for row in rows)
    assert ('role="search"' in text(owner.get("/manage/projects/"))) == has_search


@pytest.mark.parametrize("page", ["0", "-1", "9999", "x", "1e9", "٣"])
def test_page_numbers_out_of_range_are_answered(page: str, shared: Project, owner: Client) -> None:
    for path in ("/manage/projects/", "/manage/project/foo/", "/manage/project/foo/history/"):
        assert owner.get(path, {"page": page}).status_code == 200
