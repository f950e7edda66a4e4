"""What staff can switch while the site runs, read by all floors.

The environment says how a switch stands at first; once staff have turned it, their word holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
        first: the value before staff ever turned it.
    """

    name: str
    title: Any
    positions: Mapping[str, Any]
    first: Callable[[], str]

    def value(self) -> str:
        """How it stands now."""
        state = self.state()
        return state.value if state is not None else self.first()

    def state(self) -> SwitchState | None:
        """What staff made of it, or None."""
        return SwitchState.objects.filter(name=self.name).first()


_switches: dict[str, Switch] = {}


def declare(switch: Switch) -> Switch:
    """Add a switch; staff then find it on their page."""
    _switches[switch.name] = switch
    return switch


def switches() -> Iterator[Switch]:
    """All switches, by name."""
    return (switch for _name, switch in sorted(_switches.items()))


def find(name: str) -> Switch | None:
    """The switch of that name."""
    return _switches.get(name)


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
