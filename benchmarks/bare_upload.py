"""A Django view that takes an upload and checks nothing: what taking one in costs at least.

It hashes the file, stores it as safely as Indexsite does, and commits one row; it knows no
accounts, reads no archive and remembers nothing else. Everything goes below BARE_FOLDER.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import django
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

_FOLDER = Path(os.environ["BARE_FOLDER"])
_HASHES = ("sha256", "md5", "blake2b")

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(_FOLDER / "db.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    },
    FILE_UPLOAD_TEMP_DIR=str(_FOLDER),
    ROOT_URLCONF=__name__,
    SECRET_KEY="nothing is signed here",  # noqa: S106
)
django.setup()


def take(request: HttpRequest) -> HttpResponse:
    """Hash, store, commit."""
    content = request.FILES["content"]
    if not isinstance(content, UploadedFile):
        raise TypeError(content)
    digests = _store(content)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO file (name, size, sha256, md5, blake2b) VALUES (%s, %s, %s, %s, %s)",
            [content.name, content.size, *digests],
        )
    return HttpResponse(b"", headers={"Content-Length": "0"})


def _store(content: UploadedFile) -> list[str]:
    """Put the bytes under their digest; the digests."""
    hashes = [hashlib.new(name) for name in _HASHES]
    descriptor, source = tempfile.mkstemp(dir=_FOLDER)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in content.chunks():
            file.write(chunk)
            for known in hashes:
                known.update(chunk)
        file.flush()
        os.fsync(file.fileno())
    digests = [known.hexdigest() for known in hashes]
    target = _FOLDER / "files" / digests[0][:2] / digests[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digests


def _make_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS file (id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
            " size INTEGER, sha256 TEXT, md5 TEXT, blake2b TEXT)"
        )
    connection.close()


urlpatterns = [path("", take)]
application = get_wsgi_application()
_make_table()
