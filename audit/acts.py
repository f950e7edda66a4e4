"""A socket: what staff can do about the events of a filtered list. Higher floors fill it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from audit.groups import is_in


@dataclass(frozen=True)
class EventAct:
    """A page that takes the filter of a list and acts on what its events name.

    Attributes:
        title: what the link says.
        url_name: the page, which gets the filter as its query string.
        groups: the staff groups that may.
    """

    title: str | Promise
    url_name: str
    groups: frozenset[str]


_acts: list[EventAct] = []


def add_event_act(act: EventAct) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _acts.append(act)


def event_acts(user: Any) -> list[EventAct]:
    """The acts that somebody may do, in the order in which floors declared them."""
    return [act for act in _acts if is_in(user, act.groups)]
