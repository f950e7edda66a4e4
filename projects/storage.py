"""Where the content of files is kept: under its BLAKE2b-256 digest, so it can only be right."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from projects.models import content_path

METADATA: Final = ".metadata"  # suffix of the core metadata that is kept beside a wheel
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")


class LocalFiles:
    """Contents in folders of this machine, below FILES_ROOT."""

    @property
    def root(self) -> Path:
        """The folder that holds all of them."""
        return Path(settings.FILES_ROOT)

    def path_of(self, blake2b_256: str, suffix: str = "") -> Path:
        """Where a content is kept.

        Args:
            blake2b_256: the digest, 64 lower-case hexadecimal digits.
            suffix: "" or METADATA.

        Raises:
            ValueError: if one of both is something else.
        """
        if not _DIGEST.match(blake2b_256) or suffix not in {"", METADATA}:
            raise ValueError("This is not the name of a stored content.")
        return self.root / (content_path(blake2b_256) + suffix)

    def exists(self, blake2b_256: str, suffix: str = "") -> bool:
        """Whether a content is kept."""
        return self.path_of(blake2b_256, suffix).is_file()

    def open_blob(self, blake2b_256: str, suffix: str = "") -> BinaryIO:
        """Open a content for reading.

        Raises:
            FileNotFoundError: if it is not kept.
        """
        return self.path_of(blake2b_256, suffix).open("rb")

    def store(self, source_path: str | Path, blake2b_256: str, suffix: str = "") -> None:
        """Move a complete file to its place, so that it survives a power cut from here on.

        It appears under its name whole or not at all. A content that is kept already stays.

        Args:
            source_path: a file on the same file system (below INCOMING_ROOT); gone afterwards.
            blake2b_256: its digest, 64 lower-case hexadecimal digits; the caller has computed it.
            suffix: "" or METADATA.
        """
        source, target = Path(source_path), self.path_of(blake2b_256, suffix)
        self._make_folder(target.parent)
        with source.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            if target.is_file() and target.stat().st_size == size:
                source.unlink()
            else:
                os.fchmod(content.fileno(), 0o644)
                os.fsync(content.fileno())
                os.replace(source, target)
        _sync_folder(target.parent)

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


# All other rooms call these; another kind of store takes their place here.
_files: Final = LocalFiles()
path_of = _files.path_of
exists = _files.exists
open_blob = _files.open_blob
store = _files.store
