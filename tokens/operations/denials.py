"""Cutting tokens off from projects."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts import notices
from audit.actors import Actor
from audit.log import record
from projects import permissions
from projects.models import Project
from tokens.events import TOKEN_DENIED
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
    permissions.require(by, "manage", project)
    try:
        with transaction.atomic():
            TokenDenial.objects.create(token=token, project=project, denied_by=by.label[:150])
    except IntegrityError:
        return False
    record(
        TOKEN_DENIED, by=by, about=[token.user, project], token_id=str(token.pk), name=token.name
    )
    notices.send(
        "token_denied",
        [token.user],
        by=by,
        name=token.name,
        project=project.name,
        actor=by.label,
        token_id=str(token.pk),
    )
    return True
