"""How pages about a project find it, and how acts on it are asked for and done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from projects import permissions
from projects.models import Project, Release, Role
from projects.names import canonical_version, is_normalized, normalize


def lead_to_normalized(request: HttpRequest, page: str, name: str, *more: str) -> HttpResponse:
    """To the one address of a page of a project, with the query that was asked.

    Raises:
        Http404: for a name that no project can have, which would lead to itself.
    """
    normalized = normalize(name)
    if not is_normalized(normalized):
        raise Http404
    query = request.META.get("QUERY_STRING", "")
    path = reverse(page, args=[normalized, *more])
    return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)


def find_role(request: HttpRequest, name: str) -> Role:
    """The role of whoever reads; strangers are answered as if there were no such project.

    Raises:
        Http404: to strangers.
    """
    roles = Role.objects.select_related("project")
    return get_object_or_404(roles, user=request.user, project__normalized_name=normalize(name))


def find_release(project: Project, version: str) -> Release:
    """A release of a project, in any spelling of its version.

    Raises:
        Http404: if there is none.
    """
    try:
        wanted = canonical_version(version)
    except ValueError:
        wanted = ""
    return get_object_or_404(project.releases.select_related("project"), canonical_version=wanted)


def project_context(role: Role, tab: str, **more: Any) -> dict[str, Any]:
    """What every page of a project's people knows."""
    return {
        "nav": "projects",
        "tab": tab,
        "project": role.project,
        "role": role,
        "is_owner": role.kind == Role.Kind.OWNER,
        **more,
    }


def why_not(request: HttpRequest, action: str, project: Project) -> str:
    """Why the reader may not do something; "" if they may."""
    try:
        permissions.require(request.actor, action, project)  # type: ignore[attr-defined]
    except PermissionDenied as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class Act:
    """A change that has a page of its own: what it is, and where one comes from and goes to.

    Attributes:
        title: a question.
        consequences: what will happen, in sentences.
        button: what the button says.
        back: the address of the page before.
        done: what is said once it is done.
        then: where to go then; `back` if it is "".
        is_danger: whether it cannot be undone.
        details: names and values of what is concerned.
    """

    title: str
    consequences: list[str]
    button: str
    back: str
    done: str
    then: str = ""
    is_danger: bool = False
    details: list[tuple[str, Any]] = field(default_factory=list)


def ask_and_do(
    request: HttpRequest,
    act: Act,
    form: forms.Form,
    do: Callable[[dict[str, Any]], object],
    context: dict[str, Any],
) -> HttpResponse:
    """Show the page of an act; do it when it is sent, by one operation.

    Args:
        form: bound if the page was sent; what it found is given to `do`.
        do: calls the operation, whose refusals are shown on the page.
    """
    if form.is_bound and form.is_valid():
        try:
            do(form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        except PermissionDenied as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, act.done)
            return redirect(act.then or act.back)
    return render(request, "projects/act.html", {**context, "act": act, "form": form})


def bound(request: HttpRequest) -> Any:
    """What a form is bound to: the fields that were sent, or None before that."""
    return request.POST if request.method == "POST" else None
