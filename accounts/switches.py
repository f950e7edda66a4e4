"""What staff can switch while the site runs, read by all floors.

A switch stands as it does at first (which may be what the environment says), until staff turn it:
then their word holds, until its end, or until they leave it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import SwitchState
from audit.prepared import Prepared

ON, OFF = "on", "off"
_TURNED = Prepared(lambda: SwitchState.objects.exclude(value=""))


class SwitchedOff(PermissionDenied):
    """Staff have switched off what somebody wants to do. The text is for people, and says why."""


@dataclass(frozen=True)
class Switch:
    """Something that staff can switch.

    Attributes:
        name: what the database and events call it.
        title: what pages call it.
        positions: a sentence for each value that it can have.
        first: the value while staff leave it alone.
        follows_environment: whether that is what the environment says.
    """

    name: str
    title: Any
    positions: Mapping[str, Any]
    first: Callable[[], str]
    follows_environment: bool = False

    def state(self) -> SwitchState | None:
        """What staff set that holds now, if they did."""
        return next(iter(_holding([self.name])), None)

    def value(self) -> str:
        """How it stands now."""
        state = self.state()
        return self.first() if state is None else state.value

    def refusal(self) -> str:
        """Why what it is about does not work now, in the words of staff; "" if it works."""
        return refusal_of(self)

    def require_on(self) -> None:
        """Stand before what it is about.

        Raises:
            SwitchedOff: if staff have switched it off.
        """
        if refusal := self.refusal():
            raise SwitchedOff(refusal)


def _holding(names: Iterable[str]) -> list[SwitchState]:
    """What staff set of these switches and holds now, in one query."""
    asked = frozenset(names)
    return _that_hold(row for row in _TURNED.all() if row.name in asked)


def _that_hold(rows: Iterable[SwitchState]) -> list[SwitchState]:
    now = timezone.now()
    return [row for row in rows if row.value and (row.ends_at is None or now < row.ends_at)]


def refusal_of(*switches: Switch) -> str:
    """Why something that takes all of these does not work now; "" if it does. One query."""
    return refusal_in(_holding(one.name for one in switches))


def refusal_in(rows: Iterable[SwitchState]) -> str:
    """Why something that takes all of these rows' switches does not work now; "" if it does."""
    off = [state for state in _that_hold(rows) if state.value == OFF]
    return describe(off[0]) if off else ""


def describe(state: SwitchState) -> str:
    """Banner, reason and end of a switch that was turned, in one line."""
    switch = find(state.name)
    parts = [state.banner or str(switch.positions[state.value])]
    parts = [part if part.endswith((".", "!", "?")) else f"{part}." for part in parts]
    parts.append(_("Reason: %s") % state.reason.rstrip("."))
    text = f"{parts[0]} {parts[1]}."
    if state.ends_at is not None:
        text += " " + _("Until %s UTC.") % _moment(state.ends_at)
    return text


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def banners() -> list[str]:
    """What all pages say of switches that staff turned; one query."""
    return [describe(state) for state in _holding(_switches) if state.value == OFF or state.banner]


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


def _on_or_off(name: str, title: Any, on: Any, off: Any) -> Switch:
    return declare(Switch(name=name, title=title, positions={ON: on, OFF: off}, first=lambda: ON))


REGISTRATION = declare(
    Switch(
        name="registration",
        title=gettext_lazy("Registration"),
        positions={
            "open": gettext_lazy("Open: anybody can make an account"),
            "invitation": gettext_lazy("By invitation: an invitation link makes one account"),
            "closed": gettext_lazy("Closed: nobody can make an account, invitations included"),
        },
        first=lambda: str(settings.REGISTRATION),
        follows_environment=True,
    )
)
CHANGES = _on_or_off(
    "changes",
    gettext_lazy("All changes (read-only)"),
    gettext_lazy("The site can be read and changed"),
    gettext_lazy("The site is read-only: nothing can be changed or uploaded at present"),
)
UPLOADS = _on_or_off(
    "uploads",
    gettext_lazy("Uploads"),
    gettext_lazy("Files can be uploaded"),
    gettext_lazy("No uploads are taken at present"),
)
NEW_PROJECTS = _on_or_off(
    "new-projects",
    gettext_lazy("New projects"),
    gettext_lazy("New projects can be created"),
    gettext_lazy("No new projects are created at present"),
)
TOKEN_CREATION = _on_or_off(
    "token-creation",
    gettext_lazy("Making API tokens"),
    gettext_lazy("API tokens can be made"),
    gettext_lazy("No API tokens are made at present"),
)
