"""Contents in a bucket of an S3-compatible service."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.http import content_disposition_header

from projects.stores import (
    CACHE_CONTROL,
    SUFFIXES,
    StorageFailed,
    Stored,
    parse_path,
    relative_path,
)

ADDRESS_LASTS: Final = 600  # seconds
_PATIENCE: Final = Config(
    connect_timeout=5,  # seconds
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=40,
)
_SET_ASIDE: Final = "set-aside/"
_NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_THERE_ALREADY: Final = frozenset({"412", "PreconditionFailed"})
_CONFLICT: Final = frozenset({"409", "ConditionalRequestConflict"})
_AGAIN_AFTER: Final = (0.1, 0.4, 1.5)  # seconds
_UNKNOWN_CONDITION: Final = frozenset({"501", "NotImplemented"})


class Bucket:
    """Contents as objects, under their paths below an optional prefix."""

    def __init__(self, backend: Any) -> None:
        """Use the connection and settings of django-storages' S3Storage."""
        backend.client_config = backend.client_config.merge(_PATIENCE)
        self._backend = backend
        self._name = backend.bucket_name
        self._prefix = f"{backend.location.strip('/')}/" if backend.location.strip("/") else ""

    @cached_property
    def _client(self) -> Any:
        """One for all threads, which boto3 allows of clients; its own would be one for each."""
        return self._backend.connection.meta.client

    def _object(self, path: str) -> dict[str, str]:
        return {"Bucket": self._name, "Key": self._prefix + path}

    def exists(self, blake2b_256: str, suffix: str = "") -> bool:
        """As in Store."""
        return self._size(relative_path(blake2b_256, suffix)) is not None

    def _size(self, path: str) -> int | None:
        try:
            with _sentences():
                return int(self._client.head_object(**self._object(path))["ContentLength"])
        except FileNotFoundError:
            return None

    def open_blob(self, blake2b_256: str, suffix: str = "") -> BinaryIO:
        """As in Store."""
        path = relative_path(blake2b_256, suffix)
        size = self._size(path)
        if size is None:
            raise FileNotFoundError(path)

        def fetch(first: int) -> Any:
            with _sentences():
                return self._client.get_object(**self._object(path), Range=f"bytes={first}-")[
                    "Body"
                ]

        return cast("BinaryIO", io.BufferedReader(_Remote(fetch, size), 256 * 1024))

    def store(self, source_path: str | Path, blake2b_256: str, suffix: str = "") -> None:
        """As in Store: one conditional PUT, so a content that is kept already stays, unless it is
        seen to be damaged.

        A conflict says that something else was being done to the object, and not what came of it:
        the PUT is repeated, and when it is refused once more, what is there is looked at.
        """
        source, path = Path(source_path), relative_path(blake2b_256, suffix)
        refusal = self._put_new(source, path)
        if refusal and not self._holds(path, source):
            if refusal in _CONFLICT:
                raise StorageFailed("the object is being changed", is_passing=True)
            with _sentences():
                self._put(source, path)
        source.unlink()

    def _holds(self, path: str, source: Path) -> bool:
        """Whether an object is what a file is, as far as the service tells without its being read.

        The ETag of what one PUT stored is the MD5 of what the service received. Where it is
        something else, as with keys of SSE-KMS, nothing looks the same and is stored once more,
        which is right, too. What the service damaged later keeps its ETag: check_stored_files finds
        that.
        """
        try:
            with _sentences():
                found = self._client.head_object(**self._object(path))
        except FileNotFoundError:
            return False
        if int(found["ContentLength"]) != source.stat().st_size:
            return False
        with source.open("rb") as content:
            md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False))
        return str(found.get("ETag", "")).strip('"') == md5.hexdigest()

    def _put_new(self, source: Path, path: str) -> str:
        """Store an object that is not there; "" if that was done, else why it was refused."""
        code = ""
        for wait in (0, *_AGAIN_AFTER):
            time.sleep(wait)
            try:
                self._put(source, path, IfNoneMatch="*")
            except ClientError as error:
                code = _code(error)
                if code in _CONFLICT:
                    continue
                if code in _THERE_ALREADY | _UNKNOWN_CONDITION:
                    return code
                with _sentences():
                    raise
            return ""
        return code

    def _put(self, source: Path, path: str, **conditions: str) -> None:
        try:
            with source.open("rb") as body:
                self._client.put_object(
                    **self._object(path),
                    **conditions,
                    Body=body,
                    ContentType="application/octet-stream",
                )
        except BotoCoreError as error:
            raise _failed(error, is_passing=True) from error

    def remove(self, blake2b_256: str) -> None:
        """As in Store."""
        for suffix in SUFFIXES:
            with _sentences():
                self._client.delete_object(**self._object(relative_path(blake2b_256, suffix)))

    def set_aside(self, path: str) -> None:
        """Move an object to where its key begins with "set-aside/"."""
        try:
            with _sentences():
                self._client.copy_object(
                    **self._object(_SET_ASIDE + path), CopySource=self._object(path)
                )
                self._client.delete_object(**self._object(path))
        except FileNotFoundError:  # removed meanwhile
            return

    def walk(self) -> Iterator[Stored]:
        """As in Store."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=self._prefix
        )
        with _sentences():
            for page in pages:
                for row in page.get("Contents", []):
                    path = row["Key"].removeprefix(self._prefix)
                    if not path.startswith(_SET_ASIDE):
                        yield Stored(path, *parse_path(path), row["Size"], row["LastModified"])

    def address_of(
        self, blake2b_256: str, suffix: str, filename: str, *, is_head: bool = False
    ) -> str:
        """As in Store: a signed address, if S3_DOWNLOADS says so."""
        if settings.S3_DOWNLOADS != "redirect":
            return ""
        parameters = {
            **self._object(relative_path(blake2b_256, suffix)),
            "ResponseCacheControl": CACHE_CONTROL,
            "ResponseContentType": "application/octet-stream",
            "ResponseContentDisposition": content_disposition_header(True, filename),
        }
        method = "head_object" if is_head else "get_object"
        with _sentences():
            return str(
                self._client.generate_presigned_url(
                    method, Params=parameters, ExpiresIn=ADDRESS_LASTS
                )
            )


class _Remote(io.RawIOBase):
    """An object as a file that can be read from any place on."""

    def __init__(self, fetch: Callable[[int], Any], size: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = (0, self._at, self._size)[whence] + offset
        if target != self._at:
            self._drop()
            self._at = target
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        if self._body is None:
            self._body = self._fetch(self._at)
        with _sentences():
            data: bytes = self._body.read(len(buffer))
        if not data:
            raise StorageFailed("the object ended early", is_passing=True)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


@contextmanager
def _sentences() -> Iterator[None]:
    """What the service answers, as the errors that a store raises."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _NOT_THERE:
            raise FileNotFoundError(str(error)) from error
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500)
        raise _failed(error, is_passing=status >= 500 or status == 429) from error
    except BotoCoreError as error:
        raise _failed(error, is_passing=True) from error


def _failed(error: Exception, *, is_passing: bool) -> StorageFailed:
    return StorageFailed(f"{type(error).__name__}: {error}", is_passing=is_passing)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
