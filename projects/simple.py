"""The Simple API: what is in it, in which form it is asked for, and its HTML (PEP 503).

The HTML stays at version 1.4 for ever (PEP 833); what is new goes to the JSON alone.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from packaging.version import Version

from projects.models import Project, download_url

API_VERSION: Final = "1.4"
HTML: Final = "text/html"
V1_HTML: Final = "application/vnd.pypi.simple.v1+html"
V1_JSON: Final = "application/vnd.pypi.simple.v1+json"
LAG: Final = 60  # seconds that the root index may be behind
# Counted up when the same project would be rendered to other bytes than before.
_RENDERER: Final = 1
# In the order in which we offer them, each with the type that answers it (PEP 691).
_OFFERS: Final = {
    HTML: HTML,
    V1_HTML: V1_HTML,
    V1_JSON: V1_JSON,
    "application/vnd.pypi.simple.latest+html": V1_HTML,
    "application/vnd.pypi.simple.latest+json": V1_JSON,
}


@dataclass(frozen=True)
class FileEntry:
    """A file as the index offers it."""

    filename: str
    version: str
    url: str
    sha256: str
    size: int
    uploaded_at: datetime
    requires_python: str
    yanked: bool | str
    metadata_sha256: str


@dataclass(frozen=True)
class ProjectPage:
    """A project as one moment shows it. Files are sorted by version, then by name."""

    name: str
    normalized_name: str
    serial: int
    status: str
    versions: list[str]
    files: list[FileEntry]


@dataclass(frozen=True)
class IndexEntry:
    """A project as the root index names it."""

    name: str
    normalized_name: str
    serial: int


@dataclass(frozen=True)
class IndexPage:
    """All projects as one moment shows them; the serial is the largest of all."""

    serial: int
    projects: list[IndexEntry]


def preferred_type(request: HttpRequest) -> str:
    """The type that a client prefers among ours; HTML if it takes none of them."""
    return _OFFERS[request.get_preferred_type(list(_OFFERS)) or HTML]


def etag(serial: int, content_type: str) -> str:
    """The strong validator of a page: whatever changes its bytes changes one of these."""
    form = {HTML: "html", V1_HTML: "v1html", V1_JSON: "v1json"}[content_type]
    return f'"{serial}-{form}-{_RENDERER}.{zlib.crc32(settings.SITE_URL.encode()):x}"'


def find_project(normalized_name: str) -> tuple[Any, int] | None:
    """Key and serial of a project: the one query of a page that is remembered."""
    found = Project.objects.filter(normalized_name=normalized_name).order_by()
    return found.values_list("pk", "serial").first()


def load_project(pk: Any) -> ProjectPage | None:
    """Read a project with its files in one statement, so that serial and content belong together.

    Returns:
        None if it was deleted.
    """
    rows = list(
        Project.objects.filter(pk=pk)
        .order_by()
        .values_list(
            "name",
            "normalized_name",
            "serial",
            "status",
            "files__filename",
            "files__blake2b_256",
            "files__sha256",
            "files__size",
            "files__uploaded_at",
            "files__requires_python",
            "files__metadata_sha256",
            "files__release__version",
            "files__release__yanked_at",
            "files__release__yanked_reason",
        )
    )
    if not rows:
        return None
    name, normalized_name, serial, status = rows[0][:4]
    shown = [] if status == Project.Status.QUARANTINED else [row for row in rows if row[4]]
    parsed = {row[11]: Version(row[11]) for row in shown}
    shown.sort(key=lambda row: (parsed[row[11]], row[4]))
    return ProjectPage(
        name=name,
        normalized_name=normalized_name,
        serial=serial,
        status=status,
        versions=sorted(parsed, key=parsed.__getitem__),
        files=[_file_entry(*row[4:]) for row in shown],
    )


def _file_entry(
    filename: str,
    digest: str,
    sha256: str,
    size: int,
    uploaded_at: datetime,
    requires_python: str,
    metadata_sha256: str,
    version: str,
    yanked_at: datetime | None,
    yanked_reason: str,
) -> FileEntry:
    return FileEntry(
        filename=filename,
        version=version,
        url=download_url(digest, filename),
        sha256=sha256,
        size=size,
        uploaded_at=uploaded_at,
        requires_python=requires_python,
        yanked=(yanked_reason or True) if yanked_at else False,
        metadata_sha256=metadata_sha256,
    )


def load_index() -> IndexPage:
    """Read the names of all projects, in one statement."""
    serial, projects = 0, []
    rows = Project.objects.order_by("normalized_name").values_list(
        "name", "normalized_name", "serial", "status"
    )
    for name, normalized_name, number, status in rows.iterator(chunk_size=5000):
        serial = max(serial, number)
        if status != Project.Status.QUARANTINED:
            projects.append(IndexEntry(name, normalized_name, number))
    return IndexPage(serial, projects)


class IndexSerial:
    """The largest serial, asked for once in LAG seconds. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._serial = 0
        self._asked_at: float | None = None

    def current(self) -> int:
        """The serial of the root index."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at >= LAG:
                self._serial = Project.objects.aggregate(largest=Max("serial"))["largest"] or 0
                self._asked_at = now
            return self._serial

    def note(self, serial: int) -> None:
        """A page was read that is newer than what we knew."""
        with self._lock:
            self._serial = max(self._serial, serial)

    def forget(self) -> None:
        """Ask again at the next request."""
        with self._lock:
            self._asked_at = None


index_serial: Final = IndexSerial()


def render_project(page: ProjectPage) -> bytes:
    """The HTML of a project (PEP 503, 592, 629, 658, 714, 792)."""
    title = escape(f"Links for {page.name}")
    lines = [
        *_head(title, f'<meta name="pypi:project-status" content="{escape(page.status)}">'),
        f"<h1>{title}</h1>",
        *(_link(entry) for entry in page.files),
        *_foot(page.serial),
    ]
    return "\n".join(lines).encode()


def render_index(page: IndexPage) -> bytes:
    """The HTML of the root index (PEP 503)."""
    root = f"{settings.SITE_URL}/simple"
    links = (
        f'<a href="{root}/{entry.normalized_name}/">{escape(entry.name)}</a><br>'
        for entry in page.projects
    )
    return "\n".join([*_head("Simple index"), *links, *_foot(page.serial)]).encode()


def _head(title: str, *metas: str) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta name="pypi:repository-version" content="{API_VERSION}">'
    yield from metas
    yield f"<title>{title}</title>"
    yield "</head>"
    yield "<body>"


def _foot(serial: int) -> Iterator[str]:
    yield "</body>"
    yield "</html>"
    yield f"<!--SERIAL {serial}-->"
    yield ""


def _link(entry: FileEntry) -> str:
    attributes = [f'href="{escape(entry.url)}#sha256={entry.sha256}"']
    if entry.requires_python:
        attributes.append(f'data-requires-python="{escape(entry.requires_python)}"')
    if entry.yanked:
        reason = "" if entry.yanked is True else entry.yanked
        attributes.append(f'data-yanked="{escape(reason)}"')
    if entry.metadata_sha256:
        attributes.append(f'data-core-metadata="sha256={entry.metadata_sha256}"')
        attributes.append(f'data-dist-info-metadata="sha256={entry.metadata_sha256}"')
    return f"<a {' '.join(attributes)}>{escape(entry.filename)}</a><br>"
