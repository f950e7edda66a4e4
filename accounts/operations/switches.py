"""Turning what staff can switch."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import switches
from accounts.events import SWITCH_ENDED, SWITCHED
from accounts.models import SwitchState
from accounts.permissions import MAY_RULE, require_staff
from accounts.sightings import require_as_seen
from accounts.switches import Switch
from audit.actors import Actor
from audit.log import record


def find_state(switch: Switch) -> tuple[object, ...]:
    """What of a switch somebody who turns it has to know."""
    return switch.value(), _words(switch.state())


@transaction.atomic
def turn(
    switch: Switch,
    value: str,
    *,
    reason: str,
    banner: str = "",
    ends_at: datetime | None = None,
    seen: str | None = None,
    by: Actor,
) -> None:
    """Give a switch another value, or other words or another end; it holds from the next request.

    Args:
        value: one of its positions, or "" to leave it as it is at first.
        reason: for the memory, and for everybody who is refused.
        banner: what all pages say, "" for the usual words.
        ends_at: when it is again as it is at first; None for when somebody turns it.
        seen: the digest of `find_state` when whoever acts looked; None without a look.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it has no such value, stands like this already, or was turned since it
            was seen; if the end is past.
    """
    require_staff(by, MAY_RULE)
    if value and value not in switch.positions:
        raise ValidationError(_("There is no such value."))
    if not value:
        banner, ends_at = "", None
    if ends_at is not None and ends_at <= timezone.now():
        raise ValidationError(_("The end is past already."))
    state = SwitchState.objects.select_for_update(no_key=True).get(name=switch.name)
    require_as_seen(seen, *find_state(switch))
    former = switch.value()
    stands = switch.state()
    if _words(stands) == ((value, banner, ends_at) if value else None):
        raise ValidationError(_("It stands like this already."))
    state.value, state.banner, state.ends_at = value, banner, ends_at
    state.reason, state.changed_by = reason, by.label
    state.changed_at = timezone.now()
    state.save()
    record(
        SWITCHED,
        by=by,
        switch=switch.name,
        former=former,
        value=switch.value(),
        reason=reason,
        banner=banner,
        ends_at=f"{ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else "",
    )


def _words(state: SwitchState | None) -> tuple[str, str, datetime | None] | None:
    return None if state is None else (state.value, state.banner, state.ends_at)


@transaction.atomic
def note_ends(*, by: Actor) -> int:
    """Record that what staff set has ended, as it had to; of how many switches."""
    ended = SwitchState.objects.filter(name__in=switches.names(), ends_at__lte=timezone.now())
    count = 0
    for state in ended.order_by("name"):
        unrecorded = SwitchState.objects.filter(pk=state.pk, ends_at=state.ends_at)
        if unrecorded.update(value="", banner="", reason="", ends_at=None) != 1:
            continue
        now = switches.find(state.name).first()
        record(SWITCH_ENDED, by=by, switch=state.name, former=state.value, value=now)
        count += 1
    return count
