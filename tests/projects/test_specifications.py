"""The Simple API, key for key and type for type, as its specifications have it.

PEP 503 and 629 (HTML), 592 (yank), 658 and 714 (metadata), 691 and 700 (JSON), 792 (status). What
each key may hold is written down here once more, apart from the code that makes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from django.test import Client
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from projects.operations.publishing import yank_release
from tests.projects.conftest import Publish
from tests.projects.test_files import body
from tests.support.people import Person

V1_JSON = "application/vnd.pypi.simple.v1+json"
HEX = re.compile(r"[0-9a-f]{64}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return type(value) is str and value != ""


def is_number(value: Any) -> bool:
    return type(value) is int and value >= 0


def is_hashes(value: Any) -> bool:
    return type(value) is dict and all(is_text(k) and HEX.match(v) for k, v in value.items())


def is_time(value: Any) -> bool:
    return is_text(value) and bool(TIME.match(value)) and bool(datetime.fromisoformat(value))


def is_url(value: Any) -> bool:
    return is_text(value) and urlsplit(value).scheme in {"http", "https"}


def is_python(value: Any) -> bool:
    return value is None or bool(SpecifierSet(value))


def is_yank(value: Any) -> bool:
    return value is True or value is False or is_text(value)


def is_metadata(value: Any) -> bool:
    return value is False or (is_hashes(value) and set(value) == {"sha256"})


META: dict[str, Check] = {"api-version": lambda value: value == "1.4", "_last-serial": is_number}
FILE: dict[str, Check] = {
    "filename": is_text,
    "url": is_url,
    "hashes": is_hashes,
    "size": is_number,
    "upload-time": is_time,
    "requires-python": is_python,
    "yanked": is_yank,
    "core-metadata": is_metadata,
    "data-dist-info-metadata": is_metadata,
}
PROJECT: dict[str, Check] = {
    "meta": lambda value: fits(value, META),
    "name": lambda value: value == canonicalize_name(value),
    "project-status": lambda value: fits(
        value, {"status": {"active", "archived", "quarantined", "deprecated"}.__contains__}
    ),
    "versions": lambda value: type(value) is list and all(Version(one) for one in value),
    "files": lambda value: type(value) is list and all(fits(one, FILE) for one in value),
}
INDEX: dict[str, Check] = {
    "meta": lambda value: fits(value, META),
    "projects": lambda value: all(
        fits(one, {"name": is_text, "_last-serial": is_number}) for one in value
    ),
}


def fits(value: Any, shape: dict[str, Check]) -> bool:
    """Whether a JSON object has exactly these keys, each with what it may hold."""
    assert type(value) is dict
    assert value.keys() == shape.keys()
    for key, is_right in shape.items():
        assert is_right(value[key]), (key, value[key])
    return True


class Links(HTMLParser):
    """Reads a page as an installer does: anchors with their attributes and texts, and metas."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, Any]] = []
        self.metas: dict[str | None, str | None] = {}
        self.doctype = ""
        self._is_in_anchor = False

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append({**dict(attrs), "text": ""})
            self._is_in_anchor = True
        elif tag == "meta":
            self.metas[dict(attrs).get("name")] = dict(attrs).get("content")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_anchor = self._is_in_anchor and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._is_in_anchor:
            self.anchors[-1]["text"] += data


def read_html(tool: Client, path: str) -> Links:
    links = Links()
    links.feed(tool.get(path, headers={"Accept": "text/html"}).content.decode())
    return links


def read_json(tool: Client, path: str) -> Any:
    return json.loads(tool.get(path, headers={"Accept": V1_JSON}).content)


@pytest.fixture
def shelf(publish: Publish, alice: Person) -> None:
    """One of everything that shows: wheels and sdists, yanks with and without a reason."""
    publish("1.0", requires_python=">=3.8,<4")
    publish("1.0", kind="sdist", requires_python=">=3.8,<4")
    yank_release(publish("1.1").release, by=alice.actor, reason='loses "data" & <more>')
    yank_release(publish("1.2rc1").release, by=alice.actor)
    publish("1!0.1+local.1")


def test_the_json_has_these_keys_and_types_and_no_others(shelf: None, tool: Client) -> None:
    answer = read_json(tool, "/simple/foo/")
    assert fits(answer, PROJECT)
    assert len(answer["files"]) == 5
    assert fits(read_json(tool, "/simple/"), INDEX)


def test_versions_are_those_of_the_files(shelf: None, tool: Client) -> None:
    answer = read_json(tool, "/simple/foo/")
    assert len(set(answer["versions"])) == len(answer["versions"])
    assert {Version(one) for one in answer["versions"]} == {
        version_of(file["filename"]) for file in answer["files"]
    }


def version_of(filename: str) -> Version:
    parse = parse_wheel_filename if filename.endswith(".whl") else parse_sdist_filename
    return parse(filename)[1]


def test_the_html_says_what_the_json_says(shelf: None, tool: Client) -> None:
    page, answer = read_html(tool, "/simple/foo/"), read_json(tool, "/simple/foo/")
    assert page.doctype.lower() == "doctype html"
    assert page.metas["pypi:repository-version"] == answer["meta"]["api-version"]
    assert page.metas["pypi:project-status"] == answer["project-status"]["status"]
    assert [as_json(anchor) for anchor in page.anchors] == [
        {key: file[key] for key in as_json(page.anchors[0])} for file in answer["files"]
    ]


def as_json(anchor: dict[str, Any]) -> dict[str, Any]:
    """What an anchor of PEP 503 says, in the words of PEP 691."""
    url, fragment = urldefrag(urljoin("http://localhost:8000/simple/foo/", anchor["href"]))
    algorithm, _equals, digest = fragment.partition("=")
    yanked = anchor.get("data-yanked", False)
    metadata = anchor.get("data-core-metadata", "")
    assert metadata == anchor.get("data-dist-info-metadata", "")
    assert unquote(url.rpartition("/")[2]) == anchor["text"]
    return {
        "filename": anchor["text"],
        "url": url,
        "hashes": {algorithm: digest},
        "requires-python": anchor.get("data-requires-python"),
        "yanked": True if yanked == "" else yanked,
        "core-metadata": {"sha256": metadata.removeprefix("sha256=")} if metadata else False,
    }


def test_each_anchor_of_the_index_leads_to_a_normalized_name(shelf: None, tool: Client) -> None:
    (anchor,) = read_html(tool, "/simple/").anchors
    path = urlsplit(urljoin("http://localhost:8000/simple/", anchor["href"])).path
    assert path == f"/simple/{canonicalize_name(anchor['text'])}/"
    assert tool.get(path).status_code == 200


def test_what_is_promised_of_files_is_true(shelf: None, tool: Client) -> None:
    for file in read_json(tool, "/simple/foo/")["files"]:
        path = urlsplit(file["url"]).path
        content = body(tool.get(path))
        assert len(content) == file["size"]
        assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
        beside = tool.get(f"{path}.metadata")
        assert beside.status_code == (200 if file["core-metadata"] else 404)
        if file["core-metadata"]:
            assert hashlib.sha256(body(beside)).hexdigest() == file["core-metadata"]["sha256"]
