"""What every store of contents is: named by digests, and the same from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from projects.models import content_path

METADATA: Final = ".metadata"  # suffix of the core metadata that is kept beside a wheel
SUFFIXES: Final = ("", METADATA)
# Of every content, wherever it is fetched: its address holds its digest.
CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")
_PATH: Final = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})(\.metadata)?\Z")


class StorageFailed(OSError):
    """The store did not do what it was asked to.

    Attributes:
        is_passing: whether the same may succeed a little later.
    """

    def __init__(self, text: str, *, is_passing: bool) -> None:
        super().__init__(text)
        self.is_passing = is_passing


@dataclass(frozen=True)
class Stored:
    """One object of the store.

    Attributes:
        path: where it is, below the root.
        digest: the digest that it is kept under; "" if it is nothing that belongs there.
        suffix: "" or METADATA.
        size: in bytes.
        modified_at: when it was stored.
    """

    path: str
    digest: str
    suffix: str
    size: int
    modified_at: datetime


class Store(Protocol):
    """What a store can do. A content is named by its digest and its suffix, "" or METADATA."""

    def exists(self, blake2b_256: str, suffix: str = "") -> bool:
        """Whether a content is kept."""

    def open_blob(self, blake2b_256: str, suffix: str = "") -> BinaryIO:
        """Open a content for reading, seekable.

        Raises:
            FileNotFoundError: if it is not kept.
            StorageFailed: if the store does not answer.
        """

    def store(self, source_path: str | Path, blake2b_256: str, suffix: str = "") -> None:
        """Move a complete file to its place, so that it survives a power cut from here on.

        It appears under its name whole or not at all. Where a content is kept already, it stays
        or is replaced, and who is reading it goes on.
        Metadata are stored before their content, and survive once that is stored.

        Args:
            source_path: a file below INCOMING_ROOT; gone afterwards.
            blake2b_256: its digest, 64 lower-case hexadecimal digits; the caller has computed it.
            suffix: "" or METADATA.

        Raises:
            OSError: if it cannot be kept; StorageFailed where the store says why.
        """

    def remove(self, blake2b_256: str) -> None:
        """Remove a content and the metadata beside it, if they are kept."""

    def set_aside(self, path: str) -> None:
        """Move an object out of the way, to where people can look at it."""

    def walk(self) -> Iterator[Stored]:
        """Everything that is kept."""

    def address_of(
        self, blake2b_256: str, suffix: str, filename: str, *, is_head: bool = False
    ) -> str:
        """Where a client may fetch a content itself for a while; "" if it cannot.

        Args:
            filename: what the client is to call it.
            is_head: whether it asks for the headers alone: an address is signed for one method.
        """


def parse_path(path: str) -> tuple[str, str]:
    """Digest and suffix of an object by its path below the root; two times "" for others."""
    found = _PATH.match(path)
    return (found[1] + found[2] + found[3], found[4] or "") if found else ("", "")


def relative_path(blake2b_256: str, suffix: str = "") -> str:
    """Where a content is below the root.

    Raises:
        ValueError: if one of both is something else.
    """
    if not _DIGEST.match(blake2b_256) or suffix not in SUFFIXES:
        raise ValueError("This is not the name of a stored content.")
    return content_path(blake2b_256) + suffix
