"""The JSON API that came before the Simple API's JSON, as PyPI answers it."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from datetime import UTC
from threading import Lock
from typing import Any, Final

from django.conf import settings

from projects.cache import documents
from projects.models import File, Project, Release
from projects.release_order import find_order
from projects.simple import GZIP_LEVEL

_NO_DOWNLOADS = {"last_day": -1, "last_month": -1, "last_week": -1}  # nobody counts them here
_rendering: Final = Lock()


def find_packed(project: Project, version: str) -> bytes | None:
    """What is known of a project and one of its releases, compressed; remembered by serial.

    Args:
        version: in its canonical form; "" for the latest release, and all files of the project.

    Returns:
        None if there is no such release.
    """
    key = (project.pk, project.serial, version)
    packed = documents.get(key)
    if packed is not None:
        return packed
    with _rendering:  # after a change, all that wait for it take what the first one made
        packed = documents.get(key)
        if packed is None and (release := _find(project, version)):
            content = render(project, release, with_releases=not version)
            packed = gzip.compress(content, GZIP_LEVEL, mtime=0)
            documents.put(key, packed)
        return packed


def _find(project: Project, version: str) -> Release | None:
    if version:
        return project.releases.filter(canonical_version=version).first()
    latest = find_order(project).latest
    return project.releases.filter(pk=latest).first() if latest else None


def render(project: Project, release: Release, *, with_releases: bool) -> bytes:
    """What is known of a project and one of its releases."""
    files: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    shown = project.files.select_related("release").defer("release__metadata")
    if not with_releases:
        shown = shown.filter(release=release)
    for file in shown.order_by("filename"):
        files[file.release.version].append(_file(file))
    answer = {
        "info": _info(project, release),
        "last_serial": project.serial,
        "ownership": {"roles": _roles(project), "organization": None},
        "urls": files[release.version],
        "vulnerabilities": [],
    }
    if with_releases:
        versions = dict(project.releases.order_by().values_list("pk", "version"))
        in_order = [versions[key] for key in reversed(find_order(project).keys) if key in versions]
        answer["releases"] = {one: files[one] for one in in_order}
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"


def _roles(project: Project) -> list[dict[str, str]]:
    roles = project.public_roles()
    return [{"role": str(one.kind).title(), "user": one.user.username} for one in roles]


def _info(project: Project, release: Release) -> dict[str, Any]:
    told = release.metadata
    page = f"{settings.SITE_URL}/project/{project.normalized_name}/"
    return {
        "author": told.get("author"),
        "author_email": told.get("author_email"),
        "bugtrack_url": None,
        "classifiers": told.get("classifiers") or [],
        "description": told.get("description") or "",
        "description_content_type": told.get("description_content_type"),
        "docs_url": None,
        "download_url": told.get("download_url"),
        "downloads": _NO_DOWNLOADS,
        "dynamic": told.get("dynamic") or None,
        "home_page": told.get("home_page"),
        "keywords": ",".join(told.get("keywords") or []) or None,
        "license": told.get("license"),
        "license_expression": told.get("license_expression"),
        "license_files": told.get("license_files") or None,
        "maintainer": told.get("maintainer"),
        "maintainer_email": told.get("maintainer_email"),
        "name": project.name,
        "package_url": page,
        "platform": ",".join(told.get("platforms") or []) or None,
        "project_url": page,
        "project_urls": _project_urls(told) or None,
        "provides_extra": told.get("provides_extra") or None,
        "release_url": f"{page}{release.version}/",
        "requires_dist": told.get("requires_dist") or None,
        "requires_python": release.requires_python or None,
        "summary": release.summary or None,
        "version": release.version,
        "yanked": release.is_yanked,
        "yanked_reason": release.yanked_reason or None,
    }


def _project_urls(told: dict[str, Any]) -> dict[str, str]:
    """All links; an old field is left out where a label that means the same has its address."""
    urls: dict[str, str] = dict(told.get("project_urls") or [])
    for label, field in (("Homepage", "home_page"), ("Download", "download_url")):
        url = told.get(field)
        same = {_plain(one) for one, known in urls.items() if known == url}
        if url and _plain(label) not in same:
            urls[label] = url
    return urls


def _plain(label: str) -> str:
    """A label as PEP 753 compares it."""
    return re.sub(r"[\W_]", "", label).lower()


def _file(file: File) -> dict[str, Any]:
    release, uploaded_at = file.release, file.uploaded_at.astimezone(UTC)
    return {
        "comment_text": None,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "digests": {"blake2b_256": file.blake2b_256, "md5": file.md5, "sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": file.kind,
        "python_version": file.python_tag,
        "requires_python": file.requires_python or None,
        "size": file.size,
        "upload_time": uploaded_at.strftime("%Y-%m-%dT%H:%M:%S"),
        "upload_time_iso_8601": uploaded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "url": file.url,
        "yanked": release.is_yanked,
        "yanked_reason": release.yanked_reason or None,
    }
