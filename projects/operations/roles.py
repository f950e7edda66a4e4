"""Who may manage a project: roles, invitations to them, and their ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import policy
from accounts.limits import DAY, Limit
from accounts.models import User
from accounts.permissions import lock_accounts, require_staff
from audit.actors import Actor
from audit.log import record
from projects import changes, permissions
from projects.events import (
    INVITATION_ACCEPTED,
    INVITATION_CREATED,
    INVITATION_DECLINED,
    INVITATION_REVOKED,
    PROJECT_TRANSFERRED,
    ROLE_ADDED,
    ROLE_CHANGED,
    ROLE_REMOVED,
)
from projects.models import Invitation, Project, Role

INVITATION_LASTS = timedelta(days=7)
MAX_PROJECTS = 200  # of one invitation
INVITATIONS = Limit("invitations", 100, DAY)  # each is a mail to somebody who did not ask for it
_OWNER = Role.Kind.OWNER


@transaction.atomic
def invite(
    projects: Sequence[Project], user: User, kind: str, *, by: Actor, is_transfer: bool = False
) -> list[Invitation]:
    """Offer somebody a role in projects: one invitation for each, one mail for all.

    Args:
        kind: "owner" or "maintainer".
        is_transfer: whether the role of whoever invites ends when it is accepted; for owners.

    Raises:
        PermissionDenied: if whoever acts is not an owner of each.
        ValidationError: if the person has a role or an open invitation already, or cannot be
            reached, or if there is nothing to invite to.
        LimitReached: after 100 in a day.
    """
    if not 1 <= len(projects) <= MAX_PROJECTS:
        raise ValidationError(_("Choose between 1 and %d projects.") % MAX_PROJECTS)
    INVITATIONS.take(by.id)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.is_active or not user.has_verified_email:
        raise ValidationError(
            _("%s cannot be invited: the account has no verified mail address.") % user.username,
            code="unreachable",
        )
    locked = [changes.lock(row) for row in sorted(projects, key=lambda row: row.pk)]
    for project in locked:
        permissions.require(by, "manage", project)
        _require_free(project, user, takes_over=is_transfer and str(user.pk) != by.id)
    made = [_make_invitation(project, user, kind, is_transfer, by) for project in locked]
    first = made[0]
    changes.tell(
        "role_offered",
        [user],
        first.project,
        by=by,
        role=str(first.get_kind_display()),
        invitation=str(first.pk),
        more=len(made) - 1,
    )
    for project in locked:
        record(INVITATION_CREATED, by=by, about=[project, user], role=kind)
    return made


def _require_free(project: Project, user: User, *, takes_over: bool) -> None:
    role = Role.objects.filter(project=project, user=user).first()
    if role is not None:
        said = _("%(user)s is %(role)s of %(project)s already.") % {
            "user": user,
            "role": role.get_kind_display(),
            "project": project.name,
        }
        if takes_over:
            said += " " + _("To hand it over, see that they are an owner, and leave the project.")
        raise ValidationError(said, code="has_role")
    if Invitation.objects.open().filter(project=project, user=user).exists():
        raise ValidationError(
            _("%(user)s has an open invitation to %(project)s. Take it back first.")
            % {"user": user, "project": project.name},
            code="invited",
        )


def _make_invitation(
    project: Project, user: User, kind: str, is_transfer: bool, by: Actor
) -> Invitation:
    now = timezone.now()
    Invitation.objects.filter(project=project, user=user, answered_at=None).update(answered_at=now)
    return Invitation.objects.create(
        project=project,
        user=user,
        kind=Role.Kind(kind),
        is_transfer=is_transfer and kind == _OWNER,
        invited_by=by.user,
        expires_at=now + INVITATION_LASTS,
    )


@transaction.atomic
def accept_invitation(invitation: Invitation, *, by: Actor) -> Role:
    """Take the offered role.

    Raises:
        PermissionDenied: if it was offered to somebody else, or if who offered it is no longer an
            owner, or if the account has no second factor, or the project is quarantined.
        ValidationError: if it was answered, taken back or has ended.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=invitation.user_id)
    _require_invited(invitation, by)
    permissions.require_protected_account(by)
    project = changes.lock(invitation.project)
    permissions.require_no_quarantine(project)
    inviter = Role.objects.filter(
        project=project, user_id=invitation.invited_by_id, kind=_OWNER, user__is_active=True
    ).first()
    if inviter is None:
        raise PermissionDenied(
            _("%s is no longer an owner of the project. Ask an owner for another invitation.")
            % invitation.invited_by
        )
    _answer(invitation)
    if Role.objects.filter(project=project, user=user).exists():
        raise ValidationError(_("You have a role in this project already."), code="has_role")
    role = Role.objects.create(user=user, project=project, kind=invitation.kind)
    if invitation.is_transfer:
        inviter.delete()
        _end_invitations(project, by=by, sent_by=inviter.user)
        _tell_of_role("role_removed", project, inviter.user, _OWNER, by=by)
    _tell_of_role("role_added", project, role.user, role.kind, by=by)
    record(
        INVITATION_ACCEPTED,
        by=by,
        about=[project, user, invitation.invited_by],
        inviter=invitation.invited_by.username,
        role=role.kind,
    )
    if invitation.is_transfer:
        former = invitation.invited_by
        changes.publish(project, ROLE_REMOVED, by=by, about=[former], role=_OWNER.value)
    changes.publish(project, ROLE_ADDED, by=by, about=[user], role=role.kind)
    return role


@transaction.atomic
def decline_invitation(invitation: Invitation, *, by: Actor) -> None:
    """Refuse the offered role.

    Raises:
        PermissionDenied: if it was offered to somebody else.
        ValidationError: if it was answered, taken back or has ended.
    """
    _require_invited(invitation, by)
    project = changes.lock(invitation.project)
    _answer(invitation)
    people = [invitation.invited_by]
    changes.tell("invitation_declined", people, project, by=by)
    record(
        INVITATION_DECLINED,
        by=by,
        about=[project, invitation.user, invitation.invited_by],
        inviter=invitation.invited_by.username,
        role=invitation.kind,
    )


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, by: Actor) -> None:
    """Take an invitation back.

    Raises:
        PermissionDenied: if whoever acts is not an owner.
        ValidationError: if it was answered or has ended.
    """
    project = changes.lock(invitation.project)
    permissions.require(by, "restrict", project)
    _answer(invitation)
    _tell_of_end(invitation, by=by)


@transaction.atomic
def change_role(role: Role, kind: str, *, by: Actor) -> None:
    """Make a maintainer an owner, or an owner a maintainer.

    Raises:
        PermissionDenied: if whoever acts is not an owner.
        ValidationError: if nobody would own the project, or the role has ended.
    """
    project = changes.lock(role.project)
    permissions.require(by, "manage", project)
    role = _fresh(role)
    if role.kind == kind:
        return
    if role.kind == _OWNER:
        _require_another_owner(project, role)
    former, role.kind = role.kind, Role.Kind(kind)
    role.save(update_fields=["kind"])
    _end_invitations(project, by=by, sent_by=role.user)
    _tell_of_role("role_changed", project, role.user, role.kind, by=by)
    changes.publish(
        project, ROLE_CHANGED, by=by, about=[role.user], role=role.kind.value, former=former
    )


@transaction.atomic
def remove_role(role: Role, *, by: Actor) -> None:
    """End somebody's role, or one's own. Open invitations that they sent end with it.

    Raises:
        PermissionDenied: if it is somebody else's, and whoever acts is not an owner.
        ValidationError: if nobody would own the project, or the role has ended.
    """
    project = changes.lock(role.project)
    role = _fresh(role)
    if by.id != str(role.user_id):
        permissions.require(by, "manage", project)
    if role.kind == _OWNER:
        _require_another_owner(project, role)
    user, kind = role.user, role.kind
    role.delete()
    _end_invitations(project, by=by, sent_by=user)
    _tell_of_role("role_removed", project, user, kind, by=by)
    changes.publish(project, ROLE_REMOVED, by=by, about=[user], role=kind)


@transaction.atomic
def transfer_as_staff(project: Project, user: User, *, reason: str, by: Actor) -> None:
    """Make somebody the only one with a role in an abandoned project; its invitations end.

    Raises:
        PermissionDenied: if whoever acts may not, or would get the project, or if the person lacks
            the second factor that a role takes.
        ValidationError: if the person cannot be reached, or owns it alone; if it was deleted.
    """
    (user,) = lock_accounts([user], by=by)
    require_staff(by, permissions.MAY_STEWARD, about=user)
    project = changes.lock(project)
    if not user.is_active or not user.has_verified_email:
        raise ValidationError(
            _("%s cannot own a project: the account has no verified mail address.") % user.username,
            code="unreachable",
        )
    policy.require_to_publish(user)
    former = [role.user for role in project.roles.select_related("user") if role.user != user]
    if not former and project.roles.filter(user=user, kind=_OWNER).exists():
        raise ValidationError(_("%s is the only owner already.") % user.username, code="done")
    Role.objects.filter(project=project).exclude(user=user).delete()
    Role.objects.update_or_create(project=project, user=user, defaults={"kind": _OWNER})
    _end_invitations(project, by=by)
    people = [user, *(person for person in former if person.is_active)]
    changes.tell("project_transferred", people, project, by=by, person=user.username, reason=reason)
    changes.publish(project, PROJECT_TRANSFERRED, by=by, about=[user, *former], reason=reason)


def _fresh(role: Role) -> Role:
    """The role as it is under the project's lock."""
    found = Role.objects.select_related("user").filter(pk=role.pk).first()
    if found is None:
        raise ValidationError(_("This role has ended in the meantime."), code="gone")
    return found


def _require_another_owner(project: Project, role: Role) -> None:
    others = Role.objects.filter(project=project, kind=_OWNER, user__is_active=True)
    if not others.exclude(pk=role.pk).exists():
        raise ValidationError(
            _("%s is the only owner. Make somebody else an owner first, or hand the project over.")
            % role.user,
            code="last_owner",
        )


def _require_invited(invitation: Invitation, by: Actor) -> None:
    if by.kind != "user" or by.id != str(invitation.user_id):
        raise PermissionDenied(_("This invitation is for another account."))


def _answer(invitation: Invitation) -> None:
    """Use the invitation up."""
    now = timezone.now()
    unanswered = Invitation.objects.filter(pk=invitation.pk, answered_at=None, expires_at__gt=now)
    if unanswered.update(answered_at=now) != 1:
        raise ValidationError(
            _("This invitation was answered, was taken back, or has ended."), code="ended"
        )


def _end_invitations(project: Project, *, by: Actor, sent_by: User | None = None) -> None:
    """End all open invitations, or what one owner offered; under the project's lock."""
    rows = Invitation.objects.open().filter(project=project)
    if sent_by is not None:
        rows = rows.filter(invited_by=sent_by)
    ended = list(rows.select_related("user", "project"))
    rows.update(answered_at=timezone.now())
    for invitation in ended:
        _tell_of_end(invitation, by=by)


def _tell_of_end(invitation: Invitation, *, by: Actor) -> None:
    role, project, user = Role.Kind(invitation.kind), invitation.project, invitation.user
    changes.tell("invitation_revoked", [user], project, by=by, role=str(role.label))
    record(INVITATION_REVOKED, by=by, about=[project, user], role=role.value)


def _tell_of_role(notice: str, project: Project, user: User, kind: str, *, by: Actor) -> None:
    role = str(Role.Kind(kind).label)
    people = [user, *project.owners()]
    changes.tell(notice, people, project, by=by, role=role, person=user.username)
