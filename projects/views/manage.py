"""Pages for the people who look after projects."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from audit.models import Event
from audit.rendering import history
from projects.models import Project
from projects.names import normalize

PAGE_LENGTH = 50


@account_page
@require_safe
def show_projects(request: HttpRequest) -> HttpResponse:
    """The projects in which the reader has a role."""
    user: Any = request.user
    roles = user.project_roles.select_related("project").order_by("project__normalized_name")
    page = Paginator(roles, PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {"nav": "projects", "page": page}
    return render(request, "projects/my_projects.html", context)


@account_page
@require_safe
def show_history(request: HttpRequest, name: str) -> HttpResponse:
    """All that the memory holds about a project, for its owners and maintainers."""
    project = get_object_or_404(Project.objects.of(request.user), normalized_name=normalize(name))
    events = Event.objects.for_project(project)
    page = Paginator(events, PAGE_LENGTH).get_page(request.GET.get("page"))
    lines = history(page.object_list, reader_id=str(request.user.pk))
    context = {"nav": "projects", "project": project, "page": page, "lines": lines}
    return render(request, "projects/history.html", context)
