"""Cutting tokens off from projects, and letting them in again."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import notices
from audit.actors import Actor
from audit.log import record
from audit.vocabulary import EventKind
from projects import permissions
from projects.models import Project
from tokens.events import TOKEN_DENIED, TOKEN_LET_IN
from tokens.models import APIToken, TokenDenial


@transaction.atomic
def deny_token(token: APIToken, project: Project, *, by: Actor) -> bool:
    """Cut a token off from a project; the role of its holder there is untouched.

    Returns:
        False if that was done before.

    Raises:
        PermissionDenied: if whoever acts does not own the project.
    """
    project = Project.objects.locked(project.pk)
    permissions.require(by, "restrict", project)
    try:
        with transaction.atomic():
            TokenDenial.objects.create(token=token, project=project, denied_by=by.label[:150])
    except IntegrityError:
        return False
    _tell(TOKEN_DENIED, "token_denied", token, project, by=by)
    return True


@transaction.atomic
def let_token_in(token: APIToken, project: Project, *, by: Actor) -> bool:
    """Take back that a token was cut off: it may do there what it allows and its holder may.

    Returns:
        False if it was not cut off.

    Raises:
        PermissionDenied: if whoever acts does not own the project, or if it is a token of theirs
            that another owner cut off.
    """
    project = Project.objects.locked(project.pk)
    permissions.require(by, "restrict", project)
    denial = TokenDenial.objects.filter(token=token, project=project).first()
    if denial is None:
        return False
    if not denial.may_be_lifted_by(by.user):
        raise PermissionDenied(
            _("%(who)s cut this API token of yours off: only another owner lets it in again.")
            % {"who": denial.denied_by}
        )
    denial.delete()
    _tell(TOKEN_LET_IN, "token_let_in", token, project, by=by)
    return True


def _tell(kind: EventKind, notice: str, token: APIToken, project: Project, *, by: Actor) -> None:
    """Record it in both histories, and mail the holder.

    The project's history does not name a token for all projects, whose name is its holder's own.
    """
    name = "for all projects" if token.allowance.is_for_all_projects else token.name
    record(kind, by=by, about=[token.user, project], token_id=str(token.pk), name=name)
    notices.send(
        notice,
        [token.user],
        by=by,
        name=token.name,
        project=project.name,
        actor=by.label,
        token_id=str(token.pk),
    )
