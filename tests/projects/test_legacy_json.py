"""The older JSON API, feeds, classifiers, and the files that robots look for."""

from __future__ import annotations

import gzip
import json
import xmlrpc.client
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from trove_classifiers import sorted_classifiers

from accounts.operations.freezing import freeze_accounts, unfreeze_account
from audit.actors import command
from projects import legacy_json
from projects.cache import documents
from projects.models import Project
from projects.operations.publishing import create_project, yank_release
from tests.projects.conftest import Publish
from tests.support.people import Person

METADATA = {
    "author": "Ann",
    "author_email": "ann@example.org",
    "classifiers": ["Typing :: Typed"],
    "description": "# Foo",
    "description_content_type": "text/markdown",
    "home_page": "https://foo.example.org",
    "download_url": "https://foo.example.org/get",
    "keywords": ["a", "b"],
    "license_expression": "MIT",
    "project_urls": [["Home Page", "https://foo.example.org"], ["Docs", "https://d.example.org"]],
    "requires_dist": ["bar>=1"],
    "provides_extra": ["all"],
}
INFO = {
    "author", "author_email", "bugtrack_url", "classifiers", "description",
    "description_content_type", "docs_url", "download_url", "downloads", "dynamic", "home_page",
    "keywords", "license", "license_expression", "license_files", "maintainer",
    "maintainer_email", "name", "package_url", "platform", "project_url", "project_urls",
    "provides_extra", "release_url", "requires_dist", "requires_python", "summary", "version",
    "yanked", "yanked_reason",
}  # fmt: skip
FILE = {
    "comment_text", "core-metadata", "digests", "downloads", "filename", "has_sig", "md5_digest",
    "packagetype", "python_version", "requires_python", "size", "upload_time",
    "upload_time_iso_8601", "url", "yanked", "yanked_reason",
}  # fmt: skip


def read(client: Client, path: str) -> Any:
    response = client.get(path)
    assert response["Content-Type"] == "application/json"
    return json.loads(response.content)


@pytest.fixture
def shelf(foo: Project, publish: Publish, alice: Person) -> Project:
    publish("1.0", metadata=METADATA, summary="Does foo.", requires_python=">=3.11")
    publish("1.0", kind="sdist")
    yank_release(publish("2.0").release, by=alice.actor, reason="broken")
    publish("3.0rc1")
    return foo


def test_the_json_of_a_project_has_the_keys_of_pypi(shelf: Project, machine: Client) -> None:
    answer = read(machine, "/pypi/foo/json")
    assert set(answer) == {
        "info", "last_serial", "ownership", "releases", "urls", "vulnerabilities",
    }  # fmt: skip
    assert set(answer["info"]) == INFO
    assert all(set(file) == FILE for files in answer["releases"].values() for file in files)
    assert list(answer["releases"]) == ["1.0", "2.0", "3.0rc1"]
    shelf.refresh_from_db()
    assert answer["last_serial"] == shelf.serial
    assert answer["ownership"] == {
        "roles": [{"role": "Owner", "user": "alice"}],
        "organization": None,
    }


def test_the_latest_release_is_told_of(shelf: Project, machine: Client) -> None:
    answer = read(machine, "/pypi/foo/json/")
    info = answer["info"]
    assert (info["version"], info["summary"], info["requires_python"]) == (
        "1.0", "Does foo.", ">=3.11",
    )  # fmt: skip
    assert info["keywords"] == "a,b"
    assert info["release_url"] == "http://localhost:8000/project/foo/1.0/"
    assert info["project_urls"] == {
        "Home Page": "https://foo.example.org",
        "Docs": "https://d.example.org",
        "Download": "https://foo.example.org/get",
    }
    assert [file["filename"] for file in answer["urls"]] == [
        "foo-1.0-py3-none-any.whl",
        "foo-1.0.tar.gz",
    ]


def test_one_release_is_told_of_without_the_others(shelf: Project, machine: Client) -> None:
    for version in ("2.0", "2", "2.0.0"):
        answer = read(machine, f"/pypi/foo/{version}/json")
        assert "releases" not in answer
        assert answer["info"]["version"] == "2.0"
        assert (answer["info"]["yanked"], answer["info"]["yanked_reason"]) == (True, "broken")
        assert [file["yanked"] for file in answer["urls"]] == [True]


@pytest.mark.parametrize(
    "path",
    ["/pypi/bar/json", "/pypi/foo/9/json", "/pypi/foo/nonsense/json", "/pypi/-/json"],
)
def test_what_is_not_there_is_said_so_in_json(path: str, shelf: Project, machine: Client) -> None:
    response = machine.get(path)
    assert response.status_code == 404
    assert json.loads(response.content) == {"message": "Not Found"}
    assert response["Access-Control-Allow-Origin"] == "*"


def test_a_project_without_releases_is_not_there(foo: Project, machine: Client) -> None:
    assert machine.get("/pypi/foo/json").status_code == 404


def test_a_quarantined_project_is_not_there(shelf: Project, machine: Client) -> None:
    Project.objects.update(status="quarantined")
    assert machine.get("/pypi/foo/json").status_code == 404
    assert machine.get("/rss/project/foo/releases.xml").status_code == 404


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/pypi/F.oo/json", "/pypi/f-oo/json"),
        ("/pypi/Foo/1.0/json", "/pypi/foo/1.0/json"),
        ("/rss/project/F.oo/releases.xml", "/rss/project/f-oo/releases.xml"),
    ],
)
def test_there_is_one_address(path: str, target: str, db: None, machine: Client) -> None:
    response = machine.get(path)
    assert (response.status_code, response["Location"]) == (301, target)


def test_a_known_answer_is_not_sent_again(
    shelf: Project, publish: Publish, machine: Client
) -> None:
    first = machine.get("/pypi/foo/json")
    etag = first["ETag"]
    assert first["Cache-Control"] == "public, no-cache"
    assert machine.get("/pypi/foo/json", headers={"If-None-Match": etag}).status_code == 304
    publish("4.0")
    assert machine.get("/pypi/foo/json", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/pypi/foo/json",
        "/pypi/foo/1.0/json",
        "/rss/updates.xml",
        "/rss/packages.xml",
        "/rss/project/foo/releases.xml",
    ],
)
def test_who_has_something_is_not_sent_it_again(
    path: str, shelf: Project, publish: Publish, machine: Client
) -> None:
    etag = machine.get(path)["ETag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        for ask in (machine.get, machine.head):
            response = ask(path, headers={"If-None-Match": known})
            assert (response.status_code, response["ETag"]) == (304, etag)
            assert not response.content
            assert "Content-Type" not in response
    assert machine.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/pypi/bar/json", "/pypi/foo/9.9/json", "/rss/project/bar/releases.xml"]
)
def test_nothing_is_known_of_what_does_not_exist(
    path: str, shelf: Project, machine: Client
) -> None:
    assert machine.get(path, headers={"If-None-Match": "*"}).status_code == 404


def test_a_feed_changes_with_what_is_new(publish: Publish, machine: Client) -> None:
    publish("1.0")
    etag = machine.get("/rss/updates.xml")["ETag"]
    assert machine.get("/rss/updates.xml", headers={"If-None-Match": etag}).status_code == 304
    publish("2.0")
    assert machine.get("/rss/updates.xml", headers={"If-None-Match": etag}).status_code == 200


def test_what_is_said_of_a_project_changes_with_its_serial_alone(
    shelf: Project, machine: Client, alice: Person, bob: Person
) -> None:
    """Freezing an account ends none of its roles, and would otherwise be seen by some caches."""
    by = command("a test")
    shelf.roles.create(user=bob.user, kind="maintainer")
    first = machine.get("/pypi/foo/json")
    freeze_accounts([alice.user, bob.user], reason="stolen", by=by)
    documents.clear()  # as in another process
    frozen = machine.get("/pypi/foo/json")
    unfreeze_account(alice.user, reason="found", by=by)
    documents.clear()
    thawed = machine.get("/pypi/foo/json")
    assert first["ETag"] == frozen["ETag"] == thawed["ETag"]
    assert first.content == frozen.content == thawed.content
    assert [role["user"] for role in json.loads(first.content)["ownership"]["roles"]] == [
        "alice",
        "bob",
    ]


@pytest.mark.parametrize("path", ["/pypi/foo/json", "/pypi/foo/1.0/json"])
def test_an_answer_is_made_and_compressed_once(
    path: str,
    shelf: Project,
    publish: Publish,
    machine: Client,
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, compress = [], gzip.compress
    monkeypatch.setattr(
        legacy_json.gzip,
        "compress",
        lambda *told, **more: made.append(1) or compress(*told, **more),
    )
    plain = machine.get(path)
    for _turn in range(2):
        with django_assert_num_queries(1):
            packed = machine.get(path, headers={"Accept-Encoding": "gzip"})
    assert (packed["Content-Encoding"], packed["Vary"]) == ("gzip", "Accept-Encoding")
    assert ("Content-Encoding" in plain, plain["Vary"]) == (False, "Accept-Encoding")
    assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] != plain["ETag"]
    assert packed["Content-Length"] == str(len(packed.content))
    assert len(made) == 1
    publish("4.0")
    assert read(machine, path)["last_serial"] > json.loads(plain.content)["last_serial"]
    assert len(made) == 2


@pytest.mark.parametrize("count", [1, 300])
def test_an_answer_costs_the_same_with_many_releases(
    count: int,
    foo: Project,
    many: Callable[[Project, int], None],
    machine: Client,
    django_assert_num_queries: Any,
) -> None:
    many(foo, count)
    with django_assert_num_queries(6):
        assert len(read(machine, "/pypi/foo/json")["releases"]) == count


# Feeds


def test_a_cache_is_not_told_to_keep_a_feed(shelf: Project, machine: Client) -> None:
    for path in ("/rss/updates.xml", "/rss/packages.xml", "/rss/project/foo/releases.xml"):
        response = machine.get(path)
        assert not {"Cache-Control", "Expires", "Last-Modified"} & set(response.headers)


def items(client: Client, path: str) -> list[dict[str, str]]:
    response = client.get(path)
    assert response["Content-Type"].startswith("application/rss+xml")
    root = ElementTree.fromstring(response.content)  # noqa: S314
    return [{part.tag: part.text or "" for part in item} for item in root.iter("item")]


def test_a_feed_of_releases(shelf: Project, alice: Person, machine: Client) -> None:
    create_project("bar", by=alice.actor)
    for path in ("/rss/updates.xml", "/rss/project/foo/releases.xml"):
        found = items(machine, path)
        assert [item["title"] for item in found] == ["Foo 3.0rc1", "Foo 2.0", "Foo 1.0"]
        assert found[2]["link"] == "http://localhost:8000/project/foo/1.0/"
        assert found[2]["description"] == "Does foo."


def test_a_feed_of_projects(shelf: Project, alice: Person, machine: Client) -> None:
    create_project("bar", by=alice.actor)
    found = items(machine, "/rss/packages.xml")
    assert [item["title"] for item in found] == ["bar was created", "Foo was created"]
    assert found[1]["description"] == "Does foo."


@pytest.mark.parametrize("name", ["bar", "Bar", "-", "f%C3%B6%C3%B6", "a%0Ab"])
def test_what_does_not_exist_has_no_feed(name: str, foo: Project, machine: Client) -> None:
    assert machine.get(f"/rss/project/{name}/releases.xml", follow=True).status_code == 404


def test_a_feed_is_xml_whatever_is_in_it(publish: Publish, machine: Client) -> None:
    publish("1.0", summary="a \x01 & <b> ]]> \ufffe 😀")
    assert items(machine, "/rss/updates.xml")[0]["description"] == "a  & <b> ]]>  😀"


def test_a_feed_does_not_believe_the_host(publish: Publish, settings: Any) -> None:
    publish("1.0")
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(SERVER_NAME="evil.example.org")
    for path in ("/rss/updates.xml", "/rss/packages.xml", "/rss/project/foo/releases.xml"):
        assert b"evil" not in client.get(path).content


# Classifiers, XML-RPC, robots, security


def test_classifiers_are_listed_for_tools(db: None, machine: Client) -> None:
    for path in ("/classifiers.txt", "/pypi?:action=list_classifiers"):
        assert machine.get(path).content.decode().split("\n")[:-1] == list(sorted_classifiers)


def test_classifiers_are_shown_to_people(db: None, machine: Client) -> None:
    page = machine.get("/classifiers/").content.decode()
    assert page.count("<li><code") == len(sorted_classifiers)
    assert "Programming Language :: Python :: 3 :: Only" in page


def test_the_address_of_xml_rpc_says_that_there_is_none(db: None, machine: Client) -> None:
    response = machine.get("/pypi")
    assert response.status_code == 410
    assert b"no XML-RPC" in response.content
    call = xmlrpc.client.dumps(("foo",), "package_releases")
    response = machine.post("/pypi", call, content_type="text/xml")
    with pytest.raises(xmlrpc.client.Fault, match="no XML-RPC"):
        xmlrpc.client.loads(response.content)


@pytest.mark.parametrize("path", ["/pypi", "/pypi/"])
@pytest.mark.parametrize("action", ["file_upload", "submit", "doc_upload", "verify"])
def test_the_old_upload_address_names_the_one_of_today(
    db: None, machine: Client, path: str, action: str
) -> None:
    for where, form in ((path, {":action": action}), (f"{path}?:action={action}", {"name": "foo"})):
        response = machine.post(where, form)
        assert response.status_code == 410
        assert response.reason_phrase.endswith(" http://localhost:8000/legacy/")
        assert response.content.decode() == f"{response.reason_phrase}\n"


def test_robots_are_told_where_not_to_go(db: None, machine: Client) -> None:
    lines = machine.get("/robots.txt").content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert "Disallow: /manage/" in lines
    assert not any("/project" in line for line in lines)


def test_whoever_finds_a_weakness_learns_whom_to_tell(
    db: None, machine: Client, settings: Any
) -> None:
    assert machine.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT = "mailto:security@example.org"
    text = machine.get("/.well-known/security.txt").content.decode()
    assert "Contact: mailto:security@example.org\n" in text
    assert "Canonical: http://localhost:8000/.well-known/security.txt\n" in text
    assert "\nExpires: 20" in text
