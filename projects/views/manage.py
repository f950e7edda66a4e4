"""Pages for the people who look after projects: the list, the releases, yanks, and settings."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from accounts.sudo import sudo_page
from projects.forms import UnyankForm, YankForm
from projects.models import Invitation, Release, Role
from projects.names import normalize
from projects.operations import publishing
from projects.release_order import find_order, in_order
from projects.views.doors import (
    Act,
    ask_and_do,
    bound,
    find_release,
    find_role,
    project_context,
    why_not,
)

PAGE_LENGTH = 50
FILES_LENGTH = 100


@account_page
@require_safe
def show_projects(request: HttpRequest) -> HttpResponse:
    """The projects in which the reader has a role, and the roles that are offered."""
    user: Any = request.user
    query = request.GET.get("q", "")[:200]
    roles = user.project_roles.select_related("project").order_by("project__normalized_name")
    has_any = roles.exists()
    if query:
        roles = roles.filter(project__normalized_name__contains=normalize(query.strip()))
    context = {
        "nav": "projects",
        "page": Paginator(roles, PAGE_LENGTH).get_page(request.GET.get("page")),
        "query": query,
        "has_any": has_any,
        "owns_any": user.project_roles.filter(kind=Role.Kind.OWNER).exists(),
        "invitations": Invitation.objects.open().filter(user=user).count(),
    }
    return render(request, "projects/my_projects.html", context)


@account_page
@require_safe
def show_releases(request: HttpRequest, name: str) -> HttpResponse:
    """The releases of a project, newest version first, with what can be done with them."""
    role = find_role(request, name)
    query = request.GET.get("q", "")[:200].strip()
    keys = find_order(role.project).keys
    if query:
        fitting = role.project.releases.filter(version__contains=query).order_by()
        wanted = set(fitting.values_list("pk", flat=True))
        keys = [key for key in keys if key in wanted]
    page: Any = Paginator(keys, PAGE_LENGTH).get_page(request.GET.get("page"))
    releases = in_order(role.project, page.object_list)
    counts = dict(
        role.project.files.filter(release__in=page.object_list)
        .order_by()
        .values_list("release")
        .annotate(Count("pk"))
    )
    rows = [(release, counts.get(release.pk, 0)) for release in releases]
    context = project_context(role, "releases", page=page, rows=rows, query=query)
    return render(request, "projects/manage/releases.html", context)


@account_page
@require_safe
def show_release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """One release with its files, who uploaded them, and how."""
    role = find_role(request, name)
    release = find_release(role.project, version)
    files = release.files.order_by("filename")
    context = project_context(
        role,
        "releases",
        release=release,
        page=Paginator(files, FILES_LENGTH).get_page(request.GET.get("page")),
        total=release.files.aggregate(size=Sum("size"))["size"] or 0,
        refusal=why_not(request, "yank", role.project),
    )
    return render(request, "projects/manage/release.html", context)


@account_page
@require_safe
def show_settings(request: HttpRequest, name: str) -> HttpResponse:
    """Archiving, handing over and deleting, for owners; leaving, for all."""
    role = find_role(request, name)
    context = project_context(role, "settings", refusal=why_not(request, "archive", role.project))
    return render(request, "projects/manage/settings.html", context)


def _release_address(release: Release) -> str:
    name = release.project.normalized_name
    return reverse("projects:manage-release", args=[name, release.version])


@sudo_page
def yank_release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for the reason, then yank."""
    role = find_role(request, name)
    release = find_release(role.project, version)
    act = Act(
        title=_("Yank version %s?") % release.version,
        consequences=[
            _("Installers no longer choose it by themselves."),
            _("Who asks for exactly this version still gets it, with a warning."),
            _("You can take it back at any time. The owners are told by mail."),
        ],
        button=_("Yank this version"),
        back=_release_address(release),
        done=_("Version %s was yanked.") % release.version,
    )
    form = YankForm(bound(request), initial={"reason": release.yanked_reason})
    return ask_and_do(
        request,
        act,
        form,
        lambda typed: publishing.yank_release(
            release,
            reason=typed["reason"],
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "releases"),
    )


@sudo_page
def unyank_release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for the reason, then take the yank back."""
    role = find_role(request, name)
    release = find_release(role.project, version)
    act = Act(
        title=_("Take back the yank of version %s?") % release.version,
        consequences=[
            _("Installers may choose it again from now on. The owners are told by mail.")
        ],
        button=_("Take back the yank"),
        back=_release_address(release),
        done=_("Version %s is no longer yanked.") % release.version,
    )
    return ask_and_do(
        request,
        act,
        UnyankForm(bound(request)),
        lambda typed: publishing.unyank_release(
            release,
            reason=typed["reason"],
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "releases"),
    )
