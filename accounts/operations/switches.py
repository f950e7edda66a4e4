"""Turning what staff can switch."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.events import SWITCHED
from accounts.models import SwitchState
from accounts.permissions import MAY_RULE, require_staff
from accounts.switches import Switch
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def turn(switch: Switch, value: str, *, reason: str, by: Actor) -> None:
    """Give a switch another value; it holds from the next request on.

    Args:
        value: one of its positions, or "" to leave it to the environment.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it has no such value, or has it already.
    """
    require_staff(by, MAY_RULE)
    if value and value not in switch.positions:
        raise ValidationError(_("There is no such value."))
    state = SwitchState.objects.select_for_update(no_key=True).get(name=switch.name)
    if value == state.value:
        raise ValidationError(_("It stands like this already."))
    former = switch.value()
    state.value, state.reason, state.changed_by = value, reason, by.label
    state.changed_at = timezone.now()
    state.save()
    record(SWITCHED, by=by, switch=switch.name, former=former, value=switch.value(), reason=reason)
