"""Where the content of files is kept: under its BLAKE2b-256 digest, so it can only be right.

All other rooms call these functions. `settings.STORAGES["contents"]` says which store they use:
folders of this machine, or a bucket of an S3-compatible service.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.core.files.storage import FileSystemStorage, storages

from projects.folders import LocalFiles
from projects.stores import CACHE_CONTROL, METADATA, StorageFailed, Store, Stored

__all__ = [
    "CACHE_CONTROL",
    "METADATA",
    "StorageFailed",
    "Stored",
    "address_of",
    "exists",
    "open_blob",
    "path_of",
    "remove",
    "set_aside",
    "store",
    "walk",
]

_local: Final = LocalFiles()
path_of = _local.path_of  # for who hands files to the web server; there is none in a bucket


@lru_cache(maxsize=1)
def _store() -> Store:
    chosen: Any = storages["contents"]
    if isinstance(chosen, FileSystemStorage):
        return _local
    from projects.buckets import Bucket  # boto3 is loaded where it is used

    return Bucket(chosen)


def exists(blake2b_256: str, suffix: str = "") -> bool:
    """As `Store.exists`."""
    return _store().exists(blake2b_256, suffix)


def open_blob(blake2b_256: str, suffix: str = "") -> BinaryIO:
    """As `Store.open_blob`."""
    return _store().open_blob(blake2b_256, suffix)


def store(source_path: str | Path, blake2b_256: str, suffix: str = "") -> None:
    """As `Store.store`."""
    _store().store(source_path, blake2b_256, suffix)


def remove(blake2b_256: str) -> None:
    """As `Store.remove`."""
    _store().remove(blake2b_256)


def set_aside(path: str) -> None:
    """As `Store.set_aside`."""
    _store().set_aside(path)


def walk() -> Iterator[Stored]:
    """As `Store.walk`."""
    return _store().walk()


def address_of(blake2b_256: str, suffix: str, filename: str, *, is_head: bool = False) -> str:
    """As `Store.address_of`."""
    return _store().address_of(blake2b_256, suffix, filename, is_head=is_head)
