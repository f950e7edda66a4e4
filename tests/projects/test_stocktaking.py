"""What `manage.py check_stored_files` finds, and what it moves away."""

from __future__ import annotations

import hashlib
import os
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.actors import system
from audit.models import Event
from projects import storage
from projects.models import BurntFilename, File
from projects.operations import contents
from tests.projects.conftest import Publish
from tests.projects.shelves import put

pytestmark = pytest.mark.django_db


def check(*options: str) -> tuple[list[str], bool]:
    """What the command prints, and whether it ends well."""
    out = StringIO()
    try:
        call_command("check_stored_files", *options, stdout=out)
    except CommandError:
        return out.getvalue().splitlines(), False
    return out.getvalue().splitlines(), True


def age(path: Path, hours: float = 2) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


@pytest.fixture
def orphan() -> Path:
    """A content that no file has, stored two hours ago."""
    digest = hashlib.blake2b(b"orphan", digest_size=32).hexdigest()
    put(b"orphan", digest)
    put(b"Name: x", digest, storage.METADATA)
    for suffix in ("", storage.METADATA):
        age(storage.path_of(digest, suffix))
    return storage.path_of(digest)


def test_all_is_in_order(publish: Publish) -> None:
    publish("1.0")
    publish("1.0", kind="sdist")
    assert check() == (["All is in order."], True)


@pytest.mark.parametrize("suffix", ["", storage.METADATA])
@pytest.mark.parametrize("option", [[], ["--sizes-only"]])
def test_a_missing_content_is_found(publish: Publish, suffix: str, option: list[str]) -> None:
    file = publish("1.0")
    storage.path_of(file.blake2b_256, suffix).unlink()
    lines, is_well = check(*option)
    assert lines == [f"MISSING  {file.path}{suffix}: the content of {file.filename}"]
    assert not is_well


@pytest.mark.parametrize("suffix", ["", storage.METADATA])
def test_a_content_with_one_changed_byte_is_found(publish: Publish, suffix: str) -> None:
    file = publish("1.0")
    path = storage.path_of(file.blake2b_256, suffix)
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    assert check()[0] == [f"CHANGED  {file.path}{suffix}: not the content of {file.filename}"]


def test_another_size_is_found_without_reading(publish: Publish) -> None:
    file = publish("1.0")
    with storage.path_of(file.blake2b_256).open("ab") as content:
        content.write(b"x")
    assert not check("--sizes-only")[1]


def test_an_orphan_is_found_and_stays(orphan: Path) -> None:
    lines, is_well = check()
    assert lines == [f"ORPHAN   {orphan.relative_to(storage.path_of('0' * 64).parents[2])}"]
    assert not is_well
    assert orphan.exists()


def test_repair_moves_an_orphan_away_and_records_it(orphan: Path, settings: Any) -> None:
    lines, is_well = check("--repair")
    assert all("(set aside)" in line for line in lines if line.startswith("ORPHAN"))
    assert is_well
    assert not orphan.exists()
    moved = settings.FILES_ROOT.parent / "set-aside" / orphan.relative_to(settings.FILES_ROOT)
    assert moved.read_bytes() == b"orphan"
    event = Event.objects.filter(kind="project:content:removed").first()
    assert event is not None
    assert event.actor_label == "server"
    assert check() == (["All is in order."], True)


def test_what_was_just_stored_may_be_of_an_upload(orphan: Path) -> None:
    age(orphan, 0.5)
    age(Path(f"{orphan}.metadata"), 0.5)
    assert check("--repair") == (["All is in order."], True)
    assert orphan.exists()


def test_something_that_is_no_content_is_moved_away(publish: Publish, settings: Any) -> None:
    publish("1.0")
    stray = settings.FILES_ROOT / "notes.txt"
    stray.write_text("hello")
    age(stray)
    assert check("--repair")[0] == [
        "ORPHAN   notes.txt (set aside)",
        "All is in order; 1 were set aside.",
    ]
    assert (settings.FILES_ROOT.parent / "set-aside" / "notes.txt").read_text() == "hello"


def test_metadata_beside_an_sdist_is_an_orphan_but_stays_with_its_file(publish: Publish) -> None:
    file = publish("1.0", kind="sdist")
    put(b"Name: x", file.blake2b_256, storage.METADATA)
    age(storage.path_of(file.blake2b_256, storage.METADATA))
    assert check("--repair")[0][0] == f"ORPHAN   {file.path}.metadata"
    assert storage.exists(file.blake2b_256)


def test_the_content_of_a_deleted_file_is_no_orphan_until_its_time_has_come(
    publish: Publish, settings: Any
) -> None:
    file = publish("1.0")
    path = storage.path_of(file.blake2b_256)
    age(path)
    age(Path(f"{path}.metadata"))
    BurntFilename.objects.burn(File.objects.all())
    file.delete()
    assert check("--repair") == (["All is in order."], True)
    later = timezone.now() + contents.KEPT_FOR
    assert contents.remove_contents_due(by=system(), now=later) == 1
    assert not [one for one in settings.FILES_ROOT.parent.rglob(f"*{path.name}*") if one.is_file()]


def test_a_content_that_is_left_after_its_removal_is_an_orphan(publish: Publish) -> None:
    file = publish("1.0")
    BurntFilename.objects.burn(File.objects.all())
    file.delete()
    contents.remove_contents_due(by=system(), now=timezone.now() + contents.KEPT_FOR)
    put(b"again", file.blake2b_256)
    age(storage.path_of(file.blake2b_256))
    assert check()[0] == [f"ORPHAN   {file.path}"]


@pytest.mark.parametrize("suffix", ["", storage.METADATA])
def test_a_content_that_cannot_be_read_does_not_end_it(publish: Publish, suffix: str) -> None:
    damaged, missing = publish("1.0"), publish("1.1")
    path = storage.path_of(damaged.blake2b_256, suffix)
    path.unlink()
    path.mkdir()  # which even root cannot read
    storage.remove(missing.blake2b_256)
    try:
        lines, is_well = check()
    finally:
        path.rmdir()
    assert lines == [
        f"UNREADABLE {damaged.path}{suffix}: the content of {damaged.filename}",
        f"MISSING  {missing.path}: the content of {missing.filename}",
    ]
    assert not is_well


def test_where_the_store_does_not_answer_nothing_is_said_of_its_contents(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("1.0")

    def fail(*words: str) -> None:
        raise storage.StorageFailed("no answer", is_passing=True)

    monkeypatch.setattr(storage, "open_blob", fail)
    assert check() == ([], False)


def test_a_file_that_was_deleted_meanwhile_is_no_fault(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publish("1.0")
    storage.remove(file.blake2b_256)
    opened = storage.open_blob

    def delete_and_open(*arguments: Any) -> Any:
        File.objects.all().delete()
        return opened(*arguments)

    monkeypatch.setattr(storage, "open_blob", delete_and_open)
    assert check() == (["All is in order."], True)
