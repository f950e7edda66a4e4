"""The classifiers of PyPI, which describe what a project is."""

from __future__ import annotations

from functools import lru_cache

from trove_classifiers import sorted_classifiers


def plain_list() -> str:
    """All of them, one a line."""
    return "\n".join(sorted_classifiers) + "\n"


@lru_cache(maxsize=1)
def groups() -> list[tuple[str, list[str]]]:
    """All of them, by their first part, which is left out of the others."""
    found: dict[str, list[str]] = {}
    for classifier in sorted_classifiers:
        group, _colons, rest = classifier.partition(" :: ")
        found.setdefault(group, []).append(rest)
    return list(found.items())
