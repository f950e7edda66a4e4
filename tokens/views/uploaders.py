"""Who can upload to a project: people, and tokens that act in their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from accounts.sudo import sudo_page
from projects.models import Project, Role
from projects.names import normalize
from tokens.models import APIToken, TokenDenial
from tokens.operations.denials import deny_token, let_token_in


@dataclass(frozen=True)
class ListedToken:
    """A token that reaches a project, as its owners may see it.

    A token for all projects of somebody else is shown without its name, and its uses elsewhere are
    nobody's business here.

    Attributes:
        token: its row.
        denial: who cut it off, if anybody did.
        used_at: when it was last used; of a token for all projects, if that was here.
        may_be_let_in: whether the reader may take back that it was cut off.
    """

    token: APIToken
    denial: TokenDenial | None
    used_at: datetime | None
    may_be_let_in: bool


@account_page
@require_safe
def show_uploaders(request: HttpRequest, name: str) -> HttpResponse:
    """Roles, the tokens that are limited to this project, and how many others reach it."""
    project = _owned(request, name)
    narrow, wide = tokens_for(project, request.user)
    context = {
        "nav": "projects",
        "project": project,
        "roles": project.roles.select_related("user"),
        "tokens": narrow,
        "wide": wide,
        "reaching": sum(row.denial is None for row in wide),
    }
    return render(request, "tokens/uploaders.html", context)


def _deny(request: HttpRequest, name: str, pk: Any) -> HttpResponse:
    """Ask, then cut the token off."""
    return _act(
        request,
        name,
        pk,
        template="tokens/deny.html",
        operation=deny_token,
        done=_("The API token of %(user)s is cut off from %(project)s."),
    )


def _let_in(request: HttpRequest, name: str, pk: Any) -> HttpResponse:
    """Ask, then take back that the token was cut off."""
    return _act(
        request,
        name,
        pk,
        template="tokens/let_in.html",
        operation=let_token_in,
        done=_("The API token of %(user)s is let in to %(project)s again."),
    )


def _act(
    request: HttpRequest,
    name: str,
    pk: Any,
    *,
    template: str,
    operation: Callable[..., bool],
    done: str,
) -> HttpResponse:
    """Ask an owner about one of the tokens that reach the project, then do it."""
    project = _owned(request, name)
    token = get_object_or_404(_held(project), pk=pk)
    narrow, wide = tokens_for(project, request.user)
    if token not in [row.token for row in (*narrow, *wide)]:
        raise Http404
    if request.method != "POST":
        context = {"nav": "projects", "project": project, "token": token}
        return render(request, template, context)
    try:
        operation(token, project, by=request.actor)  # type: ignore[attr-defined]
    except PermissionDenied as error:
        messages.error(request, str(error))
    else:
        places = {"user": token.user.username, "project": project.name}
        messages.success(request, done % places)
    return redirect("tokens:uploaders", project.normalized_name)


def tokens_for(project: Project, reader: Any) -> tuple[list[ListedToken], list[ListedToken]]:
    """The usable tokens that reach a project: those limited in their projects, and all others.

    One that may only create projects has nothing to do with this one any more.
    """
    denials = {denial.token_id: denial for denial in project.token_denials.select_related("token")}
    narrow: list[ListedToken] = []
    wide: list[ListedToken] = []
    for token in _held(project):
        allowed = token.allowance
        if not allowed.covers(name=project.normalized_name, project_id=str(project.pk)):
            continue
        if not {"upload", "yank"}.intersection(allowed.actions):
            continue
        is_wide = allowed.is_for_all_projects
        is_here = not is_wide or token.last_used_project == project.normalized_name
        used_at = token.last_used_at if is_here else None
        denial = denials.get(token.pk)
        may_be_let_in = denial is not None and denial.may_be_lifted_by(reader)
        row = ListedToken(token, denial, used_at, may_be_let_in)
        (wide if is_wide else narrow).append(row)
    return narrow, wide


def _held(project: Project) -> Any:
    holders = project.roles.values("user")
    tokens = APIToken.objects.usable().filter(user__in=holders).select_related("user")
    return tokens.order_by("user__username_key", "name")


def _owned(request: HttpRequest, name: str) -> Project:
    """The project, for its owners; for everybody else there is no such page."""
    owned = Project.objects.filter(
        roles__user=request.user,  # type: ignore[misc]
        roles__kind=Role.Kind.OWNER,
    )
    return get_object_or_404(owned, normalized_name=normalize(name))


deny = sudo_page(_deny)
let_in = sudo_page(_let_in)
