"""The public pages: the same for everybody, so they ask for nobody."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from projects import classifiers, readme, search
from projects.models import DeletedProject, File, Project, Release, Role
from projects.names import canonical_version, is_normalized
from projects.release_order import Order, find_order, in_order
from projects.views.doors import lead_to_normalized
from projects.views.readable import readable

NEWEST = 20
LOOKED_AT = 200  # releases, for one project that releases often must not fill the page
SHOWN_RELEASES = 20
PAGE_LENGTH = 50
FILES_LENGTH = 100


@readable
def show_home(request: HttpRequest) -> HttpResponse:
    """What this is, how to find and install, and what is new."""
    newest: dict[Any, Release] = {}
    for release in Release.objects.listed().newest().select_related("project")[:LOOKED_AT]:
        newest.setdefault(release.project_id, release)
    context = {"releases": list(newest.values())[:NEWEST]}
    return render(request, "projects/home.html", context)


@require_safe
def show_search(request: HttpRequest) -> HttpResponse:
    """Projects by name and summary."""
    query = request.GET.get("q", "")[: search.MAX_QUERY]
    found = search.find(query)
    page = Paginator(found.projects, PAGE_LENGTH).get_page(request.GET.get("page"))
    projects = Project.objects.select_related("search_entry").in_bulk(list(page.object_list))
    context = {
        "query": query.strip(),
        "found": found,
        "page": page,
        "projects": [projects[key] for key in page.object_list if key in projects],
    }
    return render(request, "projects/search.html", context)


@require_safe
def show_project(request: HttpRequest, name: str, version: str = "") -> HttpResponse:
    """A project with one of its releases; the latest, unless a version is asked for."""
    if not is_normalized(name):
        if version:
            return lead_to_normalized(request, "projects:release-detail", name, version)
        return lead_to_normalized(request, "projects:project-detail", name)
    project = Project.objects.filter(normalized_name=name).first()
    if project is None:
        return _deleted(request, name)
    order = Order(None, []) if project.is_quarantined else find_order(project)
    release = _chosen(project, order, version)
    context = _context(project, order, release, request.GET.get("page"))
    return render(request, "projects/project.html", context)


@require_safe
def show_releases(request: HttpRequest, name: str) -> HttpResponse:
    """All releases of a project."""
    if not is_normalized(name):
        return lead_to_normalized(request, "projects:release-list", name)
    projects = Project.objects.listed()
    project = get_object_or_404(projects, normalized_name=name)
    keys = find_order(project).keys
    page: Any = Paginator(keys, PAGE_LENGTH).get_page(request.GET.get("page"))
    page.object_list = in_order(project, page.object_list)
    return render(request, "projects/releases.html", {"project": project, "page": page})


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


@require_safe
def show_classifiers(request: HttpRequest) -> HttpResponse:
    """All classifiers, as a tree."""
    return render(request, "projects/classifiers.html", {"groups": classifiers.groups()})


def _deleted(request: HttpRequest, name: str) -> HttpResponse:
    """Say of a deleted project that it was deleted."""
    stones = DeletedProject.objects.filter(normalized_name=name).order_by("-deleted_at")
    stone = stones.first()
    if stone is None:
        raise Http404
    return render(request, "projects/deleted.html", {"stone": stone}, status=404)


def _chosen(project: Project, order: Order, version: str) -> Release | None:
    """The release of a version, or the latest if it is ""; None if there is none of all."""
    if not version:
        return project.releases.filter(pk=order.latest).first() if order.latest else None
    try:
        wanted = canonical_version(version)
    except ValueError as error:
        raise Http404 from error
    release = project.releases.filter(canonical_version=wanted).first()
    if release is None or release.pk not in order.keys:
        raise Http404
    return release


def _context(
    project: Project, order: Order, release: Release | None, page: str | None
) -> dict[str, Any]:
    shown = order.keys[:SHOWN_RELEASES]
    with_latest = list(dict.fromkeys([*shown, *filter(None, [order.latest])]))
    releases = {one.pk: one for one in in_order(project, with_latest)}
    files = File.objects.filter(release=release).order_by("filename")
    return {
        "project": project,
        "release": release,
        "is_latest": release is None or release.pk == order.latest,
        "latest": releases.get(order.latest or 0),
        "releases": [releases[key] for key in shown if key in releases],
        "hidden_releases": len(order.keys) - len(shown),
        "page": Paginator(files, FILES_LENGTH).get_page(page),
        "about": _about(release) if release else {},
        "description": _description(release) if release else "",
        "roles": list(project.public_roles()),
    }


def _about(release: Release) -> dict[str, Any]:
    """What the metadata of a release says, where it says it."""
    told = release.metadata
    return {
        "links": list(release.links()),
        "license": told.get("license_expression") or _short(told.get("license")),
        "author": told.get("author") or told.get("author_email"),
        "maintainer": told.get("maintainer") or told.get("maintainer_email"),
        "requires": told.get("requires_dist") or [],
        "extras": told.get("provides_extra") or [],
        "keywords": ", ".join(told.get("keywords") or []),
        "classifiers": told.get("classifiers") or [],
    }


def _short(text: Any) -> str:
    """A licence's name, where the field holds one and not the whole licence."""
    text = str(text or "").strip()
    return text if len(text) <= 80 and "\n" not in text else ""


def _description(release: Release) -> str:
    text = release.metadata.get("description") or ""
    kind = release.metadata.get("description_content_type") or ""
    return mark_safe(readme.render(text, kind)) if text.strip() else ""  # noqa: S308  # clean
