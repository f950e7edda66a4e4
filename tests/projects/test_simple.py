"""The Simple API: forms, headers, redirects, and what a warm page costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from projects import simple
from projects.cache import pages
from projects.models import File, Project
from projects.operations.publishing import create_project, yank_release
from tests.projects.conftest import Publish
from tests.support.people import Person

HTML = "text/html"
V1_HTML = "application/vnd.pypi.simple.v1+html"
V1_JSON = "application/vnd.pypi.simple.v1+json"
PIP = f"{V1_JSON}, {V1_HTML}; q=0.1, text/html; q=0.01"


def as_json(client: Client, path: str) -> dict[str, Any]:
    return json.loads(client.get(path, headers={"Accept": V1_JSON}).content)


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, HTML),
        ("*/*", HTML),
        ("image/png", HTML),
        ("text/html", HTML),
        ("text/*", HTML),
        (V1_HTML, V1_HTML),
        (V1_JSON, V1_JSON),
        ("application/*", V1_HTML),
        (PIP, V1_JSON),
        (f"text/html, {V1_JSON};q=0.1", HTML),
        (f"{V1_JSON};q=0, text/html;q=0.1", HTML),
        (f"{V1_HTML};q=0.2, {V1_JSON};q=0.1", V1_HTML),
        ("application/vnd.pypi.simple.latest+json", V1_JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("nonsense", HTML),
        ("", HTML),
    ],
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_client_chooses_the_form(
    accept: str | None, answer: str, path: str, foo: Project, machine: Client
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = machine.get(path, headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] == answer
    assert (response.content[:1] == b"{") == (answer == V1_JSON)


def test_the_json_of_a_project(foo: Project, publish: Publish, machine: Client) -> None:
    wheel = publish("1.0", requires_python=">=3.11")
    sdist = publish("1.0", kind="sdist")
    File.objects.update(uploaded_at="2026-03-04T05:06:07.000089Z")
    foo.refresh_from_db()
    answer = as_json(machine, "/simple/foo/")
    wheel_url, sdist_url = (
        f"http://localhost:8000/files/{file.path}/{file.filename}" for file in (wheel, sdist)
    )
    metadata = {"sha256": wheel.metadata_sha256}
    same = {"upload-time": "2026-03-04T05:06:07.000089Z", "yanked": False}
    assert answer == {
        "meta": {"api-version": "1.4", "_last-serial": foo.serial},
        "name": "foo",
        "project-status": {"status": "active"},
        "versions": ["1.0"],
        "files": [
            {
                "filename": "foo-1.0-py3-none-any.whl",
                "url": wheel_url,
                "hashes": {"sha256": wheel.sha256},
                "size": wheel.size,
                "requires-python": ">=3.11",
                "core-metadata": metadata,
                "data-dist-info-metadata": metadata,
                **same,
            },
            {
                "filename": "foo-1.0.tar.gz",
                "url": sdist_url,
                "hashes": {"sha256": sdist.sha256},
                "size": sdist.size,
                "requires-python": None,
                "core-metadata": False,
                "data-dist-info-metadata": False,
                **same,
            },
        ],
    }


def test_the_html_of_a_project(foo: Project, publish: Publish, machine: Client) -> None:
    file = publish("1.0", requires_python=">=3.11,<4")
    foo.refresh_from_db()
    html = text(machine, "/simple/foo/")
    assert '<meta name="pypi:repository-version" content="1.4">' in html
    assert '<meta name="pypi:project-status" content="active">' in html
    assert "<title>Links for Foo</title>" in html
    assert (
        f'<a href="http://localhost:8000/files/{file.path}/{file.filename}#sha256={file.sha256}" '
        'data-requires-python="&gt;=3.11,&lt;4" '
        f'data-core-metadata="sha256={file.metadata_sha256}" '
        f'data-dist-info-metadata="sha256={file.metadata_sha256}">{file.filename}</a>'
    ) in html
    assert html.endswith(f"</html>\n<!--SERIAL {foo.serial}-->\n")


def test_texts_of_uploaders_are_escaped(
    foo: Project, publish: Publish, alice: Person, machine: Client
) -> None:
    file = publish("1.0", requires_python='"><script>')
    yank_release(file.release, by=alice.actor, reason='"><script>alert(1)</script>')
    assert "<script" not in text(machine, "/simple/foo/")


def test_an_sdist_has_no_metadata(publish: Publish, machine: Client) -> None:
    publish("1.0", kind="sdist")
    assert "metadata" not in text(machine, "/simple/foo/")


@pytest.mark.parametrize(
    ("reason", "in_json", "in_html"),
    [("", True, 'data-yanked=""'), ("a & b", "a & b", 'data-yanked="a &amp; b"')],
)
def test_a_yank_shows(
    reason: str,
    in_json: bool | str,
    in_html: str,
    publish: Publish,
    alice: Person,
    machine: Client,
) -> None:
    file = publish("1.0")
    assert "data-yanked" not in text(machine, "/simple/foo/")
    yank_release(file.release, by=alice.actor, reason=reason)
    assert as_json(machine, "/simple/foo/")["files"][0]["yanked"] == in_json
    assert in_html in text(machine, "/simple/foo/")


def test_versions_are_in_their_order_and_as_they_were_spelled(
    publish: Publish, machine: Client
) -> None:
    for version in ["10.0", "9.0", "9.0rc1", "9.0.post1", "1!1.0", "9.0.dev3"]:
        publish(version)
    answer = as_json(machine, "/simple/foo/")
    right = ["9.0.dev3", "9.0rc1", "9.0", "9.0.post1", "10.0", "1!1.0"]
    assert answer["versions"] == right
    assert [file["filename"].split("-")[1] for file in answer["files"]] == right


def test_file_addresses_can_be_followed(publish: Publish, machine: Client) -> None:
    publish("1.0+local.1")
    url = as_json(machine, "/simple/foo/")["files"][0]["url"]
    assert "%2Blocal.1" in url
    assert machine.get(url.removeprefix("http://localhost:8000")).status_code == 200


def test_a_project_without_files_is_an_empty_page(foo: Project, machine: Client) -> None:
    answer = as_json(machine, "/simple/foo/")
    assert (answer["files"], answer["versions"]) == ([], [])
    assert "<a " not in text(machine, "/simple/foo/")


def test_a_quarantined_project_offers_nothing(publish: Publish, machine: Client) -> None:
    publish("1.0")
    Project.objects.update(status="quarantined")
    pages.clear()
    answer = as_json(machine, "/simple/foo/")
    assert (answer["files"], answer["versions"]) == ([], [])
    assert answer["project-status"] == {"status": "quarantined"}
    assert 'pypi:project-status" content="quarantined"' in text(machine, "/simple/foo/")


def test_an_archived_project_keeps_its_files(publish: Publish, machine: Client) -> None:
    publish("1.0")
    Project.objects.update(status="archived")
    pages.clear()
    answer = as_json(machine, "/simple/foo/")
    assert len(answer["files"]) == 1
    assert answer["project-status"] == {"status": "archived"}


def test_an_upload_shows_in_the_next_answer(publish: Publish, machine: Client) -> None:
    publish("1.0")
    assert as_json(machine, "/simple/foo/")["versions"] == ["1.0"]
    publish("2.0")
    assert as_json(machine, "/simple/foo/")["versions"] == ["1.0", "2.0"]


# Headers


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_headers_of_an_answer(path: str, foo: Project, machine: Client) -> None:
    response = machine.get(path)
    foo.refresh_from_db()
    assert response["Vary"] == "Accept"
    assert response["Cache-Control"] == "public, max-age=600"
    assert response["X-PyPI-Last-Serial"] == str(foo.serial)
    assert response["Access-Control-Allow-Origin"] == "*"
    assert re.fullmatch(r'"[^"]+"', response["ETag"])
    assert response["Content-Length"] == str(len(response.content))
    assert not response.cookies


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_cookies_change_nothing(
    path: str, foo: Project, alice: Person, browser: Callable[..., Client], machine: Client
) -> None:
    signed_in = browser(alice).get(path)
    assert signed_in.headers == machine.get(path).headers
    assert not signed_in.cookies


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_language_of_a_client_changes_nothing(path: str, foo: Project, machine: Client) -> None:
    response = machine.get(path, headers={"Accept-Language": "de"})
    assert "Content-Language" not in response
    assert response["Vary"] == "Accept"


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_a_head_has_the_headers_alone(path: str, foo: Project, machine: Client) -> None:
    head, get = machine.head(path), machine.get(path)
    assert head.content == b""
    assert head.headers == get.headers


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_nothing_can_be_sent(path: str, foo: Project, machine: Client) -> None:
    assert machine.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_page_that_is_known_is_not_sent_again(
    path: str, form: str, foo: Project, machine: Client
) -> None:
    first = machine.get(path)
    known = form.format(first["ETag"])
    response = machine.get(path, headers={"If-None-Match": known})
    assert (response.status_code, response.content) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "X-PyPI-Last-Serial"):
        assert response[name] == first[name]


def test_an_etag_counts_for_its_own_form_alone(foo: Project, machine: Client) -> None:
    etags = {
        accept: machine.get("/simple/foo/", headers={"Accept": accept})["ETag"]
        for accept in (HTML, V1_HTML, V1_JSON)
    }
    assert len(set(etags.values())) == 3
    headers = {"Accept": V1_JSON, "If-None-Match": etags[HTML]}
    assert machine.get("/simple/foo/", headers=headers).status_code == 200


def test_a_change_ends_an_etag(publish: Publish, alice: Person, machine: Client) -> None:
    file = publish("1.0")
    known = machine.get("/simple/foo/")["ETag"]
    yank_release(file.release, by=alice.actor, reason="broken")
    response = machine.get("/simple/foo/", headers={"If-None-Match": known})
    assert response.status_code == 200


def test_another_site_address_ends_an_etag(foo: Project, machine: Client, settings: Any) -> None:
    known = machine.get("/simple/foo/")["ETag"]
    settings.SITE_URL = "https://index.example.org"
    assert machine.get("/simple/foo/", headers={"If-None-Match": known}).status_code == 200


def test_the_host_header_is_never_believed(publish: Publish, settings: Any) -> None:
    publish("1.0")
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(SERVER_NAME="evil.example.org")
    for path in ("/simple/", "/simple/foo/", "/simple/Foo/", "/simple/foo"):
        response = client.get(path)
        assert "evil" not in response.content.decode() + str(response.headers)


# Addresses


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/simple/Foo/", "/simple/foo/"),
        ("/simple/foo", "/simple/foo/"),
        ("/simple/FOO", "/simple/foo/"),
        ("/simple/a_.-B/", "/simple/a-b/"),
        ("/simple", "/simple/"),
    ],
)
def test_there_is_one_address(path: str, target: str, foo: Project, machine: Client) -> None:
    response = machine.get(path)
    assert (response.status_code, response["Location"]) == (301, target)
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "name", ["bar", "foo%0Abar", "foo%20bar", "-foo", "f%C3%B6%C3%B6", "x" * 300, "a%2Fb"]
)
def test_an_unknown_project_is_a_plain_404(name: str, foo: Project, machine: Client) -> None:
    response = machine.get(f"/simple/{name}/")
    assert response.status_code == 404
    if name != "a%2Fb":
        assert response["Content-Type"].startswith("text/plain")


# The root index


def test_the_index_names_projects_in_their_order(
    foo: Project, alice: Person, machine: Client
) -> None:
    create_project("Zoo.Bar", by=alice.actor)
    create_project("alpha", by=alice.actor)
    answer = as_json(machine, "/simple/")
    assert [entry["name"] for entry in answer["projects"]] == ["alpha", "Foo", "Zoo.Bar"]
    serials = {project.name: project.serial for project in Project.objects.all()}
    assert {one["name"]: one["_last-serial"] for one in answer["projects"]} == serials
    assert answer["meta"] == {"api-version": "1.4", "_last-serial": max(serials.values())}
    html = text(machine, "/simple/")
    assert '<a href="http://localhost:8000/simple/zoo-bar/">Zoo.Bar</a>' in html
    assert '<meta name="pypi:repository-version" content="1.4">' in html


def test_the_index_does_not_name_the_quarantined(
    foo: Project, alice: Person, machine: Client
) -> None:
    create_project("bar", by=alice.actor)
    Project.objects.filter(name="Foo").update(status="quarantined")
    assert [one["name"] for one in as_json(machine, "/simple/")["projects"]] == ["bar"]


def test_an_empty_index_is_a_page(db: None, machine: Client) -> None:
    answer = as_json(machine, "/simple/")
    assert answer == {"meta": {"api-version": "1.4", "_last-serial": 0}, "projects": []}


def test_the_index_is_at_most_a_minute_old(
    foo: Project, alice: Person, machine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(simple.time, "monotonic", lambda: clock[0])
    assert len(as_json(machine, "/simple/")["projects"]) == 1
    create_project("bar", by=alice.actor)
    clock[0] += simple.LAG - 1
    assert len(as_json(machine, "/simple/")["projects"]) == 1
    clock[0] += 1
    assert len(as_json(machine, "/simple/")["projects"]) == 2


def test_an_index_says_the_serial_that_it_really_has(
    foo: Project, alice: Person, machine: Client
) -> None:
    known = machine.get("/simple/")["ETag"]
    bar = create_project("bar", by=alice.actor)
    response = machine.get("/simple/", headers={"Accept": V1_JSON})  # not rendered before
    assert json.loads(response.content)["meta"]["_last-serial"] == bar.serial
    assert response["X-PyPI-Last-Serial"] == str(bar.serial)
    assert response["ETag"].startswith(f'"{bar.serial}-')
    assert machine.get("/simple/", headers={"If-None-Match": known}).status_code == 200


def test_a_page_says_the_serial_that_it_really_has(
    foo: Project, publish: Publish, machine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change between the two queries of a page that is not remembered."""
    load, old = simple.load_project, foo.serial

    def be_overtaken(pk: Any) -> Any:
        publish("1.0")
        return load(pk)

    monkeypatch.setattr(simple, "load_project", be_overtaken)
    response = machine.get("/simple/foo/", headers={"Accept": V1_JSON})
    serial = int(response["X-PyPI-Last-Serial"])
    assert serial > old
    assert json.loads(response.content)["meta"]["_last-serial"] == serial
    assert response["ETag"].startswith(f'"{serial}-')


def test_a_project_deleted_between_two_queries_is_a_404(
    foo: Project, machine: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = simple.load_project

    def be_overtaken(pk: Any) -> Any:
        Project.objects.filter(pk=pk).delete()
        return load(pk)

    monkeypatch.setattr(simple, "load_project", be_overtaken)
    assert machine.get("/simple/foo/").status_code == 404


# Costs


@pytest.mark.parametrize("count", [1, 500])
def test_a_remembered_page_is_one_query(
    count: int,
    foo: Project,
    many: Callable[[Project, int], None],
    machine: Client,
    django_assert_num_queries: Any,
) -> None:
    many(foo, count)
    with django_assert_num_queries(2):
        first = machine.get("/simple/foo/", headers={"Accept": PIP})
    assert len(json.loads(first.content)["files"]) == count
    with django_assert_num_queries(1):
        again = machine.get("/simple/foo/", headers={"Accept": PIP})
    assert again.content == first.content
    with django_assert_num_queries(1):
        machine.head("/simple/foo/", headers={"Accept": PIP})


def test_a_known_page_is_one_query_and_is_not_rendered(
    foo: Project, machine: Client, django_assert_num_queries: Any
) -> None:
    known = machine.get("/simple/foo/")["ETag"]
    pages.clear()
    with django_assert_num_queries(1):
        response = machine.get("/simple/foo/", headers={"If-None-Match": known})
    assert response.status_code == 304
    assert len(pages) == 0


@pytest.mark.parametrize("path", ["/simple/bar/", "/simple/Foo/"])
def test_what_is_not_there_costs_at_most_one_query(
    path: str, foo: Project, machine: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(1):
        machine.get(path)


@pytest.mark.parametrize("count", [1, 500])
def test_the_index_is_read_in_one_statement_and_then_remembered(
    count: int, db: None, machine: Client, django_assert_num_queries: Any
) -> None:
    Project.objects.bulk_create(
        Project(name=f"p{number}", normalized_name=f"p{number}", serial=number)
        for number in range(count)
    )
    with django_assert_num_queries(2):
        machine.get("/simple/", headers={"Accept": PIP})
    with django_assert_num_queries(0):
        machine.get("/simple/", headers={"Accept": PIP})
