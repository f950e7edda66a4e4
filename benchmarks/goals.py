"""What the numbers should be, beside what was measured: one more table that is computed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Numbers = dict[str, dict[str, Any]]
OURS, BARE = "Indexsite", "bare WSGI"
BARE_UPLOAD, BARE_WANTED = "bare Django view", 426  # a second, 16 at once, where 300 ms are wanted
PEERS = ("pypiserver", "pypiserver under gunicorn", "devpi-server")


@dataclass(frozen=True)
class Goal:
    """One row.

    Attributes:
        script: whose numbers it needs.
        limit: the smallest number that reaches it, or the largest one if `is_most`.
    """

    text: str
    script: str
    limit: float
    measure: Callable[[dict[str, Any]], float]
    unit: str = "times"
    is_most: bool = False

    def is_reached(self, value: float) -> bool:
        """Whether this number is as it should be."""
        return value <= self.limit if self.is_most else value >= self.limit


def rate(numbers: dict[str, Any], server: str, case: str, key: str = "") -> float:
    """The median of one cell of a table.

    Raises:
        LookupError: if it was not measured.
    """
    runs = [run for run in numbers["runs"] if (run["server"], run["case"]) == (server, case)]
    if not runs:
        raise LookupError(f"{server}, {case}")
    key = key or ("megabytes_per_second" if "megabytes_per_second" in runs[0] else "per_second")
    return statistics.median(float(run[key]) for run in runs)


def best_peer(numbers: dict[str, Any], case: str) -> str:
    """The fastest peer in a row of a table.

    Raises:
        LookupError: if none was measured.
    """
    measured = {run["server"] for run in numbers["runs"] if run["case"] == case}
    peers = [name for name in PEERS if name in measured]
    if not peers:
        raise LookupError(case)
    return max(peers, key=lambda name: rate(numbers, name, case))


def beside(server: str, case: str, other: str = "") -> Callable[[Any], float]:
    """How many times as fast our cell of a row is as another one, of it or of the row `other`."""
    return lambda numbers: rate(numbers, OURS, case) / rate(numbers, server, other or case)


def beside_peers(count: str) -> Callable[[Any], float]:
    """How many times as fast pages of so many files are as those of the best peer, at least."""

    def measured(numbers: dict[str, Any]) -> float:
        cases = [f"{count}, HTML", f"{count}, JSON"]
        theirs = max(rate(numbers, best_peer(numbers, case), case) for case in cases)
        return min(rate(numbers, OURS, case) for case in cases) / theirs

    return measured


def _pages(numbers: dict[str, Any]) -> list[str]:
    return sorted(
        {run["case"] for run in numbers["runs"] if run["case"].endswith(("HTML", "JSON"))}
    )


def waiting_beside_peers(numbers: dict[str, Any]) -> float:
    """The 99th percentile of pages, divided by that of the best peer, at most."""
    return max(
        rate(numbers, OURS, case, "p99") / rate(numbers, best_peer(numbers, case), case, "p99")
        for case in _pages(numbers)
    )


def bare_share(numbers: dict[str, Any]) -> float:
    """The smallest share, in percent, of what the bare application does with the same pages."""
    return min(beside(BARE, case)(numbers) for case in _pages(numbers)) * 100


def longest_wait(numbers: dict[str, Any]) -> float:
    """The largest 99th percentile of our small uploads."""
    cases = {run["case"] for run in numbers["runs"] if run["case"].startswith("10 KB")}
    measured = {run["case"] for run in numbers["runs"] if run["server"] == OURS} & cases
    return max(rate(numbers, OURS, case, "p99") for case in measured)


def longest_wait_there(numbers: dict[str, Any]) -> float:
    """The same, in proportion to the machine for which it is wanted."""
    speed = rate(numbers, BARE_UPLOAD, _UPLOAD.format(16)) / BARE_WANTED
    return longest_wait(numbers) * speed


def value(*path: str) -> Callable[[Any], float]:
    """A number that the script wrote down by itself."""

    def measured(numbers: dict[str, Any]) -> float:
        found: Any = numbers
        for name in path:
            found = found[name]
        return float(found)

    return measured


def beside_quickest(numbers: dict[str, Any]) -> float:
    """The seconds of our installation, divided by those of the quickest peer."""
    values = numbers["values"]
    return float(values[OURS] / min(values[name] for name in PEERS if name in values))


def beside_nginx(numbers: dict[str, Any]) -> float:
    """The seconds of our installation, divided by those from nginx."""
    return float(numbers["values"][OURS] / numbers["values"]["nginx, files"])


_UPLOAD = "10 KB, {} at once"
_NEW, _CROWDED = "10 KB into one new project, 1 at once", "10 KB into a project with 2,000 files"
GOALS = (
    Goal("uploads one after another, beside devpi-server", "uploading", 1.0,
         beside("devpi-server", _UPLOAD.format(1))),
    Goal("uploads, 4 at once, beside devpi-server", "uploading", 1.5,
         beside("devpi-server", _UPLOAD.format(4))),
    Goal("uploads, 16 at once, beside devpi-server", "uploading", 1.5,
         beside("devpi-server", _UPLOAD.format(16))),
    Goal("small uploads: 99th percentile", "uploading", 300, longest_wait, "ms", True),
    Goal(f"the same, in proportion to a machine where the bare Django view does {BARE_WANTED}/s",
         "uploading", 300, longest_wait_there, "ms", True),
    Goal("uploads where 10 projects exist, beside where 10,000 do", "uploading", 1.2,
         beside("Indexsite with 10,000 projects", _UPLOAD.format(1)), "times", True),
    Goal("uploads into a new project, beside one with 2,000 files", "uploading", 1.2,
         beside(OURS, _NEW, f"{_CROWDED}, 1 at once"), "times", True),
    Goal("a wheel of 100 MiB, beside devpi-server", "uploading", 1.0,
         beside("devpi-server", "100 MiB")),
    Goal("a wheel of 1 GiB: more memory", "upload_memory", 64, value("values", "rise"), "MiB",
         True),
    Goal("a wheel of 1 GiB: bytes written for each of its own", "upload_memory", 1.05,
         value("values", "written"), "", True),
    Goal("a wheel of 1 GiB: time, beside cp, three hashes and unzip", "upload_memory", 2.5,
         value("values", "times the tools"), "times", True),
    Goal("page of 1 file, beside the best peer", "reading", 10, beside_peers("1 file")),
    Goal("page of 100 files, beside the best peer", "reading", 12, beside_peers("100 files")),
    Goal("page of 2,000 files, beside the best peer", "reading", 30, beside_peers("2,000 files")),
    Goal("pages: 99th percentile, beside the best peer", "reading", 1.0, waiting_beside_peers,
         "times", True),
    Goal("pages, beside a bare application with the same bytes", "reading", 60, bare_share, "%"),
    Goal("a file of 10 KB, beside pypiserver under gunicorn", "reading", 1.0,
         beside("pypiserver under gunicorn", "a file of 10 KB")),
    Goal("memory when idle", "reading", 200, value("memory", "idle"), "MiB", True),
    Goal("memory after the load", "reading", 300, value("memory", "after"), "MiB", True),
    Goal("start to first answer", "reading", 3, value("start"), "s", True),
    Goal("installing 30 packages, beside the quickest peer", "installing", 1.0, beside_quickest,
         "times", True),
    Goal("installing 30 packages, beside nginx", "installing", 1.3, beside_nginx, "times", True),
    Goal("root index of the largest site, first byte", "growth", 300,
         value("values", "root index, HTML"), "ms", True),
    Goal("root index of the largest site, 304", "growth", 5, value("values", "root index, 304"),
         "ms", True),
    Goal("search there for an exact name", "growth", 20, value("values", "search, exact name"),
         "ms", True),
    Goal("search there for the beginning of a name", "growth", 20,
         value("values", "search, beginning of a name"), "ms", True),
    Goal("pages of a million events of 200 ms or more, SQLite", "event_pages", 0,
         value("values", "SQLite"), "", True),
    Goal("pages of a million events of 200 ms or more, PostgreSQL", "event_pages", 0,
         value("values", "PostgreSQL"), "", True),
)  # fmt: skip


def rows(known: Numbers) -> Iterator[list[str]]:
    """The table, with its header; what is not reached comes first."""
    yield ["goal", "wanted", "measured", "reached"]
    reached = []
    for goal in GOALS:
        sign = "at most" if goal.is_most else "at least"
        wanted = f"{sign} {goal.limit:,.4g} {goal.unit}".strip()
        try:
            measured = goal.measure(known[goal.script])
        except LookupError:
            yield [goal.text, wanted, "not measured", "-"]
            continue
        shown = f"{measured:,.0f}" if measured >= 100 else f"{measured:.3g}"
        row = [goal.text, wanted, f"{shown} {goal.unit}".strip()]
        if goal.is_reached(measured):
            reached.append([*row, "yes"])
        else:
            yield [*row, "**no**"]
    yield from reached
