"""Prohibiting user names, beside those that nobody can have anyway."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import usernames
from accounts.events import ACCOUNT_CLOSED, USER_NAME_ALLOWED, USER_NAME_PROHIBITED
from accounts.models import ReservedName
from accounts.permissions import MAY_HELP, require_staff
from audit.actors import Actor
from audit.log import record
from audit.models import Event, EventSubject


def has_been_used(key: str) -> bool:
    """Whether the memory knows of an account of this name, in lower case, that was closed."""
    people = EventSubject.objects.alias(name=Lower("label")).filter(kind="user", name=key)
    closings = Event.objects.filter(kind=ACCOUNT_CLOSED.name)
    return closings.filter(number__in=people.values("event_number")).exists()


@transaction.atomic
def prohibit_user_name(name: str, *, reason: str, by: Actor) -> ReservedName:
    """Let nobody make an account of this name, however it is spaced. Who has it keeps it.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is no user name, or is reserved.
    """
    require_staff(by, MAY_HELP)
    if not usernames.is_well_formed(name):
        raise ValidationError(_("This cannot be a user name."), code="name")
    key = usernames.squeeze(name)
    try:
        with transaction.atomic():
            row = ReservedName.objects.create(
                key=key, why=ReservedName.Why.PROHIBITED, reason=reason, reserved_by=by.label
            )
    except IntegrityError as error:
        raise ValidationError(_("The name %s is reserved already.") % key, code="done") from error
    record(USER_NAME_PROHIBITED, by=by, name=key, reason=reason)
    return row


@transaction.atomic
def allow_user_name(row: ReservedName, *, reason: str, by: Actor) -> None:
    """Let people have a prohibited name again; but not the name itself, if an account had it.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is not prohibited: a name that an account had stays reserved.
    """
    require_staff(by, MAY_HELP)
    prohibited = ReservedName.objects.filter(pk=row.pk, why=ReservedName.Why.PROHIBITED)
    if not prohibited.delete()[0]:
        raise ValidationError(_("This name is not prohibited."), code="done")
    if has_been_used(row.key):
        ReservedName.objects.create(key=row.key, why=ReservedName.Why.USED)
    record(USER_NAME_ALLOWED, by=by, name=row.key, reason=reason)
