"""Contents in a bucket of a real S3-compatible server."""

from __future__ import annotations

import hashlib
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.once]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The server that all tests of this file share."""
    from tests.support.bucket import bucket_server

    with bucket_server(tmp_path_factory.mktemp("bucket")) as running:
        yield running


def make_bucket(server: Any, **changes: Any) -> Any:
    """A store in a bucket that is there."""
    from storages.backends.s3 import S3Storage

    from projects.buckets import Bucket
    from tests.support.bucket import ACCESS_KEY, SECRET_KEY

    options = {
        "bucket_name": "files",
        "location": "some/prefix",
        "endpoint_url": server.url,
        "region_name": "us-east-1",
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "addressing_style": "path",
        "signature_version": "s3v4",
    }
    bucket = Bucket(S3Storage(**options | changes))
    if not changes:
        names = {row["Name"] for row in bucket._client.list_buckets()["Buckets"]}
        if "files" not in names:
            bucket._client.create_bucket(Bucket="files")
    return bucket


@pytest.fixture
def bucket(server: Any) -> Any:
    """A store in the bucket."""
    return make_bucket(server)


def write(folder: Path, content: bytes) -> tuple[Path, str]:
    """A file with a content, and its digest."""
    digest = hashlib.blake2b(content, digest_size=32).hexdigest()
    path = folder / f"incoming-{os.urandom(4).hex()}"
    path.write_bytes(content)
    return path, digest


def test_a_content_is_stored_and_read_again(bucket: Any, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    path, digest = write(tmp_path, content)
    assert not bucket.exists(digest)
    bucket.store(path, digest)
    assert not path.exists()
    assert bucket.exists(digest)
    with bucket.open_blob(digest) as file:
        assert file.seek(0, 2) == len(content)
        file.seek(0)
        assert file.read() == content
        file.seek(1_000_000)
        assert file.read(10) == content[1_000_000:1_000_010]
        file.seek(-5, 2)
        assert file.read() == content[-5:]


@pytest.mark.parametrize("size", [5, 20_000_000], ids=["small", "large"])
def test_what_is_stored_already_stays(bucket: Any, tmp_path: Path, size: int) -> None:
    content, changes = os.urandom(size), []
    path, digest = write(tmp_path, content)
    bucket.store(path, digest)
    again, _digest = write(tmp_path, content)
    bucket._client.meta.events.register(
        "after-call.s3.PutObject", lambda parsed, **rest: changes.append("Error" not in parsed)
    )
    bucket.store(again, digest)
    assert not again.exists()
    assert changes == [False]  # asked once, and refused


def test_what_was_damaged_is_replaced_when_it_is_stored_again(bucket: Any, tmp_path: Path) -> None:
    path, digest = write(tmp_path, b"a wheel")
    bucket.store(path, digest)
    (key,) = [f"some/prefix/{row.path}" for row in bucket.walk() if row.digest == digest]
    bucket._client.put_object(Bucket="files", Key=key, Body=b"a whale")  # as long
    again, _digest = write(tmp_path, b"a wheel")
    bucket.store(again, digest)
    assert not again.exists()
    with bucket.open_blob(digest) as file:
        assert file.read() == b"a wheel"


def test_many_store_one_content_at_once(bucket: Any, tmp_path: Path) -> None:
    rows = [write(tmp_path, b"the same for all") for _time in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda row: bucket.store(*row), rows))
    with bucket.open_blob(rows[0][1]) as file:
        assert file.read() == b"the same for all"


def test_metadata_is_kept_beside_and_removed_together(bucket: Any, tmp_path: Path) -> None:
    path, digest = write(tmp_path, b"wheel")
    bucket.store(path, digest)
    beside, _digest = write(tmp_path, b"Name: foo")
    bucket.store(beside, digest, ".metadata")
    with bucket.open_blob(digest, ".metadata") as file:
        assert file.read() == b"Name: foo"
    bucket.remove(digest)
    assert not bucket.exists(digest)
    assert not bucket.exists(digest, ".metadata")
    bucket.remove(digest)


def test_what_is_not_there_is_not_found(bucket: Any) -> None:
    with pytest.raises(FileNotFoundError):
        bucket.open_blob("0" * 64)


def test_everything_is_walked_and_can_be_set_aside(bucket: Any, tmp_path: Path) -> None:
    path, digest = write(tmp_path, b"walked")
    bucket.store(path, digest)
    (found,) = [row for row in bucket.walk() if row.digest == digest]
    assert (found.size, found.suffix) == (6, "")
    bucket.set_aside(found.path)
    assert digest not in [row.digest for row in bucket.walk()]
    assert not bucket.exists(digest)
    key = f"some/prefix/set-aside/{found.path}"
    assert bucket._client.get_object(Bucket="files", Key=key)["Body"].read() == b"walked"


def test_a_client_fetches_a_content_itself_by_a_signed_address(
    bucket: Any, tmp_path: Path, settings: Any
) -> None:
    path, digest = write(tmp_path, b"a wheel")
    bucket.store(path, digest)
    assert bucket.address_of(digest, "", "foo-1.0-py3-none-any.whl") == ""
    settings.S3_DOWNLOADS = "redirect"
    address = bucket.address_of(digest, "", "foo-1.0-py3-none-any.whl")
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.read() == b"a wheel"
        assert "foo-1.0-py3-none-any.whl" in answer.headers["Content-Disposition"]
        assert "immutable" in answer.headers["Cache-Control"]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace("X-Amz-Signature=", "X-Amz-Signature=0"), timeout=20)


def test_a_head_is_sent_to_an_address_that_is_signed_for_it(
    bucket: Any, publish: Any, machine: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projects import storage

    monkeypatch.setattr(storage, "_store", lambda: bucket)
    settings.S3_DOWNLOADS = "redirect"
    file = publish("1.0")
    address = machine.head(file.url.removeprefix(settings.SITE_URL))["Location"]
    with urllib.request.urlopen(
        urllib.request.Request(address, method="HEAD"), timeout=20
    ) as answer:
        assert answer.headers["Content-Length"] == str(file.size)
    address = machine.get(file.url.removeprefix(settings.SITE_URL))["Location"]
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert len(answer.read()) == file.size


def test_a_wrong_secret_is_no_passing_trouble(server: Any, bucket: Any, tmp_path: Path) -> None:
    from projects.storage import StorageFailed

    other = make_bucket(server, secret_key="wrong")
    path, digest = write(tmp_path, b"x")
    for act in (lambda: other.store(path, digest), lambda: other.open_blob(digest)):
        with pytest.raises(StorageFailed) as failure:
            act()
        assert not failure.value.is_passing
    assert path.exists()


def test_a_server_that_is_gone_or_silent_is_passing_trouble(
    server: Any, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.config import Config

    from projects import buckets
    from projects.storage import StorageFailed

    impatient = Config(connect_timeout=1, read_timeout=1, retries={"max_attempts": 0})
    monkeypatch.setattr(buckets, "_PATIENCE", impatient)
    path, digest = write(tmp_path, b"slow")
    gone = make_bucket(server, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(StorageFailed) as failure:
        gone.store(path, digest)
    assert failure.value.is_passing
    silent = make_bucket(server)
    server.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(StorageFailed) as failure:
            silent.store(path, digest)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert failure.value.is_passing
    assert path.exists()
