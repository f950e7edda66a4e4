"""Pages for people: the public ones, and those of owners and maintainers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.operations.freezing import freeze_accounts
from audit.actors import command
from projects.models import File, Project, Role
from projects.operations.lifecycle import delete_project
from projects.operations.publishing import create_project, yank_release
from tests.projects.conftest import Publish
from tests.support.people import Person


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


# Home


def test_the_start_page_says_how_to_install(db: None, machine: Client, settings: Any) -> None:
    settings.SITE_URL = "https://index.example.org"
    page = text(machine.get("/"))
    assert "pip install --index-url https://index.example.org/simple/ PROJECT" in page
    assert "Nothing was released yet" in page


def test_the_start_page_shows_the_newest_releases(
    alice: Person, publish: Publish, machine: Client
) -> None:
    for number in range(22):
        publish("1.0", project=create_project(f"p{number}", by=alice.actor))
    page = text(machine.get("/"))
    assert page.index('"/project/p21/"') < page.index('"/project/p2/"')
    assert '"/project/p1/"' not in page
    assert "Nothing was released yet" not in page


def test_a_project_is_on_the_start_page_once(publish: Publish, machine: Client) -> None:
    for number in range(3):
        publish(f"1.{number}")
    page = text(machine.get("/"))
    assert page.count('"/project/foo/"') == 1
    assert "1.2" in page


def test_the_start_page_does_not_name_the_quarantined(publish: Publish, machine: Client) -> None:
    publish("1.0")
    Project.objects.update(status="quarantined")
    assert "/project/foo/" not in text(machine.get("/"))


def test_the_page_of_a_project_names_the_people_whom_its_json_names(
    foo: Project, publish: Publish, machine: Client, alice: Person, bob: Person
) -> None:
    publish("1.0")
    foo.roles.create(user=bob.user, kind="maintainer")
    freeze_accounts([bob.user], reason="stolen", by=command("a test"))
    told = machine.get("/pypi/foo/json").json()["ownership"]["roles"]
    listed = [role.user.username for role in machine.get("/project/foo/").context["roles"]]
    assert listed == [role["user"] for role in told] == ["alice", "bob"]
    page = text(machine.get("/project/foo/"))
    assert '<li>bob <span class="soft">(maintainer)</span></li>' in page  # there is no such page
    assert '<a href="/user/alice/">alice</a>' in page
    assert machine.get("/user/bob/").status_code == 404


@pytest.mark.parametrize("path", ["/", "/project/foo/"])
def test_public_pages_do_not_ask_who_reads(
    path: str, foo: Project, alice: Person, browser: Callable[..., Client], machine: Client
) -> None:
    signed_in = browser(alice).get(path)
    assert "Cookie" not in signed_in.get("Vary", "")
    assert signed_in.content == machine.get(path).content


# A project


def test_a_project_page_shows_its_latest_release(publish: Publish, machine: Client) -> None:
    publish("1.0", summary="Old.")
    file = publish("2.0", summary="Does <foo>.", requires_python=">=3.11")
    publish("3.0rc1", summary="Not yet.")
    page = text(machine.get("/project/foo/"))
    assert "Does &lt;foo&gt;." in page
    assert "Not yet." not in page
    assert file.url in page
    assert file.sha256 in page
    assert "&gt;=3.11" in page
    assert "pip install --index-url http://localhost:8000/simple/ Foo<" in page


def test_a_project_page_names_owners_and_maintainers(
    foo: Project, bob: Person, machine: Client
) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    page = text(machine.get("/project/foo/"))
    assert '<a href="/user/alice/">alice</a> <span class="soft">(owner)' in page
    assert '<a href="/user/bob/">bob</a> <span class="soft">(maintainer)' in page


def test_a_yanked_pre_release_is_marked_as_both(
    publish: Publish, alice: Person, machine: Client
) -> None:
    publish("1.0")
    yank_release(publish("2.0rc1").release, by=alice.actor)
    for path in ("/project/foo/", "/project/foo/releases/"):
        entry = text(machine.get(path)).partition(">2.0rc1</a>")[2].partition("<time")[0]
        assert ">yanked<" in entry
        assert ">pre-release<" in entry


def test_an_older_release_has_its_page(publish: Publish, machine: Client) -> None:
    old = publish("1.0")
    publish("2.0")
    for spelling in ("1.0", "1.0.0", "1"):
        page = text(machine.get(f"/project/foo/{spelling}/"))
        assert old.url in page
        assert "This is not the latest version, which is 2.0" in page
        assert "Foo==1.0<" in page


@pytest.mark.parametrize("version", ["9", "nonsense"])
def test_a_release_that_is_not_there_is_not_found(
    version: str, publish: Publish, machine: Client
) -> None:
    publish("1.0")
    assert machine.get(f"/project/foo/{version}/").status_code == 404


def test_a_yanked_release_is_not_the_latest(
    publish: Publish, alice: Person, machine: Client
) -> None:
    publish("1.0")
    yank_release(publish("2.0").release, by=alice.actor, reason="loses <data>")
    assert "Version 2.0 was yanked" not in text(machine.get("/project/foo/"))
    page = text(machine.get("/project/foo/2.0/"))
    assert "Version 2.0 was yanked" in page
    assert "Reason: loses &lt;data&gt;" in page
    assert "Foo==2.0<" in page


def test_a_description_is_rendered(publish: Publish, machine: Client) -> None:
    described = {
        "description": "# Foo\n\nDoes *foo*. <script>alert(1)</script>",
        "description_content_type": "text/markdown",
    }
    publish("1.0", metadata=described)
    page = text(machine.get("/project/foo/"))
    assert "Does <em>foo</em>." in page
    assert "<script" not in page


def test_a_description_without_a_type_that_is_no_rst_is_text(
    publish: Publish, machine: Client
) -> None:
    publish("1.0", metadata={"description": "Foo\n==\n\n`x <b>"})
    assert "<pre>Foo\n==\n\n`x &lt;b&gt;</pre>" in machine.get("/project/foo/").content.decode()


def test_a_project_page_tells_what_the_metadata_tells(publish: Publish, machine: Client) -> None:
    publish(
        "1.0",
        metadata={
            "license_expression": "Apache-2.0",
            "author": "Ann <b>",
            "requires_dist": ["bar>=1; extra == 'all'"],
            "provides_extra": ["all"],
            "keywords": ["one", "two"],
            "classifiers": ["Typing :: Typed"],
        },
    )
    page = text(machine.get("/project/foo/"))
    for part in ("Apache-2.0", "Ann &lt;b&gt;", "bar&gt;=1;", "one, two", "Typing :: Typed"):
        assert part in page
    assert "Requires 1 project<" in page


def test_a_licence_that_is_a_whole_text_is_left_out(publish: Publish, machine: Client) -> None:
    publish("1.0", metadata={"license": "Permission is hereby granted\n" * 20})
    assert "Permission is hereby" not in text(machine.get("/project/foo/"))


def test_only_web_links_are_links(publish: Publish, machine: Client) -> None:
    publish(
        "1.0",
        metadata={
            "home_page": "javascript:alert(1)",
            "project_urls": [
                ["Docs", "https://docs.example.org/"],
                ["Bad", "javascript:alert(2)"],
                ["Worse", "data:text/html,x"],
                ["Broken", "http://[::1"],
                ["Upper", "JAVASCRIPT:alert(3)"],
                ["With a host", "javascript://docs.example.org/%0aalert(4)"],
                ["Other", "ftp://files.example.org/"],
            ],
        },
    )
    page = text(machine.get("/project/foo/"))
    assert '<a href="https://docs.example.org/" rel="nofollow noopener">Docs</a>' in page
    for bad in ("javascript:", "JAVASCRIPT:", "data:text", "[::1", "ftp:"):
        assert bad not in page


def test_a_quarantined_project_shows_no_files(publish: Publish, machine: Client) -> None:
    file = publish("1.0")
    Project.objects.update(status="quarantined")
    page = text(machine.get("/project/foo/"))
    assert "This project is quarantined" in page
    assert file.url not in page
    assert machine.get("/project/foo/1.0/").status_code == 404


def test_an_archived_project_says_so(publish: Publish, machine: Client) -> None:
    file = publish("1.0")
    Project.objects.update(status="archived")
    page = text(machine.get("/project/foo/"))
    assert "This project is archived" in page
    assert file.url in page


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/project/Foo/", "/project/foo/"),
        ("/project/F.o_o/1.0/", "/project/f-o-o/1.0/"),
        ("/project/F.o_o/releases/", "/project/f-o-o/releases/"),
        ("/project/Foo/report/", "/project/foo/report/"),
        ("/project/Foo/?page=2", "/project/foo/?page=2"),
        ("/project/Foo/releases/?page=%C3%A9", "/project/foo/releases/?page=%C3%A9"),
    ],
)
def test_a_project_has_one_page(path: str, target: str, foo: Project, machine: Client) -> None:
    response = machine.get(path)
    assert (response.status_code, response["Location"]) == (301, target)


@pytest.mark.parametrize("rest", ["", "1.0/", "releases/", "report/"])
@pytest.mark.parametrize("name", ["bar", "foo%0Abar", "-", "x" * 300])
def test_an_unknown_project_is_not_found(name: str, rest: str, db: None, machine: Client) -> None:
    assert machine.get(f"/project/{name}/{rest}").status_code == 404


@pytest.mark.parametrize("count", [1, 500])
def test_a_project_page_costs_the_same_with_many_releases(
    count: int,
    foo: Project,
    many: Callable[[Project, int], None],
    machine: Client,
    django_assert_num_queries: Any,
) -> None:
    many(foo, count)
    for queries in (8, 7):  # the order of the releases is remembered
        with django_assert_num_queries(queries):
            response = machine.get("/project/foo/")
        assert ("480 more releases" in text(response)) == (count == 500)


def test_all_releases_have_their_pages(
    foo: Project, many: Callable[[Project, int], None], machine: Client
) -> None:
    many(foo, 60)
    page = text(machine.get("/project/foo/releases/"))
    assert "Page 1 of 2" in page
    assert page.index("/project/foo/9.60/") < page.index("/project/foo/9.59/")
    assert machine.get("/project/Foo/releases/")["Location"] == "/project/foo/releases/"


def test_many_files_of_a_release_have_pages(
    foo: Project, many: Callable[[Project, int], None], machine: Client
) -> None:
    many(foo, 150)
    File.objects.update(release=foo.releases.get(version="9.150"))
    assert "Page 1 of 2" in text(machine.get("/project/foo/"))
    assert "Page 2 of 2" in text(machine.get("/project/foo/", {"page": "2"}))


def test_a_deleted_project_says_so(publish: Publish, alice: Person, machine: Client) -> None:
    project = publish("1.0").project
    delete_project(project, by=alice.actor)
    response = machine.get("/project/foo/")
    assert response.status_code == 404
    assert "Foo was deleted" in text(response)
    assert "alice" not in text(response)


def test_a_name_that_nobody_ever_had_is_not_found(db: None, machine: Client) -> None:
    response = machine.get("/project/foo/")
    assert response.status_code == 404
    assert "There is nothing here" in text(response)


# People, search


def test_a_user_page_shows_projects_and_nothing_private(
    foo: Project, alice: Person, machine: Client
) -> None:
    create_project("hidden", by=alice.actor)
    Project.objects.filter(name="hidden").update(status="quarantined")
    page = text(machine.get("/user/alice/"))
    assert "/project/foo/" in page
    assert "hidden" not in page
    assert "example.org" not in page
    assert machine.get("/user/ALICE/")["Location"] == "/user/alice/"


def test_closed_accounts_and_nobody_have_no_page(alice: Person, machine: Client) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    answers = [machine.get(f"/user/{name}/") for name in ("alice", "nobody", "%20", "x" * 99)]
    assert {response.status_code for response in answers} == {404}


def test_a_search_shows_names_and_summaries(publish: Publish, machine: Client) -> None:
    publish("1.0", summary="Does <foo> Things.")
    page = text(machine.get("/search/", {"q": "things"}))
    assert "/project/foo/" in page
    assert "Does &lt;foo&gt; Things." in page
    assert "1 project fits." in page


def test_a_search_that_finds_nothing_offers_what_is_near(alice: Person, machine: Client) -> None:
    create_project("requests", by=alice.actor)
    page = text(machine.get("/search/", {"q": "reqeusts"}))
    assert "No project fits “reqeusts”" in page
    assert "/project/requests/" in page
    assert "No project fits “&lt;b&gt;”" in text(machine.get("/search/", {"q": "<b>"}))


@pytest.mark.parametrize("page", ["0", "-1", "99999999999999999999", "x", ""])
def test_pages_out_of_range_are_answered(page: str, foo: Project, machine: Client) -> None:
    for path in ("/search/", "/project/foo/", "/project/foo/releases/", "/user/alice/"):
        assert machine.get(path, {"q": "foo", "page": page}).status_code == 200


# The pages of owners and maintainers


def test_my_projects_are_those_with_a_role_of_mine(
    foo: Project, alice: Person, bob: Person, browser: Callable[..., Client]
) -> None:
    create_project("bar", by=bob.actor)
    page = text(browser(alice).get("/manage/projects/"))
    assert "/project/foo/" in page
    assert "/project/bar/" not in page
    assert "owner" in page


def test_somebody_without_projects_is_told_how_to_begin(
    mallory: Person, browser: Callable[..., Client]
) -> None:
    assert "You have no projects yet" in text(browser(mallory).get("/manage/projects/"))


@pytest.mark.parametrize("path", ["/manage/projects/", "/manage/project/foo/history/"])
def test_nobody_is_asked_to_sign_in(path: str, foo: Project, machine: Client) -> None:
    response = machine.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/account/sign-in/")


def test_the_history_tells_what_happened(
    publish: Publish, alice: Person, browser: Callable[..., Client]
) -> None:
    file = publish("1.0")
    yank_release(file.release, by=alice.actor, reason="loses data")
    page = text(browser(alice).get("/manage/project/Foo/history/"))
    for sentence in (
        "alice created the project Foo",
        "alice became owner of Foo",
        "alice released Foo 1.0",
        f"alice uploaded {file.filename} ({file.size} bytes)",
        "alice yanked Foo 1.0. Reason: loses data",
    ):
        assert sentence in page


def test_a_maintainer_reads_the_history_without_addresses_of_others(
    foo: Project, bob: Person, alice: Person, browser: Callable[..., Client]
) -> None:
    Role.objects.create(user=bob.user, project=foo, kind="maintainer")
    assert "192.0.2.17" in text(browser(alice).get("/manage/project/foo/history/"))
    page = text(browser(bob).get("/manage/project/foo/history/"))
    assert "alice created the project Foo" in page
    assert "192.0.2.17" not in page


@pytest.mark.parametrize("name", ["foo", "nothing"])
def test_strangers_learn_nothing_of_a_history(
    name: str, foo: Project, mallory: Person, browser: Callable[..., Client]
) -> None:
    response = browser(mallory).get(f"/manage/project/{name}/history/")
    assert response.status_code == 404


def test_staff_without_a_role_use_the_admin(
    foo: Project, sam: Person, browser: Callable[..., Client]
) -> None:
    assert browser(sam).get("/manage/project/foo/history/").status_code == 404


def test_a_long_history_has_pages(
    foo: Project, publish: Publish, alice: Person, browser: Callable[..., Client]
) -> None:
    for number in range(30):
        publish(f"1.{number}")
    client = browser(alice)
    first = text(client.get("/manage/project/foo/history/"))
    assert "Page 1 of 2" in first
    assert "created the project" not in first
    assert "created the project" in text(client.get("/manage/project/foo/history/?page=2"))


def test_pages_of_an_account_are_kept_in_no_cache(
    foo: Project, alice: Person, browser: Callable[..., Client]
) -> None:
    for path in ("/manage/projects/", "/manage/project/foo/history/"):
        assert "no-store" in browser(alice).get(path)["Cache-Control"]


@pytest.mark.parametrize("count", [1, 40])
def test_my_projects_cost_the_same_with_many(
    count: int, alice: Person, browser: Callable[..., Client], django_assert_max_num_queries: Any
) -> None:
    rows = Project.objects.bulk_create(
        Project(name=f"p{number}", normalized_name=f"p{number}") for number in range(count)
    )
    Role.objects.bulk_create(Role(user=alice.user, project=row, kind="owner") for row in rows)
    client = browser(alice)
    with django_assert_max_num_queries(15):
        client.get("/manage/projects/")


# The admin


@pytest.mark.parametrize("model", ["project", "release", "file", "role"])
def test_staff_look_and_change_nothing(
    model: str, publish: Publish, sam: Person, browser: Callable[..., Client]
) -> None:
    file = publish("1.0")
    rows = {
        "project": file.project,
        "release": file.release,
        "file": file,
        "role": file.project.roles.get(),
    }
    client = browser(sam)
    assert client.get(f"/admin/projects/{model}/").status_code == 200
    one = f"/admin/projects/{model}/{rows[model].pk}"
    assert client.get(f"{one}/change/").status_code == 200
    assert client.post(f"{one}/change/", {}).status_code == 403
    assert client.get(f"{one}/delete/").status_code == 403
    assert client.get(f"/admin/projects/{model}/add/").status_code == 403


def test_others_do_not_see_the_admin(
    foo: Project, alice: Person, browser: Callable[..., Client]
) -> None:
    assert browser(alice).get("/admin/projects/project/").status_code == 403
