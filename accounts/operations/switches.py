"""Turning what staff can switch."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.events import SWITCHED
from accounts.models import SwitchState
from accounts.switches import Switch
from audit.actors import Actor
from audit.log import record


@transaction.atomic
def turn(switch: Switch, value: str, *, reason: str, by: Actor) -> None:
    """Give a switch another value; it holds from the next request on.

    Raises:
        ValidationError: if it has no such value, or has it already.
    """
    if value not in switch.positions:
        raise ValidationError(_("There is no such value."))
    former = switch.value()
    if value == former:
        raise ValidationError(_("It stands like this already."))
    facts = {"value": value, "reason": reason, "changed_by": by.label}
    SwitchState.objects.update_or_create(
        name=switch.name, defaults=facts | {"changed_at": timezone.now()}
    )
    record(SWITCHED, by=by, switch=switch.name, former=former, value=value, reason=reason)
