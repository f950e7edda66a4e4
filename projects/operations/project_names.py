"""Which names new projects may have: what staff prohibit, reserve, and free again."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.models import User
from accounts.permissions import require_staff
from audit.actors import Actor
from audit.log import record
from projects import names
from projects.events import (
    PROJECT_NAME_ALLOWED,
    PROJECT_NAME_FREED,
    PROJECT_NAME_PROHIBITED,
    PROJECT_NAME_RESERVED,
)
from projects.models import DeletedProject, ProhibitedName
from projects.permissions import MAY_STEWARD


@transaction.atomic
def prohibit_project_name(
    name: str, *, reason: str, by: Actor, reserved_for: User | None = None
) -> ProhibitedName:
    """Let nobody create a project of this name, or nobody but one person, who is told.

    A project that has the name keeps it.

    Raises:
        PermissionDenied: if whoever acts may not, or would reserve the name for themselves.
        ValidationError: if it is no name of a project, or is prohibited or reserved.
    """
    require_staff(by, MAY_STEWARD)
    if reserved_for is not None:
        require_staff(by, MAY_STEWARD, about=reserved_for)
    try:
        names.check_name(name)
    except ValueError as error:
        raise ValidationError(_("This cannot be the name of a project."), code="name") from error
    normalized = names.normalize(name)
    try:
        with transaction.atomic():
            row = ProhibitedName.objects.create(
                normalized_name=normalized,
                reason=reason,
                prohibited_by=by.label,
                reserved_for_id=str(reserved_for.pk) if reserved_for else "",
                reserved_for=reserved_for.username if reserved_for else "",
            )
    except IntegrityError as error:
        raise ValidationError(
            _("The name %s is prohibited or reserved already.") % normalized, code="done"
        ) from error
    if reserved_for is None:
        record(PROJECT_NAME_PROHIBITED, by=by, name=normalized, reason=reason)
    else:
        notices.send("project_name_reserved", [reserved_for], by=by, name=normalized, reason=reason)
        record(PROJECT_NAME_RESERVED, by=by, about=[reserved_for], name=normalized, reason=reason)
    return row


@transaction.atomic
def allow_project_name(row: ProhibitedName, *, reason: str, by: Actor) -> None:
    """Let everybody have a prohibited or reserved name again.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is allowed by now.
    """
    require_staff(by, MAY_STEWARD)
    if not ProhibitedName.objects.filter(pk=row.pk).delete()[0]:
        raise ValidationError(_("This name is allowed by now."), code="done")
    record(PROJECT_NAME_ALLOWED, by=by, name=row.normalized_name, reason=reason)


@transaction.atomic
def free_project_name(stone: DeletedProject, *, reason: str, by: Actor) -> None:
    """Let everybody have the name of a deleted project. Names of its files stay burnt.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is free.
    """
    require_staff(by, MAY_STEWARD)
    kept = DeletedProject.objects.filter(pk=stone.pk, name_freed_at=None)
    if not kept.update(name_freed_at=timezone.now()):
        raise ValidationError(_("This name is free by now."), code="done")
    record(PROJECT_NAME_FREED, by=by, name=stone.name, reason=reason)
