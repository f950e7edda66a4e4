"""Zip archives that tools might read in two ways, and some that they all read in one."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.artifacts import make_sdist, make_wheel, zip_of
from uploads import zips
from uploads.problems import ArtifactError, Budget

pytestmark = pytest.mark.once

LOCAL, ENTRY, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
RAW = zip_of({"a.txt": "some text\n" * 50, "b/": "", "b/c.txt": "more"})


def read(raw: bytes) -> dict[str, bytes]:
    """All members of an archive, inflated."""
    file, budget = io.BytesIO(raw), Budget(100_000_000, 60)
    return {
        member.name: b"".join(zips.inflate(file, member, budget))
        for member in zips.read_members(file)
    }


def refusal(raw: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        read(raw)
    sentence = str(caught.value)
    assert sentence.isascii()
    assert sentence.isprintable()
    assert 0 < len(sentence) <= 400
    return sentence


def patch(raw: bytes, mark: bytes, at: int, new: bytes, *, which: int = 0) -> bytes:
    """The archive with other bytes at a place of the header that begins with `mark`."""
    start = -1
    for _turn in range(which + 1):
        start = raw.index(mark, start + 1)
    changed = bytearray(raw)
    changed[start + at : start + at + len(new)] = new
    return bytes(changed)


def patch_both(raw: bytes, local: int, entry: int, new: bytes) -> bytes:
    """The same change in a member's two descriptions."""
    return patch(patch(raw, LOCAL, local, new), ENTRY, entry, new)


def written(method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_as_python_reads_them(method: int) -> None:
    raw = written(method, a=b"", b=b"x" * 300_000, c=bytes(range(256)) * 5000)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert read(raw) == {name: archive.read(name) for name in archive.namelist()}


def test_a_comment_of_the_archive_and_an_empty_archive_are_fine() -> None:
    buffer = io.BytesIO(RAW)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"made by hand"
    assert read(buffer.getvalue()) == read(RAW)
    assert read(END + bytes(18)) == {}


def test_a_path_in_utf_8_is_read() -> None:
    assert list(read(zip_of({"höhle/ü.py": "x"}))) == ["höhle/ü.py"]


@pytest.mark.parametrize(
    ("system", "attributes"),
    [(3, 0o040755 << 16), (3, 0o040755 << 16 | 0x10), (3, 0o755 << 16), (0, 0x10), (0, 0), (3, 0)],
)
def test_a_folder_is_one_by_its_name(system: int, attributes: int) -> None:
    raw = patch(RAW, ENTRY, 38, struct.pack("<L", attributes), which=1)
    assert read(patch(raw, ENTRY, 5, bytes([system]), which=1)) == read(RAW)


def test_zip64_is_read_where_all_places_agree() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a", "w", force_zip64=True) as file:
        file.write(b"content")
    assert read(buffer.getvalue()) == {"a": b"content"}
    assert read(with_end64(RAW)) == read(RAW)


def with_end64(raw: bytes, **changes: int) -> bytes:
    """The archive with the end of a zip64 archive, in which some numbers may be others."""
    start, end = raw.index(ENTRY), raw.index(END)
    count = int.from_bytes(raw[end + 10 : end + 12], "little")
    numbers = {"rest": 44, "here": count, "all": count, "size": end - start, "start": start}
    numbers |= {"at": end, "disks": 1} | changes
    record = struct.pack(
        "<4sQ2H2L4Q",
        b"PK\x06\x06",
        numbers["rest"],
        45,
        45,
        0,
        0,
        *(numbers[key] for key in ("here", "all", "size", "start")),
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, numbers["at"], numbers["disks"])
    return raw[:end] + record + locator + raw[end:]


@pytest.mark.parametrize(
    "changes",
    [{"rest": 60}, {"here": 1}, {"all": 9}, {"size": 1}, {"start": 1}, {"at": 0}, {"disks": 2}],
    ids=str,
)
def test_an_end_of_zip64_that_says_something_else_is_refused(changes: dict[str, int]) -> None:
    assert "wrong of its directory" in refusal(with_end64(RAW, **changes))


@pytest.mark.parametrize("raw", [b"", b"PK", b"not a zip" * 99, make_sdist()[1], b"x" + RAW])
def test_what_does_not_begin_as_a_zip_archive_is_none(raw: bytes) -> None:
    assert "not a zip archive" in refusal(raw)


@pytest.mark.parametrize("keep", range(4, len(RAW), 7))
def test_a_truncated_archive_is_refused(keep: int) -> None:
    refusal(RAW[:keep])


def test_a_zip_archive_that_is_also_a_tar_archive_is_refused() -> None:
    head = bytearray(512)
    head[:4], head[100:124] = LOCAL, b"0000644\x000000000\x000000000\x00"
    head[124:136], head[156:157] = b"00000000000\x00", b"0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\x00 " % sum(head)
    assert "both a zip and a tar" in refusal(bytes(head) + RAW)


def damaged() -> Iterator[tuple[str, bytes, str]]:
    start, end = RAW.index(ENTRY), RAW.index(END)
    entry = RAW[start : RAW.index(ENTRY, start + 1)]
    yield "bytes before", b"PK\x03\x04" + bytes(8) + RAW, ""
    yield "bytes after", RAW + b"more", "after its end"
    yield "bytes between", RAW[:start] + b"PK\x07\x08" + RAW[start:], "does not list"
    yield "another archive after", RAW + RAW, "after its end"
    yield "an end in the comment", patch(RAW, END, 20, b"\x16\0") + END + bytes(18), "hides another"
    yield "a data descriptor", patch_both(RAW, 6, 8, b"\x08\0"), "data descriptor"
    yield "encryption", patch_both(RAW, 6, 8, b"\x01\0"), "encrypted"
    yield "strong encryption", patch_both(RAW, 6, 8, b"\x40\0"), "encrypted"
    yield "bzip2", written(zipfile.ZIP_BZIP2, a=b"x"), "unusual"
    yield "lzma", written(zipfile.ZIP_LZMA, a=b"x"), "unusual"
    yield "two names", patch(RAW, ENTRY, 46, b"x"), "in two ways"
    yield "two methods", patch(RAW, ENTRY, 10, b"\0\0"), "in two ways"
    yield "two checksums", patch(RAW, ENTRY, 16, b"abcd"), "in two ways"
    yield "two packed sizes", patch(RAW, ENTRY, 20, b"\x01"), "in two ways"
    yield "two sizes", patch(RAW, ENTRY, 24, b"\x01"), "in two ways"
    yield "an entry of nothing", patch(RAW, ENTRY, 42, b"\x01"), "not there"
    yield "an entry on another disk", patch(RAW, ENTRY, 34, b"\x01"), "one part of several"
    yield "a comment on a member", patch(RAW, ENTRY, 32, b"\x01"), "comments on its members"
    yield "a symbolic link", patch(RAW, ENTRY, 38, struct.pack("<L", 0o120777 << 16)), "a link"
    macos = patch(RAW, ENTRY, 5, b"\x13")
    yield "a link of macOS", patch(macos, ENTRY, 38, struct.pack("<L", 0o120777 << 16)), "a link"
    yield "a device", patch(RAW, ENTRY, 38, struct.pack("<L", 0o060666 << 16)), "a device"
    folder = struct.pack("<L", 0o040755 << 16)
    yield "a file called a folder", patch(RAW, ENTRY, 38, folder), "that it also calls a folder"
    yield "the same of macOS", patch(macos, ENTRY, 38, folder), "that it also calls a folder"
    windows = patch(patch(RAW, ENTRY, 5, b"\0"), ENTRY, 38, struct.pack("<L", 0x10))
    yield "a file called a folder by DOS", windows, "that it also calls a folder"
    yield "a folder with content", written(**{"a/": b"x"}), "a folder 'a/' with content"
    yield "a member unlisted", RAW[:start] + RAW[start + len(entry) :], "does not list"
    yield "a member listed twice", RAW[:start] + entry + RAW[start:], "lists a member twice"
    yield "another count", patch(RAW, END, 8, b"\x09\0\x09\0"), "wrong of its directory"
    yield "another count here", patch(RAW, END, 8, b"\x01"), "wrong of its directory"
    yield "another size", patch(RAW, END, 12, b"\x01"), "wrong of its directory"
    yield "another start", patch(RAW, END, 16, b"\x01"), "wrong of its directory"
    yield "zip64 without zip64", patch(RAW, END, 16, b"\xff" * 4), "wrong of its directory"
    yield "latin-1", written(é=b"x").replace("é".encode(), b"\xe9\xe9"), "not UTF-8"
    yield "no encoding", patch_both(written(é=b"x"), 6, 8, b"\0\0"), "does not say in which"
    yield "a wrong checksum", patch_both(RAW, 14, 16, b"abcd"), "damaged"
    yield "more content than said", patch_both(RAW, 22, 24, b"\x01\0\0\0"), "damaged"
    yield "less content than said", patch_both(RAW, 22, 24, b"\xff\x7f\0\0"), "damaged"
    yield "a stored size that lies", patch_both(written(0, a=b"xyz"), 22, 24, b"\x01"), "two sizes"
    yield "no end", RAW[:end], "neither a member"


@pytest.mark.parametrize(
    ("raw", "reason"), [pytest.param(raw, why, id=name) for name, raw, why in damaged()]
)
def test_an_archive_that_means_two_things_or_is_damaged_is_refused(raw: bytes, reason: str) -> None:
    assert reason in refusal(raw)


def with_extra(local: bytes, entry: bytes, *, size: bytes = b"") -> bytes:
    """One stored member "a" with extra fields in its two descriptions."""
    content = b"content"
    shown = size or struct.pack("<3L", zlib.crc32(content), 7, 7)
    head = struct.pack("<4s5H", LOCAL, 45, 0, 0, 0, 33) + shown
    member = head + struct.pack("<2H", 1, len(local)) + b"a" + local + content
    listed = struct.pack("<4s6H", ENTRY, 45, 45, 0, 0, 0, 33) + shown
    listed += struct.pack("<5H2L", 1, len(entry), 0, 0, 0, 0, 0) + b"a" + entry
    end = struct.pack("<4s4H2LH", END, 0, 0, 1, 1, len(listed), len(member), 0)
    return member + listed + end


SATURATED = struct.pack("<3L", zlib.crc32(b"content"), 0xFFFFFFFF, 0xFFFFFFFF)
SIZES = struct.pack("<2H2Q", 1, 16, 7, 7)


@pytest.mark.parametrize(
    "raw",
    [
        with_extra(b"", b""),
        with_extra(b"\xca\xfe\0\0", b"\x0a\0\x02\0xy"),
        with_extra(SIZES, SIZES, size=SATURATED),
        with_extra(SIZES, b""),
        with_extra(b"\x75\x70\x06\0\x01crc_a"[:4] + b"\x01crc_a", b""),
        with_extra(b"\0\0", b""),
    ],
)
def test_usual_extra_fields_are_fine(raw: bytes) -> None:
    assert read(raw) == {"a": b"content"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (with_extra(b"\x0a\0\x09\0xy", b""), "damaged extra fields"),
        (with_extra(SIZES * 2, SIZES, size=SATURATED), "damaged extra fields"),
        (with_extra(struct.pack("<2H2Q", 1, 16, 7, 6), b""), "wrong zip64 sizes"),
        (with_extra(struct.pack("<2H2Q", 1, 16, 6, 7), b""), "wrong zip64 sizes"),
        (with_extra(b"", SIZES), "wrong zip64 sizes"),
        (with_extra(SIZES[:-8], SIZES, size=SATURATED), "damaged extra fields"),
        (with_extra(struct.pack("<2HQ", 1, 8, 7), SIZES, size=SATURATED), "wrong zip64 sizes"),
        (with_extra(SIZES, struct.pack("<2HQ", 1, 8, 7), size=SATURATED), "wrong zip64 sizes"),
        (with_extra(SIZES, struct.pack("<2H2Q", 1, 16, 7, 6), size=SATURATED), "in two ways"),
        (with_extra(b"\x75\x70\x06\0\x01crc_b", b""), "a second path"),
        (with_extra(b"", b"\x75\x70\x06\0\x01crc_b"), "a second path"),
    ],
)
def test_extra_fields_that_change_the_meaning_are_refused(raw: bytes, reason: str) -> None:
    assert reason in refusal(raw)


def test_a_compressed_stream_must_end_where_its_member_ends() -> None:
    packed = zlib.compressobj(wbits=-15)
    stream = packed.compress(b"content") + packed.flush()
    for raw in (stream + b"hidden", stream[:-1]):
        sizes = struct.pack("<3L", zlib.crc32(b"content"), len(raw), 7)
        member = struct.pack("<4s5H", LOCAL, 20, 0, 8, 0, 33) + sizes
        member += struct.pack("<2H", 1, 0) + b"a" + raw
        entry = struct.pack("<4s6H", ENTRY, 20, 20, 0, 8, 0, 33) + sizes
        entry += struct.pack("<5H2L", 1, 0, 0, 0, 0, 0, 0) + b"a"
        end = struct.pack("<4s4H2LH", END, 0, 0, 1, 1, len(entry), len(member), 0)
        assert "damaged" in refusal(member + entry + end)


def test_inflating_stays_within_its_budget() -> None:
    raw = zip_of({"a": bytes(1_000_000)})
    file = io.BytesIO(raw)
    (member,) = zips.read_members(file)
    for budget, reason in [(Budget(999_999, 60), "far more"), (Budget(1_000_000, -1), "too long")]:
        with pytest.raises(ArtifactError, match=reason):
            list(zips.inflate(file, member, budget))
    assert sum(map(len, zips.inflate(file, member, Budget(1_000_000, 60)))) == 1_000_000


@pytest.mark.parametrize(("name", "limit"), [("MAX_MEMBERS", 2), ("MAX_DIRECTORY", 100)])
def test_members_and_directory_are_limited(
    monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    monkeypatch.setattr(zips, name, limit)
    assert "more than" in refusal(RAW) or "larger than" in refusal(RAW)


@pytest.mark.parametrize("make", [make_wheel, lambda: ("", RAW), lambda: ("", with_end64(RAW))])
def test_of_all_archives_with_one_byte_changed_none_means_something_else(
    make: Callable[[], tuple[str, bytes]],
) -> None:
    raw = make()[1]
    right = read(raw)
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << (at % 8)
        try:
            found = read(bytes(changed))
        except ArtifactError:
            continue
        assert found == right or found.keys() != right.keys()
