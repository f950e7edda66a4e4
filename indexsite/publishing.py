"""Turning the page of numbers for everybody on and off."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.permissions import MAY_RULE, require_staff
from audit.actors import Actor
from audit.log import record
from indexsite.events import NUMBERS_EXPORTED, NUMBERS_PUBLISHED
from indexsite.models import PublicNumbers


def is_public() -> bool:
    """Whether everybody may see the page. Off until staff turn it on."""
    return PublicNumbers.objects.filter(is_on=True).exists()


@transaction.atomic
def turn_public_numbers(is_on: bool, *, reason: str, by: Actor) -> None:
    """Show the page to everybody, or to nobody, from the next request on.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it stands like this already.
    """
    require_staff(by, MAY_RULE)
    PublicNumbers.objects.get_or_create(pk=1)
    state = PublicNumbers.objects.filter(pk=1, is_on=not is_on)
    turned = state.update(
        is_on=is_on, reason=reason, changed_by=by.label, changed_at=timezone.now()
    )
    if not turned:
        raise ValidationError(_("It stands like this already."))
    record(NUMBERS_PUBLISHED, by=by, position="on" if is_on else "off", reason=reason)


@transaction.atomic
def begin_sheet_export(key: str, *, by: Actor) -> None:
    """Record that a table of numbers leaves the site."""
    record(NUMBERS_EXPORTED, by=by, sheet=key)
