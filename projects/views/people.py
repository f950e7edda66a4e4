"""Who may manage a project: roles and invitations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from accounts.sudo import sudo_page
from projects.forms import InvitationForm, PersonForm, RoleForm, WideInvitationForm
from projects.models import Invitation, Role
from projects.operations import roles
from projects.views.doors import (
    Act,
    ask_and_do,
    bound,
    find_role,
    project_context,
    why_not,
)


def _people_address(role: Role) -> str:
    return reverse("projects:people", args=[role.project.normalized_name])


@account_page
@require_safe
def show_people(request: HttpRequest, name: str) -> HttpResponse:
    """Roles and open invitations."""
    role = find_role(request, name)
    project = role.project
    invitations = Invitation.objects.open().filter(project=project)
    context = project_context(
        role,
        "people",
        roles=project.roles.select_related("user"),
        invitations=invitations.select_related("user", "invited_by"),
        refusal=why_not(request, "manage", project),
        may_take_back=not why_not(request, "restrict", project),
    )
    return render(request, "projects/manage/people.html", context)


@sudo_page
def invite(request: HttpRequest, name: str) -> HttpResponse:
    """Offer somebody a role."""
    role = find_role(request, name)
    form = InvitationForm(bound(request))
    act = Act(
        title=_("Invite somebody to %s") % role.project.name,
        consequences=[
            _("They get a mail, and find the invitation under “Projects” when they sign in."),
            _("It ends after 7 days, and can be taken back until it is accepted."),
        ],
        button=_("Invite"),
        back=_people_address(role),
        done=_("The invitation is on its way."),
    )
    return ask_and_do(
        request,
        act,
        form,
        lambda typed: roles.invite(
            [role.project],
            typed["username"],
            typed["kind"],
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "people"),
    )


@sudo_page
def transfer_project(request: HttpRequest, name: str) -> HttpResponse:
    """Offer somebody one's own place as an owner."""
    role = find_role(request, name)
    act = Act(
        title=_("Hand %s over?") % role.project.name,
        consequences=[
            _("The person that you name is invited to become an owner."),
            _("When they accept, your own role ends. Until then, nothing changes."),
        ],
        button=_("Offer the project"),
        back=reverse("projects:project-settings", args=[role.project.normalized_name]),
        then=_people_address(role),
        done=_("The invitation is on its way. Your role ends when it is accepted."),
    )
    return ask_and_do(
        request,
        act,
        PersonForm(bound(request)),
        lambda typed: roles.invite(
            [role.project],
            typed["username"],
            Role.Kind.OWNER.value,
            is_transfer=True,
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "settings"),
    )


@sudo_page
def invite_to_many(request: HttpRequest) -> HttpResponse:
    """Offer one account, such as that of a deployer, a role in many projects at once."""
    user: Any = request.user
    form = WideInvitationForm(bound(request), user=user)
    act = Act(
        title=_("Invite somebody to several projects"),
        consequences=[
            _("They get one mail, and accept all invitations on one page within 7 days."),
        ],
        button=_("Invite"),
        back=reverse("projects:my-projects"),
        done=_("The invitations are on their way."),
    )
    return ask_and_do(
        request,
        act,
        form,
        lambda typed: roles.invite(
            list(typed["projects"]),
            typed["username"],
            typed["kind"],
            by=request.actor,  # type: ignore[attr-defined]
        ),
        {"nav": "projects"},
    )


@sudo_page
def change_role(request: HttpRequest, name: str, username: str) -> HttpResponse:
    """Make somebody owner or maintainer."""
    role = find_role(request, name)
    theirs = _role_of(role, username)
    act = Act(
        title=_("Change the role of %s?") % theirs.user,
        consequences=[_("It holds from now on. They and all owners are told by mail.")],
        button=_("Change the role"),
        back=_people_address(role),
        done=_("The role of %s was changed.") % theirs.user,
    )
    return ask_and_do(
        request,
        act,
        RoleForm(bound(request), initial={"kind": theirs.kind}),
        lambda typed: roles.change_role(
            theirs,
            typed["kind"],
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "people"),
    )


@sudo_page
def remove_role(request: HttpRequest, name: str, username: str) -> HttpResponse:
    """End somebody's role, or leave."""
    role = find_role(request, name)
    theirs = _role_of(role, username)
    is_own = theirs.pk == role.pk
    act = Act(
        title=(
            _("Leave %s?") % role.project.name
            if is_own
            else _("Remove %(user)s from %(project)s?")
            % {"user": theirs.user, "project": role.project.name}
        ),
        consequences=[
            (
                _("You can no longer upload to it or manage it, and your API tokens cannot either.")
                if is_own
                else _("They can no longer upload to it, and their API tokens cannot either.")
            ),
            _("What was uploaded stays. Everybody concerned is told by mail."),
        ],
        button=_("Leave the project") if is_own else _("Remove the role"),
        back=_people_address(role),
        then=reverse("projects:my-projects") if is_own else "",
        done=(
            _("You left %s.") % role.project.name if is_own else _("%s was removed.") % theirs.user
        ),
        is_danger=True,
    )
    return ask_and_do(
        request,
        act,
        forms.Form(bound(request)),
        lambda _typed: roles.remove_role(theirs, by=request.actor),  # type: ignore[attr-defined]
        project_context(role, "people"),
    )


def _role_of(role: Role, username: str) -> Role:
    found = role.project.roles.select_related("user", "project")
    return get_object_or_404(found, user__username_key=username.lower())


@account_page
def revoke_invitation(request: HttpRequest, name: str, pk: Any) -> HttpResponse:
    """Take an invitation back."""
    role = find_role(request, name)
    invitation = get_object_or_404(
        Invitation.objects.select_related("user", "project"), pk=pk, project=role.project
    )
    act = Act(
        title=_("Take back the invitation of %s?") % invitation.user,
        consequences=[_("It can no longer be accepted.")],
        button=_("Take it back"),
        back=_people_address(role),
        done=_("The invitation was taken back."),
    )
    return ask_and_do(
        request,
        act,
        forms.Form(bound(request)),
        lambda _typed: roles.revoke_invitation(
            invitation,
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "people"),
    )


# Answering

_ANSWERS = {"accept": True, "decline": False}  # an invitation is used up by no other word


@account_page
def list_invitations(request: HttpRequest) -> HttpResponse:
    """All that is offered to the reader, to be accepted together."""
    user: Any = request.user
    offered = Invitation.objects.open().filter(user=user)
    offered = offered.select_related("project", "invited_by", "user")
    ids = request.POST.getlist("invitation")
    is_yes = _ANSWERS.get(request.POST.get("answer", ""))
    if request.method == "POST" and is_yes is not None:
        chosen = [row for row in offered if str(row.pk) in set(ids)]
        _answer_all(request, chosen, is_yes=is_yes)
        return redirect("projects:my-projects")
    is_unclear = request.method == "POST"
    chosen_ids = ids if is_unclear else [str(row.pk) for row in offered]
    context = {
        "nav": "projects",
        "invitations": offered,
        "chosen_ids": chosen_ids,
        "is_unclear": is_unclear,
    }
    return render(request, "projects/invitations.html", context)


def _answer_all(request: HttpRequest, invitations: list[Invitation], *, is_yes: bool) -> None:
    operation: Any = roles.accept_invitation if is_yes else roles.decline_invitation
    count = 0
    for invitation in invitations:
        try:
            operation(invitation, by=request.actor)  # type: ignore[attr-defined]
        except ValidationError as error:
            messages.error(request, f"{invitation.project}: {' '.join(error.messages)}")
        except PermissionDenied as error:
            messages.error(request, f"{invitation.project}: {error}")
        else:
            count += 1
    if count and is_yes:
        said = ngettext("%d invitation was accepted.", "%d invitations were accepted.", count)
        messages.success(request, said % count)
    elif count:
        said = ngettext("%d invitation was declined.", "%d invitations were declined.", count)
        messages.success(request, said % count)


@account_page
def show_invitation(request: HttpRequest, pk: Any) -> HttpResponse:
    """One invitation, for whom it is for; to others it is not there."""
    found = Invitation.objects.select_related("project", "invited_by", "user")
    invitation = get_object_or_404(found, pk=pk, user=request.user)
    is_open = Invitation.objects.open().filter(pk=pk).exists()
    is_yes = _ANSWERS.get(request.POST.get("answer", ""))
    if request.method == "POST" and is_open and is_yes is not None:
        _answer_all(request, [invitation], is_yes=is_yes)
        return redirect("projects:my-projects")
    context = {
        "nav": "projects",
        "invitation": invitation,
        "is_open": is_open,
        "is_unclear": request.method == "POST",
    }
    return render(request, "projects/invitation.html", context, status=200 if is_open else 410)
