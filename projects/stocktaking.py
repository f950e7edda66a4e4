"""Compares what is stored with the files on the shelves, while uploads go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final, Literal

from django.utils import timezone

from projects import storage
from projects.models import BurntFilename, ContentRemoval, File
from projects.storage import Stored

YOUNG: Final = timedelta(hours=1)
"""What was stored since may be of an upload that is under way."""
_CHUNK: Final = 1024 * 1024
_BATCH: Final = 500


@dataclass(frozen=True)
class Fault:
    """A difference.

    Attributes:
        kind: "missing" (a file has no content), "changed" (its content is another), "unreadable"
            (the store does not give it) or "orphan" (no file has this content, nor had it a few
            days ago).
        path: where it is, or should be, below the root of the store.
        filename: of the file; "" for an orphan.
        digest: under which it is kept; "" for an orphan that is no content at all.
    """

    kind: Literal["missing", "changed", "unreadable", "orphan"]
    path: str
    filename: str = ""
    digest: str = ""


def find_faults(*, reads_contents: bool) -> Iterator[Fault]:
    """Everything that does not fit.

    Args:
        reads_contents: compute the digest of each content; else only sizes are compared.

    Raises:
        StorageFailed: if the store does not answer.
    """
    for row in _files():
        fault = _fault_of(row, "", row.blake2b_256, hashlib.blake2b(digest_size=32), reads_contents)
        if fault is None and row.metadata_sha256:
            fault = _fault_of(row, storage.METADATA, row.metadata_sha256, hashlib.sha256(), True)
        if fault is not None and File.objects.filter(pk=row.pk).exists():  # not deleted meanwhile
            yield fault
    yield from _orphans()


def _files() -> Iterator[File]:
    """All files, by pages: as long as a query is open, SQLite's log of changes only grows."""
    rows = File.objects.order_by("pk")
    page = list(rows[:_BATCH])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:_BATCH])


def _fault_of(
    row: File, suffix: str, expected: str, digest: Any, reads_contents: bool
) -> Fault | None:
    path = row.path + suffix
    try:
        with storage.open_blob(row.blake2b_256, suffix) as content:
            if not suffix and content.seek(0, 2) != row.size:
                return Fault("changed", path, row.filename, row.blake2b_256)
            content.seek(0)
            while reads_contents and (piece := content.read(_CHUNK)):
                digest.update(piece)
    except FileNotFoundError:
        return Fault("missing", path, row.filename, row.blake2b_256)
    except OSError as error:  # of the disk, say, which is no reason not to look at the others
        if isinstance(error, storage.StorageFailed) and error.is_passing:
            raise
        return Fault("unreadable", path, row.filename, row.blake2b_256)
    if reads_contents and digest.hexdigest() != expected:
        return Fault("changed", path, row.filename, row.blake2b_256)
    return None


def _orphans() -> Iterator[Fault]:
    settled = timezone.now() - YOUNG
    for batch in _batches(one for one in storage.walk() if one.modified_at < settled):
        digests = {one.digest for one in batch if one.digest}
        rows = File.objects.filter(blake2b_256__in=digests).order_by()
        known = dict(rows.values_list("blake2b_256", "metadata_sha256"))
        leaving = _leaving(digests)
        for one in batch:
            if one.digest in leaving:
                continue
            is_wanted = known.get(one.digest) if one.suffix else one.digest in known
            # The metadata of a content that no file has goes with it.
            is_said = one.suffix and one.digest not in known and storage.exists(one.digest)
            if not is_wanted and not is_said:
                yield Fault("orphan", one.path, digest=one.digest)


def _leaving(digests: set[str]) -> set[str]:
    """Those of deleted files: they are kept for some days, and removed then."""
    waiting = BurntFilename.objects.filter(content_settled_at=None, blake2b_256__in=digests)
    under_way = ContentRemoval.objects.filter(finished_at=None, blake2b_256__in=digests)
    return {
        digest
        for rows in (waiting, under_way)
        for digest in rows.order_by().values_list("blake2b_256", flat=True)
    }


def _batches(rows: Iterable[Stored]) -> Iterator[list[Stored]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch
