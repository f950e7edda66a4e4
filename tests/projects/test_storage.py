"""Contents are stored whole, once, and nowhere else than under their digest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from django.conf import settings as site

from projects import storage


def incoming(content: bytes, name: str = "upload") -> Path:
    path = Path(site.INCOMING_ROOT) / name
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def test_a_content_is_found_under_its_digest() -> None:
    key = digest(b"wheel")
    storage.store(incoming(b"wheel"), key)
    assert storage.path_of(key) == Path(site.FILES_ROOT) / key[:2] / key[2:4] / key[4:]
    assert storage.path_of(key).read_bytes() == b"wheel"


def test_the_incoming_file_is_gone_afterwards() -> None:
    source = incoming(b"wheel")
    storage.store(source, digest(b"wheel"))
    assert not source.exists()


def test_a_stored_content_can_be_read_by_a_web_server() -> None:
    storage.store(incoming(b"wheel"), digest(b"wheel"))
    assert storage.path_of(digest(b"wheel")).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("kept", [b"wheel", b"wh", b"whEel"], ids=["same", "cut off", "damaged"])
def test_what_is_kept_already_is_right_afterwards_and_read_on_meanwhile(kept: bytes) -> None:
    key = digest(b"wheel")
    storage.store(incoming(b"wheel", "first"), key)
    storage.path_of(key).write_bytes(kept)
    with storage.open_blob(key) as reader:
        storage.store(incoming(b"wheel", "second"), key)
        assert reader.read() == kept
    assert storage.path_of(key).read_bytes() == b"wheel"
    assert list(Path(site.INCOMING_ROOT).iterdir()) == []


def test_metadata_is_kept_beside_the_wheel() -> None:
    key = digest(b"wheel")
    storage.store(incoming(b"Name: foo"), key, storage.METADATA)
    assert storage.exists(key, storage.METADATA)
    assert not storage.exists(key)
    with storage.open_blob(key, storage.METADATA) as content:
        assert content.read() == b"Name: foo"


@pytest.mark.parametrize(
    ("key", "suffix"),
    [
        ("../../../../etc/passwd", ""),
        ("a" * 63, ""),
        ("A" * 64, ""),
        ("a" * 64 + "\n", ""),
        ("a" * 64, "/../../x"),
    ],
)
def test_only_digests_name_contents(key: str, suffix: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        storage.path_of(key, suffix)


def test_the_content_is_on_the_disk_before_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(descriptor: int) -> None:
        kind = "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "content"
        order.append(kind)
        sync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        order.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    storage.store(incoming(b"wheel"), digest(b"wheel"))
    assert order[-3:] == ["content", "name", "folder"]
