"""What staff can switch while the site runs, read by all floors.

The environment says how a switch stands, until staff turn it: then their word holds, until they
leave it to the environment again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import SwitchState


@dataclass(frozen=True)
class Switch:
    """Something that staff can switch.

    Attributes:
        name: what the database and events call it.
        title: what pages call it.
        positions: a sentence for each value that it can have.
        first: the value while staff leave it to the environment.
    """

    name: str
    title: Any
    positions: Mapping[str, Any]
    first: Callable[[], str]

    def value(self) -> str:
        """How it stands now."""
        states = SwitchState.objects.filter(name=self.name)
        return states.values_list("value", flat=True).first() or self.first()


_switches: dict[str, Switch] = {}


def declare(switch: Switch) -> Switch:
    """Add a switch; staff then find it on their page."""
    _switches[switch.name] = switch
    return switch


def find(name: str) -> Switch:
    """The switch of that name.

    Raises:
        KeyError: if this version has none.
    """
    return _switches[name]


def names() -> list[str]:
    """The names of all switches of this version."""
    return sorted(_switches)


def create_missing() -> None:
    """Make a row for each switch that has none. Called after every migration."""
    for name in _switches:
        SwitchState.objects.get_or_create(name=name)


REGISTRATION = declare(
    Switch(
        name="registration",
        title=_("Registration"),
        positions={
            "open": _("Open: anybody can make an account"),
            "invitation": _("By invitation: an invitation link makes one account"),
            "closed": _("Closed: nobody can make an account, invitations included"),
        },
        first=lambda: str(settings.REGISTRATION),
    )
)
