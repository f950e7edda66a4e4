"""Archives changed at random, for minutes: read right or refused, in little time and memory."""

from __future__ import annotations

import gzip
import os
import random
import resource
import time
from collections.abc import Callable
from typing import Final

import pytest

from tests.support.artifacts import make_sdist, make_wheel
from tests.uploads.reading import sdist, wheel
from uploads.artifacts import ArtifactError

pytestmark = [pytest.mark.long, pytest.mark.once, pytest.mark.timeout(3600)]

SECONDS: Final = float(os.environ.get("FUZZ_SECONDS", "600"))
SLOWEST: Final = 5.0  # seconds for one small archive
MOST_MEMORY: Final = 256 * 1024  # KiB more than at the start
INTERESTING: Final = [
    b"\x00",
    b"\xff",
    b"\xff\xff",
    b"\xff\xff\xff\xff",
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK\x07\x08",
    b"\x01\x00\x10\x00",
    b"\x75\x70",
    b"../",
    b"/",
    b"\\",
    b"9999999",
    b"1 path=",
    b"x",
    b"g",
    b"L",
    b"K",
    b"2",
    b"1",
    b"5",
]


def changed(raw: bytes, chance: random.Random) -> bytes:
    """The bytes with a few places changed, moved, repeated or cut."""
    data = bytearray(raw)
    for _time in range(chance.randrange(1, 8)):
        at, length = chance.randrange(len(data) + 1), chance.randrange(1, 64)
        match chance.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at:at] = chance.choice(INTERESTING)
            case 2:
                new = chance.choice(INTERESTING)
                data[at : at + len(new)] = new
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                other = chance.randrange(len(data) + 1)
                data[at : at + length] = data[other : other + length]
            case _:
                data[at : at + 4] = chance.randrange(2**32).to_bytes(4, "little")
        data = data or bytearray(b"x")
    return bytes(data)


def fuzz(read: Callable[[bytes], bytes], seeds: list[bytes], seconds: float) -> int:
    """Read changed archives for some time; how many were refused."""
    chance, end, refused = random.Random(time.time()), time.monotonic() + seconds, 0  # noqa: S311
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while time.monotonic() < end:
        raw, began = changed(chance.choice(seeds), chance), time.monotonic()
        try:
            read(raw)
        except ArtifactError as error:
            refused += 1
            assert str(error).isascii(), raw  # noqa: PT017 - many outcomes in one test
            assert str(error).isprintable(), raw  # noqa: PT017
        assert time.monotonic() - began < SLOWEST, raw
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MOST_MEMORY
    return refused


def rezipped(raw: bytes) -> bytes:
    """A sound gzip file around a tar archive that is not."""
    return gzip.compress(raw, 1)


@pytest.mark.parametrize("kind", ["wheel", "gzip", "tar"])
def test_changed_archives_only_yield_refusals(kind: str) -> None:
    files = {"foo/a.py": "x = 1\n" * 50, "foo/é.py": "y = 2\n"}
    wheels = [make_wheel(files=files)[1], make_wheel(metadata_extra="Summary: x\n")[1]]
    sdists = [make_sdist(files=files)[1], make_sdist(files={"d/" * 80 + "x": "y" * 3000})[1]]
    tars = [gzip.decompress(raw) for raw in sdists]
    chosen: dict[str, tuple[Callable[[bytes], bytes], list[bytes]]] = {
        "wheel": (wheel, wheels),
        "gzip": (sdist, sdists),
        "tar": (lambda raw: sdist(rezipped(raw)), tars),
    }
    assert fuzz(*chosen[kind], SECONDS / 3) > 100
