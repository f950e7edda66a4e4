"""The Simple API: forms, headers, redirects, and what a warm page costs."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from projects import reading, simple
from projects.cache import pages
from projects.models import File, Project
from projects.operations.publishing import create_project, yank_release
from projects.reading import Question
from tests.projects.conftest import Publish
from tests.support.clone import Database, race
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
        ("text/html;q=0, */*", V1_HTML),
        ("*/*, text/html;q=0", V1_HTML),
        ("text/*;q=0, */*", V1_HTML),
        (f"text/html;q=0, {V1_HTML};q=0, */*;q=0.1", V1_JSON),
        (f"text/html;q=0.000, {V1_JSON};q=0.1", V1_JSON),
        ("application/*;q=0, */*", HTML),
        (f"*/*;q=0, {V1_JSON}", V1_JSON),
        (f"application/*;q=0, {V1_JSON};q=0.5", V1_JSON),
        ("text/html;q=0", HTML),
        ("*/*;q=0", HTML),
        ("application/vnd.pypi.simple.latest+json", V1_JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("nonsense", HTML),
        ("", HTML),
    ],
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_client_chooses_the_form(
    accept: str | None, answer: str, path: str, foo: Project, tool: Client
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = tool.get(path, headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] == answer
    assert (response.content[:1] == b"{") == (answer == V1_JSON)


def test_the_json_of_a_project(foo: Project, publish: Publish, tool: Client) -> None:
    wheel = publish("1.0", requires_python=">=3.11")
    sdist = publish("1.0", kind="sdist")
    File.objects.update(uploaded_at="2026-03-04T05:06:07.000089Z")
    foo.refresh_from_db()
    answer = as_json(tool, "/simple/foo/")
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


def test_the_html_of_a_project(foo: Project, publish: Publish, tool: Client) -> None:
    file = publish("1.0", requires_python=">=3.11,<4")
    foo.refresh_from_db()
    html = text(tool, "/simple/foo/")
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
    foo: Project, publish: Publish, alice: Person, tool: Client
) -> None:
    file = publish("1.0", requires_python='"><script>')
    yank_release(file.release, by=alice.actor, reason='"><script>alert(1)</script>')
    assert "<script" not in text(tool, "/simple/foo/")


def test_an_sdist_has_no_metadata(publish: Publish, tool: Client) -> None:
    publish("1.0", kind="sdist")
    assert "metadata" not in text(tool, "/simple/foo/")


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
    tool: Client,
) -> None:
    file = publish("1.0")
    assert "data-yanked" not in text(tool, "/simple/foo/")
    yank_release(file.release, by=alice.actor, reason=reason)
    assert as_json(tool, "/simple/foo/")["files"][0]["yanked"] == in_json
    assert in_html in text(tool, "/simple/foo/")


def test_versions_are_in_their_order_and_as_they_were_spelled(
    publish: Publish, tool: Client
) -> None:
    for version in ["10.0", "9.0", "9.0rc1", "9.0.post1", "1!1.0", "9.0.dev3"]:
        publish(version)
    answer = as_json(tool, "/simple/foo/")
    right = ["9.0.dev3", "9.0rc1", "9.0", "9.0.post1", "10.0", "1!1.0"]
    assert answer["versions"] == right
    assert [file["filename"].split("-")[1] for file in answer["files"]] == right


def test_file_addresses_can_be_followed(publish: Publish, tool: Client) -> None:
    publish("1.0+local.1")
    url = as_json(tool, "/simple/foo/")["files"][0]["url"]
    assert "%2Blocal.1" in url
    assert tool.get(url.removeprefix("http://localhost:8000")).status_code == 200


def test_a_project_without_files_is_an_empty_page(foo: Project, tool: Client) -> None:
    answer = as_json(tool, "/simple/foo/")
    assert (answer["files"], answer["versions"]) == ([], [])
    assert "<a " not in text(tool, "/simple/foo/")


def test_a_quarantined_project_offers_nothing(publish: Publish, tool: Client) -> None:
    publish("1.0")
    Project.objects.update(status="quarantined")
    pages.clear()
    answer = as_json(tool, "/simple/foo/")
    assert (answer["files"], answer["versions"]) == ([], [])
    assert answer["project-status"] == {"status": "quarantined"}
    assert 'pypi:project-status" content="quarantined"' in text(tool, "/simple/foo/")


def test_an_archived_project_keeps_its_files(publish: Publish, tool: Client) -> None:
    publish("1.0")
    Project.objects.update(status="archived")
    pages.clear()
    answer = as_json(tool, "/simple/foo/")
    assert len(answer["files"]) == 1
    assert answer["project-status"] == {"status": "archived"}


def test_an_upload_shows_in_the_next_answer(publish: Publish, tool: Client) -> None:
    publish("1.0")
    assert as_json(tool, "/simple/foo/")["versions"] == ["1.0"]
    publish("2.0")
    assert as_json(tool, "/simple/foo/")["versions"] == ["1.0", "2.0"]


# Headers


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_headers_of_an_answer(path: str, foo: Project, tool: Client) -> None:
    response = tool.get(path)
    foo.refresh_from_db()
    assert response["Vary"] == "Accept, Accept-Encoding"
    assert response["Cache-Control"] == "public, no-cache"
    assert response["X-PyPI-Last-Serial"] == str(foo.serial)
    assert response["Access-Control-Allow-Origin"] == "*"
    assert re.fullmatch(r'"[^"]+"', response["ETag"])
    assert response["Content-Length"] == str(len(response.content))
    assert not response.cookies


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_cookies_change_nothing(
    path: str, foo: Project, alice: Person, browser: Callable[..., Client], tool: Client
) -> None:
    signed_in = browser(alice).get(path)
    assert signed_in.headers == tool.get(path).headers
    assert not signed_in.cookies


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_the_language_of_a_client_changes_nothing(path: str, foo: Project, tool: Client) -> None:
    response = tool.get(path, headers={"Accept-Language": "de"})
    assert "Content-Language" not in response
    assert response["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_a_head_has_the_headers_alone(path: str, foo: Project, tool: Client) -> None:
    head, get = tool.head(path), tool.get(path)
    assert head.content == b""
    assert head.headers == get.headers


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_page_that_is_known_is_not_sent_again(
    path: str, form: str, foo: Project, tool: Client
) -> None:
    first = tool.get(path)
    known = form.format(first["ETag"])
    response = tool.get(path, headers={"If-None-Match": known})
    assert (response.status_code, response.content) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control", "X-PyPI-Last-Serial"):
        assert response[name] == first[name]


def test_an_etag_counts_for_its_own_form_alone(foo: Project, tool: Client) -> None:
    etags = {
        accept: tool.get("/simple/foo/", headers={"Accept": accept})["ETag"]
        for accept in (HTML, V1_HTML, V1_JSON)
    }
    assert len(set(etags.values())) == 3
    headers = {"Accept": V1_JSON, "If-None-Match": etags[HTML]}
    assert tool.get("/simple/foo/", headers=headers).status_code == 200


def test_a_change_ends_an_etag(publish: Publish, alice: Person, tool: Client) -> None:
    file = publish("1.0")
    known = tool.get("/simple/foo/")["ETag"]
    yank_release(file.release, by=alice.actor, reason="broken")
    response = tool.get("/simple/foo/", headers={"If-None-Match": known})
    assert response.status_code == 200


def test_another_site_address_ends_an_etag(foo: Project, tool: Client, settings: Any) -> None:
    known = tool.get("/simple/foo/")["ETag"]
    settings.SITE_URL = "https://index.example.org"
    assert tool.get("/simple/foo/", headers={"If-None-Match": known}).status_code == 200


def test_the_host_header_is_never_believed(publish: Publish, settings: Any) -> None:
    publish("1.0")
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(SERVER_NAME="evil.example.org")
    for path in ("/simple/", "/simple/foo/", "/simple/Foo/", "/simple/foo"):
        response = client.get(path)
        assert "evil" not in response.content.decode() + str(response.headers)


# Compression


@pytest.mark.parametrize(
    ("accepted", "is_gzipped"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("identity;q=0.5, *;q=0.1", True),
        ("gzip;q=0", False),
        ("GZIP ; q=0.8", True),
        ("br", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=9", False),
    ],
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/"])
def test_who_reads_gzip_gets_gzip(
    accepted: str, is_gzipped: bool, path: str, publish: Publish, tool: Client
) -> None:
    publish("1.0")
    plain = tool.get(path)
    response = tool.get(path, headers={"Accept-Encoding": accepted})
    assert response.get("Content-Encoding") == ("gzip" if is_gzipped else None)
    content = gzip.decompress(response.content) if is_gzipped else response.content
    assert content == plain.content
    assert response["Content-Length"] == str(len(response.content))
    assert (response["ETag"] == plain["ETag"]) == (not is_gzipped)


def test_a_page_is_compressed_once(
    publish: Publish, tool: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("1.0")
    compressed = []
    compress = simple.gzip.compress

    def count(*args: Any, **kwargs: Any) -> bytes:
        compressed.append(1)
        return compress(*args, **kwargs)

    monkeypatch.setattr(simple.gzip, "compress", count)
    for _turn in range(3):
        tool.get("/simple/foo/", headers={"Accept-Encoding": "gzip"})
    assert len(compressed) == 1


def test_many_who_wait_for_a_page_have_it_rendered_once(
    committed_db: Database, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_project("foo", by=alice.actor)
    rendered = []
    render = simple.render_project
    monkeypatch.setattr(
        simple, "render_project", lambda page: rendered.append(page.serial) or render(page)
    )
    question = Question(False, "*/*", "", "", "", "")
    answers = race(4, lambda: reading.show_project("foo", question))
    assert len({answer.body for answer in answers}) == 1
    assert len(rendered) == 1


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
def test_there_is_one_address(path: str, target: str, foo: Project, tool: Client) -> None:
    response = tool.get(path)
    assert (response.status_code, response["Location"]) == (301, target)
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "name", ["bar", "foo%0Abar", "foo%20bar", "-foo", "f%C3%B6%C3%B6", "x" * 300, "a%2Fb"]
)
def test_an_unknown_project_is_a_plain_404(name: str, foo: Project, tool: Client) -> None:
    response = tool.get(f"/simple/{name}/")
    assert response.status_code == 404
    if name != "a%2Fb":
        assert response["Content-Type"].startswith("text/plain")


# Changes between two queries


def test_a_page_says_the_serial_that_it_really_has(
    foo: Project, publish: Publish, tool: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change between the two queries of a page that is not remembered."""
    load, old = simple.load_project, foo.serial

    def be_overtaken(name: str) -> Any:
        publish("1.0")
        return load(name)

    monkeypatch.setattr(simple, "load_project", be_overtaken)
    response = tool.get("/simple/foo/", headers={"Accept": V1_JSON})
    serial = int(response["X-PyPI-Last-Serial"])
    assert serial > old
    assert json.loads(response.content)["meta"]["_last-serial"] == serial
    assert response["ETag"].startswith(f'"{serial}-')


def test_a_project_deleted_between_two_queries_is_a_404(
    foo: Project, tool: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = simple.load_project

    def be_overtaken(name: str) -> Any:
        Project.objects.filter(normalized_name=name).delete()
        return load(name)

    monkeypatch.setattr(simple, "load_project", be_overtaken)
    assert tool.get("/simple/foo/").status_code == 404


# Costs


@pytest.mark.parametrize("count", [1, 500])
def test_a_remembered_page_is_one_query(
    count: int,
    foo: Project,
    many: Callable[[Project, int], None],
    tool: Client,
    django_assert_num_queries: Any,
) -> None:
    many(foo, count)
    with django_assert_num_queries(2):
        first = tool.get("/simple/foo/", headers={"Accept": PIP})
    assert len(json.loads(first.content)["files"]) == count
    with django_assert_num_queries(1):
        again = tool.get("/simple/foo/", headers={"Accept": PIP})
    assert again.content == first.content
    with django_assert_num_queries(1):
        tool.head("/simple/foo/", headers={"Accept": PIP})


def test_a_known_page_is_one_query_and_is_not_rendered(
    foo: Project, tool: Client, django_assert_num_queries: Any
) -> None:
    known = tool.get("/simple/foo/")["ETag"]
    pages.clear()
    with django_assert_num_queries(1):
        response = tool.get("/simple/foo/", headers={"If-None-Match": known})
    assert response.status_code == 304
    assert len(pages) == 0


@pytest.mark.parametrize("path", ["/simple/bar/", "/simple/Foo/"])
def test_what_is_not_there_costs_at_most_one_query(
    path: str, foo: Project, tool: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(1):
        tool.get(path)
