"""Whole wheels and sdists, and what becomes of damaged and of very large ones."""

from __future__ import annotations

import base64
import gzip
import hashlib
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
from tests.uploads.reading import SDIST, WHEEL, sdist, sound, wheel
from uploads import artifacts
from uploads.artifacts import ArtifactError, Contents, read_sdist, read_wheel

pytestmark = pytest.mark.once

INFO = "foo-1.0.dist-info"
METADATA = f"{INFO}/METADATA"
PKG_INFO = "foo-1.0/PKG-INFO"
TEN_MEBIBYTES = 10 * 1024 * 1024
LARGE = 256 * 1024 * 1024

Reader = Callable[[BinaryIO, ParsedFilename], Contents]


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
    found = sound(read_wheel(io.BytesIO(raw), parse_filename(filename)))
    assert found == b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nSummary: one\n"


def test_the_file_name_says_where_metadata_lies() -> None:
    _, raw = make_wheel("foo", "1.0")
    other = parse_filename("foo-1.0.0-py3-none-any.whl")
    with pytest.raises(ArtifactError, match=r"no 'foo-1\.0\.0\.dist-info/METADATA'"):
        read_wheel(io.BytesIO(raw), other)


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_without_one_of_its_three_files_is_refused(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(make_wheel()[1])) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    del members[f"{INFO}/{name}"]
    assert refusal(zip_of(members)).startswith(f"the wheel has no '{INFO}/{name}'")


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        ("Foo-1.0.dist-info/METADATA", "one file on many systems"),
        ("foo-1.0.dist-info/metadata", "one file on many systems"),
        ("./foo-1.0.dist-info/METADATA", "plain spelling"),
        ("foo-1.0.dist-info//METADATA", "plain spelling"),
        ("foo-1.0.dist-info\\METADATA", "backslash"),
        ("x/../foo-1.0.dist-info/METADATA", "leads out"),
        ("/foo-1.0.dist-info/METADATA", "absolute"),
    ],
)
def test_another_spelling_of_metadata_in_a_wheel_is_refused(alias: str, reason: str) -> None:
    assert reason in refusal(make_wheel(files={alias: "b"})[1])


def add_folder(raw: bytes, method: int, packed: bytes) -> bytes:
    """The archive with a folder "x/" at its end that says it has no content."""
    start, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    sizes = struct.pack("<3L2H", 0, len(packed), 0, 2, 0)
    head = struct.pack("<5H", 20, 0, method, 0, 33)
    local = b"PK\x03\x04" + head + sizes + b"x/" + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + head + sizes + bytes(10)
    directory = raw[start:end] + entry + struct.pack("<L", start) + b"x/"
    count = int.from_bytes(raw[end + 8 : end + 10], "little") + 1
    sizes = struct.pack("<2H2LH", count, count, len(directory), start + len(local), 0)
    return raw[:start] + local + directory + b"PK\x05\x06" + bytes(4) + sizes


@pytest.mark.parametrize(("method", "packed"), [(0, b""), (8, b""), (8, b"\x03\0")])
def test_folders_as_tools_have_written_them_are_accepted(method: int, packed: bytes) -> None:
    assert wheel(add_folder(make_wheel()[1], method, packed))


def test_a_folder_in_a_wheel_that_hides_bytes_is_refused() -> None:
    packer = zlib.compressobj(wbits=-15)
    hidden = packer.compress(b"hidden") + packer.flush()
    assert "'x/' in the zip archive is damaged" in refusal(add_folder(make_wheel()[1], 8, hidden))
    assert "'x/' in the zip archive is damaged" in refusal(
        add_folder(make_wheel()[1], 8, b"\x03\0hidden")
    )


def test_metadata_of_more_than_ten_mebibytes_is_refused() -> None:
    metadata = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n\n"
    raw = make_wheel(metadata=metadata + "x" * (TEN_MEBIBYTES - len(metadata)))[1]
    assert len(wheel(raw)) == TEN_MEBIBYTES
    raw = make_wheel(metadata=metadata + "x" * TEN_MEBIBYTES)[1]
    assert "larger than 10 MiB" in refusal(raw)


def test_a_wheel_that_inflates_fiftyfold_is_refused_where_it_becomes_large() -> None:
    bomb = make_wheel(files={"foo/zeros": bytes(artifacts.MIN_INFLATED + 1)})[1]
    assert len(bomb) * artifacts.MAX_RATIO < artifacts.MIN_INFLATED
    assert "inflates to far more" in refusal(bomb)
    small = make_wheel(files={"foo/zeros": bytes(artifacts.MIN_INFLATED // 2)})[1]
    assert wheel(small)


def test_problems_are_reported_together() -> None:
    raw = make_wheel(files={"a.data/x/y": "", "bar-1.0.dist-info/METADATA": ""})[1]
    sentence = refusal(raw)
    assert "unknown place" in sentence
    assert "bar-1.0.dist-info" in sentence


@pytest.mark.parametrize(
    ("make", "folder"), [(make_wheel, f"{INFO}/licenses"), (make_sdist, "foo-1.0")]
)
def test_license_files_must_be_in_the_archive(
    make: Callable[..., tuple[str, bytes]], folder: str
) -> None:
    path = f"{folder}/LICENSE.txt".removeprefix("foo-1.0/")
    filename, raw = make(files={path: "free"})
    parsed = parse_filename(filename)
    read = read_wheel if parsed.kind == "bdist_wheel" else read_sdist
    contents = read(io.BytesIO(raw), parsed)
    assert not artifacts.license_file_problems(contents, parsed, ("LICENSE.txt",))
    (problem,) = artifacts.license_file_problems(contents, parsed, ("a/COPYING",))
    assert (problem.code, f"{folder}/a/COPYING" in problem.text) == ("license_file", True)


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


def large_wheel() -> Stream:
    """A wheel with a stored member of 256 MiB, whose repeated part is never in memory."""
    piece = random.Random(2).randbytes(1024 * 1024)  # noqa: S311
    digest, checksum = hashlib.sha256(), 0
    for _ in range(256):
        digest.update(piece)
        checksum = zlib.crc32(piece, checksum)
    value = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    small = {METADATA: b"found", f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"}
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).decode()},\n"
        for path, raw in small.items()
    )
    small[f"{INFO}/RECORD"] = f"foo/data.bin,sha256={value},\n{record}{INFO}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo/data.bin", b"")
        for path, raw in small.items():
            archive.writestr(path, raw)
    raw = bytearray(buffer.getvalue())
    first = struct.pack("<3L", checksum, LARGE, LARGE)
    raw[14:26] = first
    second, start = raw.index(b"PK\x03\x04", 1), raw.index(b"PK\x01\x02")
    directory = raw[start:]
    directory[16:28] = first
    at = 0
    while (at := directory.find(b"PK\x01\x02", at + 1)) >= 0:
        offset = int.from_bytes(directory[at + 42 : at + 46], "little") + LARGE
        directory[at + 42 : at + 46] = struct.pack("<L", offset)
    end = directory.index(b"PK\x05\x06")
    directory[end + 16 : end + 20] = struct.pack("<L", start + LARGE)
    return Stream(bytes(raw[:second]), piece, 256, bytes(raw[second:start] + directory))


def large_sdist() -> Stream:
    """A gzip file of stored blocks around 256 MiB: its repeated part is a repeated block."""
    piece = random.Random(3).randbytes(32 * 1024)  # noqa: S311
    head = tar_member(PKG_INFO, b"found") + tar_member("foo-1.0/x", size=LARGE)
    checksum = zlib.crc32(head)
    for _ in range(8 * 1024):
        checksum = zlib.crc32(piece, checksum)
    tail = bytes(1024)
    checksum = zlib.crc32(tail, checksum)
    length = len(head) + LARGE + len(tail)

    def stored(content: bytes, last: int = 0) -> bytes:
        return struct.pack("<BHH", last, len(content), len(content) ^ 0xFFFF) + content

    start = b"\x1f\x8b\x08\0" + bytes(6) + stored(head)
    end = stored(tail, 1) + struct.pack("<LL", checksum, length & 0xFFFFFFFF)
    return Stream(start, stored(piece), 8 * 1024, end)


@pytest.mark.parametrize(
    ("make", "read", "parsed"),
    [(large_wheel, read_wheel, WHEEL), (large_sdist, read_sdist, SDIST)],
)
def test_a_large_file_takes_little_memory(
    make: Callable[[], BinaryIO], read: Reader, parsed: ParsedFilename
) -> None:
    file = make()
    tracemalloc.start()
    try:
        assert sound(read(file, parsed)) == b"found"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 1024 * 1024


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
