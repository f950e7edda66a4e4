"""A socket: what staff can do about the events of a filtered list. Higher floors fill it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import path
from django.utils.functional import Promise

from audit.groups import is_in


@dataclass(frozen=True)
class EventAct:
    """A page that takes the filter of a list and acts on what its events name.

    Attributes:
        title: what the link says.
        slug: the last part of the page's address, which gets the filter as its query string.
        view: the page.
        groups: the staff groups that may.
    """

    title: str | Promise
    slug: str
    view: Callable[..., Any]
    groups: frozenset[str]

    @property
    def url_name(self) -> str:
        """What the page is called in the staff site."""
        return f"admin:bulk-{self.slug}"


_acts: list[EventAct] = []


def add_event_act(act: EventAct) -> None:
    """Fill the socket; called in `AppConfig.ready()` of a higher floor."""
    _acts.append(act)


def event_acts(user: Any) -> list[EventAct]:
    """The acts that somebody may do, in the order in which floors declared them."""
    return [act for act in _acts if is_in(user, act.groups)]


def event_act_urls() -> list[Any]:
    """The pages of all of them, for the staff site."""
    return [path(f"events/{act.slug}/", act.view, name=f"bulk-{act.slug}") for act in _acts]
