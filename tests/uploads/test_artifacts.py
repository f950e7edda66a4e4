from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import BinaryIO

import pytest

from projects.names import ParsedFilename, parse_filename
from tests.support.artifacts import make_sdist, make_wheel, tar_gz_of, tar_member, zip_of
from uploads.artifacts import ArtifactError, read_sdist_metadata, read_wheel_metadata

pytestmark = pytest.mark.once

WHEEL = parse_filename("foo-1.0-py3-none-any.whl")
SDIST = parse_filename("foo-1.0.tar.gz")
METADATA = "foo-1.0.dist-info/METADATA"
PKG_INFO = "foo-1.0/PKG-INFO"
TEN_MEBIBYTES = 10 * 1024 * 1024

Reader = Callable[[BinaryIO, ParsedFilename], bytes]


def wheel(raw: bytes) -> bytes:
    return read_wheel_metadata(io.BytesIO(raw), WHEEL)


def sdist(raw: bytes) -> bytes:
    return read_sdist_metadata(io.BytesIO(raw), SDIST)


def refusal(raw: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        wheel(raw)
    sentence = str(caught.value)
    assert is_one_plain_line(sentence)
    return sentence


def is_one_plain_line(sentence: str) -> bool:
    return sentence.isascii() and sentence.isprintable() and 0 < len(sentence) <= 400


def test_the_metadata_of_a_wheel_is_read() -> None:
    filename, raw = make_wheel("Foo.Bar", "1.0", metadata_extra="Summary: one\n")
    found = read_wheel_metadata(io.BytesIO(raw), parse_filename(filename))
    assert found == b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nSummary: one\n"


def test_stored_members_and_an_archive_comment_are_fine() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(METADATA, "stored")
        archive.comment = b"made by hand"
    assert wheel(buffer.getvalue()) == b"stored"


def test_the_file_name_says_where_metadata_lies() -> None:
    _, raw = make_wheel("foo", "1.0")
    other = parse_filename("foo-1.0.0-py3-none-any.whl")
    with pytest.raises(ArtifactError, match=r"no 'foo-1\.0\.0\.dist-info/METADATA'"):
        read_wheel_metadata(io.BytesIO(raw), other)


@pytest.mark.parametrize(
    "raw", [b"", b"PK", b"not a zip" * 99, make_sdist()[1], b"x" + make_wheel()[1]]
)
def test_a_wheel_that_is_no_zip_archive_is_refused(raw: bytes) -> None:
    assert "not a zip archive" in refusal(raw)


@pytest.mark.parametrize("keep", [4, 30, 100, 400, -23, -1])
def test_a_truncated_wheel_is_refused(keep: int) -> None:
    refusal(make_wheel()[1][:keep])


@pytest.mark.parametrize(
    "alias",
    [
        "Foo-1.0.dist-info/METADATA",
        "foo-1.0.dist-info/metadata",
        "./foo-1.0.dist-info/METADATA",
        "foo-1.0.dist-info//METADATA",
        "foo-1.0.dist-info\\METADATA",
        "x/../foo-1.0.dist-info/METADATA",
        "/foo-1.0.dist-info/METADATA",
    ],
)
def test_another_spelling_of_metadata_in_a_wheel_is_refused(alias: str) -> None:
    assert "twice or in another spelling" in refusal(zip_of({METADATA: "a", alias: "b"}))
    assert "twice or in another spelling" in refusal(zip_of({alias: "b"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_metadata_twice_in_a_wheel_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(METADATA, "a")
        archive.writestr(METADATA, "b")
    assert "twice" in refusal(buffer.getvalue())


def test_a_name_with_a_nul_character_does_not_pass_for_metadata() -> None:
    raw = zip_of({METADATA + "X": "a"}).replace(b"METADATAX", b"METADATA\0")
    assert "another spelling" in refusal(raw)


def test_an_encrypted_wheel_is_refused() -> None:
    raw = bytearray(zip_of({METADATA: "a"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    assert "encrypted" in refusal(bytes(raw))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_of_metadata_is_refused(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(METADATA, "a")
    assert "unusual" in refusal(buffer.getvalue())


def test_a_wrong_checksum_in_a_wheel_is_refused() -> None:
    raw = bytearray(zip_of({METADATA: "a"}))
    for signature, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        raw[raw.index(signature) + offset] ^= 1
    assert "damaged" in refusal(bytes(raw))


def test_a_zip64_archive_is_refused() -> None:
    raw = zip_of({METADATA: "a"})
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, end - start, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    assert "zip64" in refusal(raw[:end] + record + locator + raw[end:])


def test_a_zip64_member_is_refused() -> None:
    raw = zip_of({METADATA: "a"})
    start = raw.index(b"PK\x01\x02")
    entry = bytearray(raw[start : raw.index(b"PK\x05\x06")])
    size = entry[24:28]
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", 12)
    entry += struct.pack("<HH", 1, 8) + size + bytes(4)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), start, 0)
    assert "zip64" in refusal(raw[:start] + entry + end)


def test_bytes_after_a_wheel_are_refused() -> None:
    assert "after its end" in refusal(make_wheel()[1] + b"more")


def test_a_wheel_that_counts_its_members_wrongly_is_refused() -> None:
    raw = bytearray(make_wheel()[1])
    raw[raw.index(b"PK\x05\x06") + 10] += 1
    assert "counts" in refusal(bytes(raw))


def test_metadata_of_ten_mebibytes_is_read_from_a_wheel_and_more_is_refused() -> None:
    assert len(wheel(zip_of({METADATA: bytes(TEN_MEBIBYTES)}))) == TEN_MEBIBYTES
    assert "larger than 10 MiB" in refusal(zip_of({METADATA: bytes(TEN_MEBIBYTES + 1)}))


def test_a_size_that_lies_does_not_let_more_through() -> None:
    raw = bytearray(zip_of({METADATA: bytes(3 * TEN_MEBIBYTES)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(signature) + offset
        raw[at : at + 4] = struct.pack("<L", 5)
    refusal(bytes(raw))


def test_a_size_that_claims_more_than_there_is_is_refused() -> None:
    raw = bytearray(zip_of({METADATA: "abc"}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(signature) + offset
        raw[at : at + 4] = struct.pack("<L", 500)
    refusal(bytes(raw))


def test_a_zip_directory_of_tens_of_mebibytes_is_not_read() -> None:
    entry = zip_of({"x" * 400: ""})
    entry = entry[entry.index(b"PK\x01\x02") : entry.index(b"PK\x05\x06")]
    size = len(entry) * 65_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_000, 65_000, size, 4, 0)
    raw = b"PK\x03\x04" + entry * 65_000 + end
    assert "directory is larger" in refusal(raw)


class Stream(io.RawIOBase):
    """A seekable file of a repeated block that is never in memory as a whole."""

    def __init__(self, start: bytes, middle: bytes, times: int, end: bytes) -> None:
        super().__init__()
        self._parts = (start, middle, end)
        self._bounds = (len(start), len(start) + len(middle) * times)
        self._size = self._bounds[1] + len(end)
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        size = left if size < 0 else min(size, left)
        assert size <= 16 * 1024 * 1024, "read at once"
        pieces = []
        while size > 0:
            piece = self._piece(size)
            pieces.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        start, middle, end = self._parts
        if self._at < self._bounds[0]:
            return start[self._at : self._at + size]
        if self._at < self._bounds[1]:
            at = (self._at - self._bounds[0]) % len(middle)
            return middle[at : at + size]
        return end[self._at - self._bounds[1] :][:size]


def gib_wheel() -> Stream:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo/data.bin", b"")
        archive.writestr(METADATA, b"found")
    raw = buffer.getvalue()
    second = raw.index(b"PK\x03\x04", 1)
    directory = bytearray(raw[raw.index(b"PK\x01\x02") :])
    for at in (20, 24):  # sizes of the first member
        directory[at : at + 4] = struct.pack("<L", 1024**3)
    third = directory.index(b"PK\x01\x02", 1)
    directory[third + 42 : third + 46] = struct.pack("<L", second + 1024**3)
    end = directory.index(b"PK\x05\x06")
    start = raw.index(b"PK\x01\x02") + 1024**3
    directory[end + 16 : end + 20] = struct.pack("<L", start)
    middle = random.Random(2).randbytes(1024 * 1024)  # noqa: S311
    rest = raw[second : raw.index(b"PK\x01\x02")] + bytes(directory)
    return Stream(raw[:second], middle, 1024, rest)


def gib_sdist() -> Stream:
    """A gzip file of stored blocks around 1 GiB, so that its repeated part is a repeated block."""
    piece = random.Random(3).randbytes(32 * 1024)  # noqa: S311
    head = tar_member(PKG_INFO, b"found") + tar_member("foo-1.0/x", size=1024**3)
    checksum = zlib.crc32(head)
    for _ in range(32 * 1024):
        checksum = zlib.crc32(piece, checksum)
    tail = bytes(1024)
    checksum = zlib.crc32(tail, checksum)
    length = len(head) + 1024**3 + len(tail)

    def stored(content: bytes, last: int = 0) -> bytes:
        return struct.pack("<BHH", last, len(content), len(content) ^ 0xFFFF) + content

    start = b"\x1f\x8b\x08\0" + bytes(6) + stored(head)
    end = stored(tail, 1) + struct.pack("<LL", checksum, length & 0xFFFFFFFF)
    return Stream(start, stored(piece), 32 * 1024, end)


@pytest.mark.parametrize(
    ("make", "read", "parsed"),
    [(gib_wheel, read_wheel_metadata, WHEEL), (gib_sdist, read_sdist_metadata, SDIST)],
)
def test_a_file_of_one_gibibyte_takes_little_memory(
    make: Callable[[], BinaryIO], read: Reader, parsed: ParsedFilename
) -> None:
    file = make()
    tracemalloc.start()
    try:
        assert read(file, parsed) == b"found"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


def mutations(raw: bytes, count: int, seed: int) -> Iterable[bytes]:
    chance = random.Random(seed)  # noqa: S311
    for _ in range(count):
        changed = bytearray(raw)
        for _ in range(chance.randrange(1, 5)):
            at = chance.randrange(len(changed))
            match chance.randrange(5):
                case 0:
                    changed[at] ^= 1 << chance.randrange(8)
                case 1:
                    changed[at : at + 4] = chance.choice([bytes(4), b"\xff" * 4])
                case 2:
                    del changed[at : at + chance.randrange(1, 40)]
                case 3:
                    changed[at:at] = chance.randbytes(chance.randrange(1, 40))
                case _:
                    changed[at : at + 8] = changed[: chance.randrange(8)]
            changed = changed or bytearray(b"x")
        yield bytes(changed)


def check_outcome(read: Callable[[bytes], bytes], raw: bytes, original: bytes) -> None:
    try:
        sentence = "fine" if read(raw) == original else "other content"
    except ArtifactError as error:
        sentence = str(error)
    assert is_one_plain_line(sentence)
    assert sentence != "other content"


def test_damaged_wheels_are_read_right_or_refused() -> None:
    raw = make_wheel(metadata_extra="Summary: something of a length\n")[1]
    for changed in mutations(raw, 2000, seed=1):
        check_outcome(wheel, changed, wheel(raw))


def test_damaged_gzip_files_are_read_right_or_refused() -> None:
    raw = make_sdist(metadata_extra="Summary: something of a length\n")[1]
    for changed in mutations(raw, 2000, seed=2):
        check_outcome(sdist, changed, sdist(raw))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_damaged_tar_archives_are_read_or_refused(form: int) -> None:
    members = {"foo-1.0/" + "d/" * 80 + "x": "x", PKG_INFO: "found", "foo-1.0/é": "y" * 600}
    raw = gzip.decompress(tar_gz_of(members, form=form))
    for changed in mutations(raw[:6000], 2000, seed=3):
        try:
            sdist(gzip.compress(changed + bytes(1024), 1))
        except ArtifactError as error:
            assert is_one_plain_line(str(error))  # noqa: PT017 - many outcomes in one test
