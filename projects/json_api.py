"""The Simple API as JSON (PEP 691, 700, 714 and 792)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from projects.simple import API_VERSION, FileEntry, ProjectPage


def render_project(page: ProjectPage) -> bytes:
    """The JSON of a project."""
    return _encode(
        {
            "meta": {"api-version": API_VERSION, "_last-serial": page.serial},
            "name": page.normalized_name,
            "project-status": {"status": page.status},
            "versions": page.versions,
            "files": [_file(entry) for entry in page.files],
        }
    )


def index_head(serial: int) -> str:
    """The beginning of the root index as JSON; the entries follow, with commas between them."""
    meta = json.dumps({"api-version": API_VERSION, "_last-serial": serial}, separators=(",", ":"))
    return f'{{"meta":{meta},"projects":['


def index_entry(name: str, serial: int) -> str:
    """One project in it."""
    return json.dumps({"name": name, "_last-serial": serial}, separators=(",", ":"))


INDEX_FOOT = "]}\n"


def _file(entry: FileEntry) -> dict[str, Any]:
    metadata = {"sha256": entry.metadata_sha256} if entry.metadata_sha256 else False
    return {
        "filename": entry.filename,
        "url": entry.url,
        "hashes": {"sha256": entry.sha256},
        "size": entry.size,
        "upload-time": _time(entry.uploaded_at),
        "requires-python": entry.requires_python or None,
        "yanked": entry.yanked,
        "core-metadata": metadata,
        "data-dist-info-metadata": metadata,
    }


def _time(moment: datetime) -> str:
    """UTC as `yyyy-mm-ddThh:mm:ss.ffffffZ` (PEP 700)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
