"""The order of a project's releases: their versions are parsed once for each serial."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from projects.cache import pages
from projects.models import Project, Release, latest_of


@dataclass(frozen=True, slots=True)
class Order:
    """The releases of a project by their keys.

    Attributes:
        latest: the one that is shown where no version is asked for; None if there is none.
        keys: all, the newest version first.
    """

    latest: int | None
    keys: list[int]


def find_order(project: Project) -> Order:
    """The order at the serial that the project has; remembered beside the pages of installers."""
    key = (project.pk, project.serial, "order")
    kept = pages.get(key)
    if kept is None:
        kept = _sort(project)
        pages.put(key, kept)
    numbers = array("q")
    numbers.frombytes(kept)
    latest, *keys = numbers
    return Order(latest or None, keys)


def _sort(project: Project) -> bytes:
    rows = Release.objects.filter(project=project).order_by()
    releases = list(rows.only("version", "yanked_at"))
    releases.sort(key=lambda release: release.parsed_version, reverse=True)
    latest = latest_of(releases)
    return array("q", [latest.pk if latest else 0, *(one.pk for one in releases)]).tobytes()


def in_order(project: Project, keys: Sequence[int]) -> list[Release]:
    """The releases of these keys, without long texts; those deleted meanwhile are left out."""
    found = project.releases.defer("metadata").in_bulk(keys)
    return [found[key] for key in keys if key in found]
