"""The public pages: the same for everybody, so they ask for nobody."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from projects.models import Project, Release, Role, latest_of
from projects.names import canonical_version, is_normalized, normalize

NEWEST = 20
SHOWN_RELEASES = 50
PAGE_LENGTH = 50


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    """What this is, how to install from it, and what is new."""
    projects = list(Project.objects.listed().newest()[:NEWEST])
    return render(request, "projects/home.html", {"projects": projects})


@require_safe
def show_project(request: HttpRequest, name: str, version: str = "") -> HttpResponse:
    """A project with one of its releases; the latest, unless a version is asked for."""
    if not is_normalized(name):
        return _redirect(name, version)
    project = Project.objects.filter(normalized_name=name).first()
    if project is None:
        raise Http404
    releases = [] if project.is_quarantined else _sorted_releases(project)
    release = _chosen(releases, version) if version else latest_of(releases)
    return render(request, "projects/project.html", _context(project, releases, release))


@require_safe
def show_user(request: HttpRequest, username: str) -> HttpResponse:
    """Somebody's projects. Nothing else of an account is public."""
    people = get_user_model().objects.filter(is_active=True)
    user = get_object_or_404(people, username_key=username.lower())
    if user.username != username:
        return redirect("projects:user-detail", user.username, permanent=True)
    roles = Role.objects.filter(user=user).exclude(project__status=Project.Status.QUARANTINED)
    roles = roles.select_related("project").order_by("project__normalized_name")
    page = Paginator(roles, PAGE_LENGTH).get_page(request.GET.get("page"))
    return render(request, "projects/user.html", {"person": user, "page": page})


def _redirect(name: str, version: str) -> HttpResponse:
    """To the one address of a project."""
    if not is_normalized(normalize(name)):
        raise Http404
    if version:
        return redirect("projects:release-detail", normalize(name), version, permanent=True)
    return redirect("projects:project-detail", normalize(name), permanent=True)


def _sorted_releases(project: Project) -> list[Release]:
    """All releases, the newest version first; without their long texts."""
    releases = project.releases.defer("metadata").order_by()
    return sorted(releases, key=lambda release: release.parsed_version, reverse=True)


def _chosen(releases: list[Release], version: str) -> Release:
    try:
        wanted = canonical_version(version)
    except ValueError as error:
        raise Http404 from error
    for release in releases:
        if release.canonical_version == wanted:
            return release
    raise Http404


def _context(project: Project, releases: list[Release], release: Release | None) -> dict[str, Any]:
    latest = latest_of(releases)
    return {
        "project": project,
        "release": release,
        "is_latest": release == latest,
        "latest": latest,
        "releases": releases[:SHOWN_RELEASES],
        "hidden_releases": max(len(releases) - SHOWN_RELEASES, 0),
        "files": list(release.files.all()) if release else [],
        "links": list(release.links()) if release else [],
        "description": (release.metadata.get("description") or "") if release else "",
        "roles": list(project.roles.filter(user__is_active=True).select_related("user")),
    }
