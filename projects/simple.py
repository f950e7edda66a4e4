"""The Simple API: what is in it, in which form it is asked for, and its HTML (PEP 503).

The HTML stays at version 1.4 for ever (PEP 833); what is new goes to the JSON alone.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.request import MediaType
from packaging.version import Version

from projects.cache import serials
from projects.models import Project, download_url

API_VERSION: Final = "1.4"
HTML: Final = "text/html"
V1_HTML: Final = "application/vnd.pypi.simple.v1+html"
V1_JSON: Final = "application/vnd.pypi.simple.v1+json"
GZIP_LEVEL: Final = 6
# Counted up when the same project would be rendered to other bytes than before.
_RENDERER: Final = 2
# Both types of HTML have the same bytes, and are two answers all the same.
_TYPE_MARKS: Final = {HTML: "", V1_HTML: "v1", V1_JSON: ""}
_SERIAL: Final = "SELECT serial FROM projects_project WHERE normalized_name = %s"
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


@lru_cache(maxsize=128)
def preferred_type(accept: str) -> str:
    """The type that a client prefers among ours; HTML, and never 406, if it takes none of them.

    Args:
        accept: its Accept header, "*/*" if it sent none.
    """
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept
    ranges = [MediaType(part) for part in accept.split(",")]
    offers = [offer for offer in _OFFERS if not _is_refused(offer, ranges)]
    return _OFFERS[request.get_preferred_type(offers) or HTML]


def _is_refused(offer: str, ranges: list[MediaType]) -> bool:
    """Whether what says most of this type is that it is not wanted (RFC 9110, 12.4.2 and 12.5.1).

    Django leaves such a range out, so that a wider one would take the type in again.
    """
    kind: Any = MediaType(offer)
    fitting = [one for one in ranges if kind.match(one)]
    closest = max(fitting, key=lambda one: one.specificity, default=None)
    return closest is not None and closest.quality == 0


@lru_cache(maxsize=128)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client that sent this Accept-Encoding reads gzip (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accept_encoding.lower().replace(" ", "").split(","):
        coding, _semicolon, weight = part.partition(";q=")
        weights[coding] = weight or "1"
    weight = weights.get("gzip", weights.get("*", "0"))
    return bool(re.fullmatch(r"(0\.\d{0,3}|1(\.0{0,3})?)", weight)) and float(weight) > 0


@dataclass(frozen=True, slots=True)
class Form:
    """In which form a page is asked for.

    Attributes:
        type: HTML, V1_HTML or V1_JSON.
        is_gzipped: whether it is sent compressed.
    """

    type: str
    is_gzipped: bool

    @classmethod
    def wanted(cls, accept: str, accept_encoding: str) -> Form:
        """The form that suits a client with these headers."""
        return cls(preferred_type(accept), takes_gzip(accept_encoding))

    @property
    def is_json(self) -> bool:
        """Whether it is JSON."""
        return self.type == V1_JSON

    @property
    def key(self) -> str:
        """A short name of what the bytes are: both types of HTML have the same."""
        return ("json" if self.is_json else "html") + (".gz" if self.is_gzipped else "")

    def etag(self, serial: int) -> str:
        """The strong validator of a page: whatever changes its bytes changes one of these."""
        return f'"{serial}-{_TYPE_MARKS[self.type]}{self.key}-{edition()}"'

    def encode(self, page: bytes) -> bytes:
        """The page as it is sent in this form."""
        return gzip.compress(page, GZIP_LEVEL, mtime=0) if self.is_gzipped else page


def edition() -> str:
    """What beside the serial decides the bytes of a page: our code, and the site's address."""
    return f"{_RENDERER}.{_digest_of(settings.SITE_URL)}"


@lru_cache(maxsize=4)
def _digest_of(text: str) -> str:
    return f"{zlib.crc32(text.encode()):x}"


def find_serial(normalized_name: str) -> int | None:
    """The serial of a project: the one query of a page that is remembered.

    As SQL: making it from the ORM's parts takes ten times as long as asking it.
    """

    def ask() -> int | None:
        with connection.cursor() as cursor:
            cursor.execute(_SERIAL, [normalized_name])
            row = cursor.fetchone()
        return None if row is None else int(row[0])

    return serials.ask(normalized_name, ask)


def load_project(name: str) -> ProjectPage | None:
    """Read a project with its files in one statement, so that serial and content belong together.

    Returns:
        None if it was deleted.
    """
    rows = list(
        Project.objects.filter(normalized_name=name)
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


def index_head() -> str:
    """The beginning of the root index as HTML (PEP 503)."""
    return "\n".join([*_head("Simple index"), ""])


def index_entry(name: str, normalized_name: str) -> str:
    """The line of one project in it."""
    return f'<a href="{settings.SITE_URL}/simple/{normalized_name}/">{escape(name)}</a><br>\n'


def index_foot(serial: int) -> str:
    """Its end."""
    return "\n".join(_foot(serial))


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
