"""The words that the memory knows: every kind of event is declared once, with its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True)
class EventKind:
    """A declared kind of event.

    Attributes:
        name: `family:noun:verb`, at most 60 characters, stored in the event.
        sentence: translatable text with `{field}` places; `{actor}` and `{subject}` are always
            offered, and nothing else that is not a field.
        fields: the names that `record()` must be given, no more and no fewer.
        is_failure: whether it says that something was refused or did not work.
    """

    name: str
    sentence: str | Promise
    fields: frozenset[str]
    is_failure: bool = False

    @property
    def family(self) -> str:
        """The part of the name before its first colon."""
        return self.name.partition(":")[0]

    def __str__(self) -> str:
        return self.name


_KINDS: dict[str, EventKind] = {}


def define(name: str, sentence: str | Promise, *fields: str, is_failure: bool = False) -> EventKind:
    """Declare a kind of event.

    Raises:
        ValueError: if the name is taken or too long.
    """
    if name in _KINDS:
        raise ValueError(f"The event kind {name!r} is declared twice.")
    if len(name) > 60 or name.count(":") < 1:
        raise ValueError(f"The event kind {name!r} is not named family:noun:verb.")
    kind = EventKind(name, sentence, frozenset(fields), is_failure)
    _KINDS[name] = kind
    return kind


def find(name: str) -> EventKind | None:
    """The kind of that name, if this version still declares it."""
    return _KINDS.get(name)


def kinds() -> Iterator[EventKind]:
    """All declared kinds, by name."""
    return iter(sorted(_KINDS.values(), key=lambda kind: kind.name))
