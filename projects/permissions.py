"""Who may do what with a project."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts import policy
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, PROJECTS
from audit.prepared import Prepared
from projects.models import Project, Role
from projects.names import MAX_NAME, shown

MAY_STEWARD = frozenset({PROJECTS, ADMINISTRATOR})  # everybody's projects, and names
_HELD = Prepared(
    lambda project, user: (
        Role.objects.filter(project=project, user=user, user__is_active=True)
        .order_by()
        .values_list("kind")
    )
)
_ANY_ROLE = frozenset(Role.Kind.values)
_OWNER = frozenset({Role.Kind.OWNER.value})
_ROLES = {
    "upload": _ANY_ROLE,
    "read history": _ANY_ROLE,
    "yank": _OWNER,
    "delete": _OWNER,
    "archive": _OWNER,
    "manage": _OWNER,
    "restrict": _OWNER,
}
_NOT_IN_QUARANTINE = frozenset({"yank", "delete", "archive", "manage"})


def require(by: Actor, action: str, project: Project) -> None:
    """Check that somebody may do something; one query, so that it holds at this moment.

    Args:
        by: who wants to.
        action: "create" (the project is not stored yet), "upload", "read history", "yank",
            "delete", "archive", "manage" (its roles and invitations) or "restrict" (take back
            what was offered, and cut API tokens off).
        project: the project; after its lock was taken where the answer must stay true.

    Raises:
        PermissionDenied: with the reason in a sentence; in plain ASCII for create and upload.
        KeyError: if there is no such action.
    """
    if action == "create":
        _require_person(by, project)
        return
    kind = _role_kind(by, project)
    if kind not in _ROLES[action]:
        raise PermissionDenied(_refusal(by, action, project, kind))
    if action == "upload":
        _require_open(project)
    elif action != "read history":
        require_protected_account(by)
    if action in _NOT_IN_QUARANTINE:
        require_no_quarantine(project)


def require_no_quarantine(project: Project) -> None:
    """Check that staff do not review the project.

    Raises:
        PermissionDenied: if they do.
    """
    if project.is_quarantined:
        raise PermissionDenied(
            _(
                "The project %(project)s is quarantined: nothing in it can be changed until the "
                "staff of this site have reviewed it."
            )
            % {"project": project.name}
        )


def _role_kind(by: Actor, project: Project) -> str | None:
    """The role of whoever acts; None without one, and for closed accounts."""
    if by.kind != "user":
        return None
    held = _HELD.first(project.pk, UUID(by.id))
    return held[0] if held else None


def _require_person(by: Actor, project: Project) -> None:
    people = get_user_model().objects.filter(pk=by.id, is_active=True) if by.id else None
    if by.kind != "user" or people is None or not people.exists():
        raise PermissionDenied(
            f"Only people with an open account here may create the project {_named(project)}."
        )


def _require_open(project: Project) -> None:
    if project.is_archived:
        raise PermissionDenied(
            f"The project {_named(project)} is archived: it takes no new files until an owner "
            "makes it active again."
        )
    if project.is_quarantined:
        raise PermissionDenied(
            f"The project {_named(project)} is quarantined: it takes no new files until the staff "
            "of this site have reviewed it."
        )


def require_protected_account(by: Actor) -> None:
    """Check that who manages projects can be reached by mail, and has the second factor it takes.

    Raises:
        PermissionDenied: with what is missing.
    """
    if not by.user.has_verified_email:
        raise PermissionDenied(_("Verify your mail address before you manage projects."))
    if not policy.may_publish(by.user):
        raise PermissionDenied(_("Add a second factor before you manage projects."))


def _refusal(by: Actor, action: str, project: Project, kind: str | None) -> str:
    if action == "upload":
        return (
            f"User {shown(by.label)} is not allowed to upload to project {_named(project)}: only "
            "its owners and maintainers are."
        )
    if kind is None:
        return _("You have no role in the project %(project)s.") % {"project": project.name}
    if action == "yank":
        return _("Only owners of the project %(project)s may yank its releases.") % {
            "project": project.name
        }
    if action == "delete":
        return _("Only owners of the project %(project)s may delete anything of it.") % {
            "project": project.name
        }
    if action == "archive":
        return _("Only owners of the project %(project)s may archive it.") % {
            "project": project.name
        }
    return _("Only owners of the project %(project)s may manage it.") % {"project": project.name}


def _named(project: Project) -> str:
    return shown(project.name, MAX_NAME + 2)
