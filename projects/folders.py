"""Contents in folders of this machine, the usual store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from projects.stores import SUFFIXES, Stored, parse_path, relative_path


class LocalFiles:
    """Contents in folders of this machine, below FILES_ROOT."""

    @property
    def root(self) -> Path:
        """The folder that holds all of them."""
        return Path(settings.FILES_ROOT)

    def path_of(self, blake2b_256: str, suffix: str = "") -> Path:
        """Where a content is kept.

        Raises:
            ValueError: if one of both is something else.
        """
        return self.root / relative_path(blake2b_256, suffix)

    def exists(self, blake2b_256: str, suffix: str = "") -> bool:
        """Whether a content is kept."""
        return self.path_of(blake2b_256, suffix).is_file()

    def open_blob(self, blake2b_256: str, suffix: str = "") -> BinaryIO:
        """As in Store."""
        return self.path_of(blake2b_256, suffix).open("rb")

    def store(self, source_path: str | Path, blake2b_256: str, suffix: str = "") -> None:
        """As in Store; the file must be on the same file system.

        What is kept already is replaced, since it may be damaged, and the new file is known to be
        right; who has opened the former one reads it to its end.

        Metadata lie in the folder of their content, which comes next, so one sync is for both.
        """
        source, target = Path(source_path), self.path_of(blake2b_256, suffix)
        self._make_folder(target.parent)
        with source.open("rb") as content:
            os.fchmod(content.fileno(), 0o644)
            os.fsync(content.fileno())
            os.replace(source, target)
        if not suffix:
            _sync_folder(target.parent)

    def remove(self, blake2b_256: str) -> None:
        """As in Store."""
        for suffix in SUFFIXES:
            self.path_of(blake2b_256, suffix).unlink(missing_ok=True)

    def set_aside(self, path: str) -> None:
        """Move an object to the folder "set-aside" beside the root."""
        target = self.root.parent / "set-aside" / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(self.root / path, target)

    def walk(self) -> Iterator[Stored]:
        """As in Store."""
        for folder, _folders, names in os.walk(self.root):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):  # removed meanwhile
                    found = path.stat()
                    below = path.relative_to(self.root).as_posix()
                    when = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Stored(below, *parse_path(below), found.st_size, when)

    def address_of(
        self, blake2b_256: str, suffix: str, filename: str, *, is_head: bool = False
    ) -> str:
        """As in Store: clients fetch from this site."""
        return ""

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, each name on the disk before the next is used."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o755, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk (POSIX fsync on a directory)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
