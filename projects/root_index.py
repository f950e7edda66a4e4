"""The root index: files that all processes of a machine share, as it can be larger than memory.

An edition holds all forms of the index at one serial. The worker writes it soon after a change, so
that requests find it made; what asks for the index before that, or where no worker runs, writes it
itself once the former edition is too old.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, Self

from django.conf import settings
from django.db.models import Max, Subquery
from django.db.models.functions import Coalesce, Greatest

from projects import json_api, simple
from projects.models import DeletedProject, Project

LAG: Final = 60  # seconds that the index may be behind
ASK_EVERY: Final = 15  # seconds between two looks at the largest serial, in each process
KEPT: Final = 3  # editions
CHUNK: Final = 5000  # projects


class _Clock:
    """Which serial this process serves, and when it last knew that to be the largest."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Ask again at the next request."""
        self.serial: int | None = None
        self.asked_at = self.right_at = float("-inf")


_clock: Final = _Clock()
forget = _clock.forget


def current_serial() -> int:
    """The serial of the edition that is served now; writes it if it has to be there."""
    with _clock.lock:
        now = time.monotonic()
        if _clock.serial is not None and now - _clock.asked_at < ASK_EVERY:
            return _clock.serial
        largest, _clock.asked_at = _largest_serial(), now
        is_bearable = _clock.serial is not None and now - _clock.right_at < LAG - ASK_EVERY
        if largest != _clock.serial and is_bearable and not _folder(largest).is_dir():
            return _clock.serial or 0  # the worker is at it
        _clock.serial, _clock.right_at = write_edition(largest), now
        return _clock.serial


def open_edition(form: simple.Form) -> tuple[int, BinaryIO]:
    """The index in one form, with its serial."""
    for _turn in range(2):
        serial = current_serial()
        with suppress(FileNotFoundError):
            return serial, (_folder(serial) / form.key).open("rb")
        forget()  # somebody cleared the folder away
    raise FileNotFoundError(settings.INDEX_ROOT)


def write_edition(serial: int | None = None) -> int:
    """Write the present edition, unless it is there; its serial.

    Args:
        serial: the largest serial, if it was just asked for.
    """
    if serial is None:
        serial = _largest_serial()
    if _folder(serial).is_dir():
        return serial
    with _alone():
        if not _folder(serial).is_dir():
            serial = _write()
            _remove_old()
    return serial


def _largest_serial() -> int:
    """Tombstones count, so that it does not fall when a project is deleted."""
    serials = [
        model.objects.aggregate(largest=Max("serial"))["largest"] or 0
        for model in (Project, DeletedProject)
    ]
    return max(serials)


def _folder(serial: int) -> Path:
    return Path(settings.INDEX_ROOT) / f"{serial}-{simple.edition()}"


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time writes: whoever waited finds the edition made."""
    Path(settings.INDEX_ROOT).mkdir(mode=0o700, parents=True, exist_ok=True)
    with (Path(settings.INDEX_ROOT) / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _write() -> int:
    folder = Path(tempfile.mkdtemp(prefix="new-", dir=settings.INDEX_ROOT))
    try:
        serial = _write_forms(folder)
        with suppress(OSError):  # made by a process of another machine: as good as ours
            os.rename(folder, _folder(serial))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return serial


def _write_forms(folder: Path) -> int:
    """All forms, in constant memory, from one statement: serial and names belong together."""
    rows = _rows()
    first = list(islice(rows, 1))
    serial = first[0].largest if first else _largest_serial()
    with _Writer(folder / "html") as html, _Writer(folder / "json") as as_json:
        html.write(simple.index_head())
        as_json.write(json_api.index_head(serial))
        comma = ""
        for row in chain(first, rows):
            if row.status != Project.Status.QUARANTINED:
                html.write(simple.index_entry(row.name, row.normalized_name))
                as_json.write(comma + json_api.index_entry(row.name, row.serial))
                comma = ","
        html.write(simple.index_foot(serial))
        as_json.write(json_api.INDEX_FOOT)
    return serial


def _rows() -> Iterator[Any]:
    largest = Greatest(
        Subquery(Project.objects.order_by("-serial").values("serial")[:1]),
        Coalesce(Subquery(DeletedProject.objects.order_by("-serial").values("serial")[:1]), 0),
    )
    rows = Project.objects.order_by("normalized_name").annotate(largest=largest)
    columns = ("name", "normalized_name", "serial", "largest", "status")
    return rows.values_list(*columns, named=True).iterator(chunk_size=CHUNK)


class _Writer:
    """Writes a text as it is and, beside that, compressed."""

    def __init__(self, path: Path) -> None:
        self._plain = path.open("wb", buffering=CHUNK)
        raw = path.with_name(f"{path.name}.gz").open("wb")
        self._packed = gzip.GzipFile("", "wb", simple.GZIP_LEVEL, raw, mtime=0)
        self._raw = raw
        self._waiting: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._flush()
        self._plain.close()
        self._packed.close()
        self._raw.close()

    def write(self, text: str) -> None:
        """Take more of it."""
        self._waiting.append(text)
        if len(self._waiting) >= 1000:
            self._flush()

    def _flush(self) -> None:
        data = "".join(self._waiting).encode()
        self._waiting.clear()
        self._plain.write(data)
        self._packed.write(data)


def _remove_old() -> None:
    """Keep the newest editions, which other processes may still serve."""
    folders = [path for path in Path(settings.INDEX_ROOT).iterdir() if path.is_dir()]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in folders[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
