"""Downloads: bytes, headers, parts, and what is not on the shelf any more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.test import Client

from projects import reading, storage
from projects.models import File, Project
from tests.projects.conftest import Publish


def address(file: File) -> str:
    return f"/files/{file.path}/{file.filename}"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def wheel(publish: Publish) -> File:
    return publish("1.0")


@pytest.fixture
def content(wheel: File) -> bytes:
    return storage.path_of(wheel.blake2b_256).read_bytes()


def test_a_file_is_sent_as_it_was_uploaded(wheel: File, content: bytes, tool: Client) -> None:
    response = tool.get(address(wheel))
    assert response.status_code == 200
    assert body(response) == content
    assert response["Content-Length"] == str(len(content))


def test_the_headers_of_a_file(wheel: File, tool: Client) -> None:
    response = tool.get(address(wheel))
    response.close()
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'attachment; filename="{wheel.filename}"'
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == f'"{wheel.blake2b_256}"'
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in response
    assert not response.cookies


def test_the_metadata_of_a_wheel_is_beside_it(wheel: File, tool: Client) -> None:
    response = tool.get(f"{address(wheel)}.metadata")
    assert body(response) == b"Metadata-Version: 2.1\n"
    assert response["ETag"] == f'"{wheel.metadata_sha256}"'
    assert response["Content-Type"] == "application/octet-stream"


def test_an_sdist_has_no_metadata_beside_it(publish: Publish, tool: Client) -> None:
    sdist = publish("1.0", kind="sdist")
    assert tool.get(f"{address(sdist)}.metadata").status_code == 404


def test_a_head_has_the_headers_alone(wheel: File, content: bytes, tool: Client) -> None:
    head, get = tool.head(address(wheel)), tool.get(address(wheel))
    get.close()
    assert body(head) == b""
    assert head.headers == get.headers


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=10-19", 10, 19), ("bytes=-5", -5, -1), ("bytes=7-", 7, -1)],
)
def test_a_part_is_sent(
    header: str, first: int, last: int, wheel: File, content: bytes, tool: Client
) -> None:
    response = tool.get(address(wheel), headers={"Range": header})
    first, last = first % len(content), last % len(content)
    assert response.status_code == 206
    assert body(response) == content[first : last + 1]
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(content)}"
    assert response["Content-Length"] == str(last - first + 1)


def test_a_part_outside_of_the_file_is_refused(wheel: File, content: bytes, tool: Client) -> None:
    response = tool.get(address(wheel), headers={"Range": f"bytes={len(content)}-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(content)}"
    assert "immutable" not in response.get("Cache-Control", "")


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-2", "lines=1-2"])
def test_other_ranges_get_the_whole_file(
    header: str, wheel: File, content: bytes, tool: Client
) -> None:
    response = tool.get(address(wheel), headers={"Range": header})
    assert response.status_code == 200
    assert body(response) == content


def test_a_head_ignores_the_range(wheel: File, content: bytes, tool: Client) -> None:
    response = tool.head(address(wheel), headers={"Range": "bytes=0-1"})
    assert (response.status_code, response["Content-Length"]) == (200, str(len(content)))


def test_if_range_with_this_content_gives_the_part(wheel: File, tool: Client) -> None:
    headers = {"Range": "bytes=0-1", "If-Range": f'"{wheel.blake2b_256}"'}
    response = tool.get(address(wheel), headers=headers)
    response.close()
    assert response.status_code == 206


@pytest.mark.parametrize("known", ['"other"', "W/{}", "Sat, 29 Oct 1994 19:43:31 GMT"])
def test_if_range_with_anything_else_gives_the_whole(
    known: str, wheel: File, content: bytes, tool: Client
) -> None:
    condition = known.format(f'"{wheel.blake2b_256}"')
    response = tool.get(address(wheel), headers={"Range": "bytes=0-1", "If-Range": condition})
    assert response.status_code == 200
    assert body(response) == content


def test_a_file_that_is_known_is_not_sent_again(wheel: File, tool: Client) -> None:
    headers = {"If-None-Match": f'"{wheel.blake2b_256}"', "Range": "bytes=0-1"}
    response = tool.get(address(wheel), headers=headers)
    assert (response.status_code, body(response)) == (304, b"")
    assert "immutable" in response["Cache-Control"]


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_a_deleted_file_is_not_found(suffix: str, wheel: File, tool: Client) -> None:
    File.objects.all().delete()
    assert storage.exists(wheel.blake2b_256)
    response = tool.get(address(wheel) + suffix)
    assert response.status_code == 404
    assert "immutable" not in response["Cache-Control"]


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_a_quarantined_file_is_not_found(suffix: str, wheel: File, tool: Client) -> None:
    Project.objects.update(status="quarantined")
    assert tool.get(address(wheel) + suffix).status_code == 404


def test_an_archived_project_is_still_installable(wheel: File, tool: Client) -> None:
    Project.objects.update(status="archived")
    response = tool.get(address(wheel))
    response.close()
    assert response.status_code == 200


def test_a_file_is_not_found_under_another_name(wheel: File, tool: Client) -> None:
    assert tool.get(f"/files/{wheel.path}/foo-2.0-py3-none-any.whl").status_code == 404


def test_a_file_is_not_found_under_another_digest(wheel: File, tool: Client) -> None:
    path = f"/files/aa/aa/{'a' * 60}/{wheel.filename}"
    assert tool.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/files/aa/aa/../x", "/files/AA/aa/x", "/files/aa/aa/aa/x", "/files/", "/files/%2e%2e/x"],
)
def test_other_addresses_lead_nowhere(path: str, db: None, tool: Client) -> None:
    assert tool.get(path).status_code == 404


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_a_download_is_one_query(
    suffix: str, wheel: File, tool: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        tool.get(address(wheel) + suffix).close()


@pytest.fixture
def large(publish: Publish) -> File:
    file = publish("1.0")
    content = b"x" * (reading.CHUNK * 2 + 10)
    storage.path_of(file.blake2b_256).write_bytes(content)
    return file


def test_a_large_file_is_sent_in_chunks(large: File, tool: Client) -> None:
    response = tool.get(address(large))
    chunks = [len(chunk) for chunk in response.streaming_content]
    assert chunks == [reading.CHUNK, reading.CHUNK, 10]


def test_a_dropped_download_closes_its_file(large: File, tool: Client) -> None:
    response = tool.get(address(large))
    part = next(
        one.__self__ for one in response._resource_closers if isinstance(one.__self__, reading.Part)
    )
    response.close()
    assert part.source.closed


# Handing on to the proxy


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_nginx_may_send_the_file_itself(
    suffix: str, wheel: File, tool: Client, settings: Any
) -> None:
    settings.SEND_FILES_BY = "nginx"
    response = tool.get(address(wheel) + suffix)
    assert response["X-Accel-Redirect"] == f"/_files/{wheel.path}{suffix}"
    assert body(response) == b""
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"


def test_the_settings_say_which_place_nginx_needs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    told = re.findall(r"location (\S+) { internal; alias \S+/; }", text)
    assert told == ["/_files/"]  # as above


def test_apache_may_send_the_file_itself(wheel: File, tool: Client, settings: Any) -> None:
    settings.SEND_FILES_BY = "x-sendfile"
    response = tool.get(address(wheel))
    assert response["X-Sendfile"] == str(storage.path_of(wheel.blake2b_256))
    assert body(response) == b""


def test_what_is_not_on_the_shelf_is_not_handed_on(
    wheel: File, tool: Client, settings: Any
) -> None:
    settings.SEND_FILES_BY = "nginx"
    Project.objects.update(status="quarantined")
    response = tool.get(address(wheel))
    assert response.status_code == 404
    assert "X-Accel-Redirect" not in response


def test_nobody_is_told_where_files_are_kept(wheel: File, tool: Client) -> None:
    response = tool.get(address(wheel))
    assert not {"X-Accel-Redirect", "X-Sendfile"} & set(response.headers)


# Where the store fails


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The contents that were asked for, one after another."""
    asked, open_blob = [], storage.open_blob

    def note(digest: str, suffix: str = "") -> BinaryIO:
        asked.append(digest + suffix)
        return open_blob(digest, suffix)

    monkeypatch.setattr(storage, "open_blob", note)
    return asked


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_a_content_that_is_lost_is_said_in_a_line_and_logged(
    suffix: str, wheel: File, tool: Client, opened: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    storage.remove(wheel.blake2b_256)
    response = tool.get(address(wheel) + suffix)
    line = "This site cannot read what it should send here. Its staff have to look into it."
    assert (response.status_code, response.reason_phrase) == (500, line)
    assert response.content.decode() == f"{line}\n"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    assert "Retry-After" not in response
    assert opened == [wheel.blake2b_256 + suffix]
    assert f"The file {wheel.filename}{suffix} could not be read" in caplog.text


def test_a_head_of_what_is_lost_has_the_headers_alone(wheel: File, tool: Client) -> None:
    storage.remove(wheel.blake2b_256)
    head, get = tool.head(address(wheel)), tool.get(address(wheel))
    assert (head.status_code, head.content) == (500, b"")
    assert head.headers == get.headers


def test_an_index_that_cannot_be_written_is_said_in_a_line(
    foo: Project, tool: Client, settings: Any, tmp_path: Path
) -> None:
    settings.INDEX_ROOT = tmp_path / "no folder"
    settings.INDEX_ROOT.write_text("")
    response = tool.get("/simple/")
    assert (response.status_code, response["Content-Type"][:10]) == (500, "text/plain")
