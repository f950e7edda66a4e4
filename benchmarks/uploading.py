"""How fast files are taken in: `python -m benchmarks.uploading [ROUNDS] [--quick]`.

200 wheels of 10 KB with real metadata into ten projects, over 1, 4 and 16 connections; into one new
project, and into one that has 2,000 files; and one wheel of 100 MiB. On Indexsite (with an API
token, all checks and the audit log), also where 10,000 projects exist, pypiserver, devpi-server,
and a Django view that hashes, stores and commits. All come from one address. The runs are
interleaved; the result is `benchmarks/results/uploading.json`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks import goals, load, results, servers, wheels
from benchmarks.servers import ROOT, Server
from benchmarks.sites import indexsite, running
from tests.demo import Tour

PROJECTS = 10
SMALL, LARGE = 10 * 1024, 100 * 1024 * 1024 - 64 * 1024  # bytes
CONNECTIONS = (1, 4, 16)
CROWDED = "bench-crowded"  # the project with many files


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    files: int = 200
    existing: int = 10_000
    crowd: int = 2_000
    large: int = LARGE


def without_second(started: list[Server]) -> list[Server]:
    """Each program once: the second server is the site with many projects."""
    return [server for place, server in enumerate(started) if place != 1]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name_of: the project of each upload, by its number and the number of the run.
        who: all servers; each program once; or the first site alone.
    """

    label: str
    connections: int
    name_of: Callable[[int, int], str]
    who: Literal["all", "once", "first"] = "all"

    def on(self, started: list[Server]) -> list[Server]:
        """The servers to measure."""
        return {"all": started, "once": without_second(started), "first": started[:1]}[self.who]


def spread(number: int, run: int) -> str:
    """One of the ten projects."""
    return f"bench-{number % PROJECTS}"


def alone(kind: str, number: int, run: int) -> str:
    """A project that this run makes."""
    return f"{kind}-{run}"


def crowded(number: int, run: int) -> str:
    """The project with many files."""
    return CROWDED


def all_cases(sizes: Sizes) -> list[Case]:
    """The rows with small files."""
    found = [Case(f"10 KB, {count} at once", count, spread) for count in CONNECTIONS]
    for count in (1, 16):
        label = f"10 KB into one new project, {count} at once"
        found.append(Case(label, count, partial(alone, f"alone-{count}"), "once"))
    label = f"10 KB into a project with {sizes.crowd:,} files, 1 at once"
    return [*found, Case(label, 1, crowded, "first")]


def small_bodies(
    folder: Path, label: str, *, files: int = 200, name_of: Callable[[int], str] | None = None
) -> list[Path]:
    """The requests of one run: versions of their own."""
    paths = []
    for number in range(files):
        name = name_of(number) if name_of else spread(number, 0)
        paths += wheels.write_bodies(folder / label, name, [f"{label}.{number}"], size=SMALL)
    return paths


def send(server: Server, bodies: list[Path], connections: int) -> dict[str, Any]:
    """One run. Failed uploads stop the benchmark, as its numbers would mean nothing; where a peer
    has an error of its own now and then, they are counted.
    """
    found = load.upload(server, bodies, connections=connections, boundary=wheels.BOUNDARY)
    failures = found.pop("failures")
    if len(failures) > (len(bodies) // 20 if server.name in goals.PEERS else 0):
        raise RuntimeError(f"{server.name}: {failures[:3]}")
    return {**found, "failed": len(failures)}


@contextmanager
def bare_django(folder: Path) -> Iterator[Server]:
    """The Django view that checks nothing, under gunicorn as Indexsite configures it."""
    folder.mkdir()
    port = servers.free_port()
    command = [sys.executable, "-m", "gunicorn", "benchmarks.bare_upload"]
    environment = {"HOST": "127.0.0.1", "PORT": str(port), "BARE_FOLDER": str(folder)}
    url = f"http://127.0.0.1:{port}"
    with servers.program(
        [*command, "--config", "indexsite/gunicorn.py"],
        log=folder.with_suffix(".log"),
        ready=f"{url}/nothing",
        environment=environment,
    ) as process:
        yield Server("bare Django view", url, "", upload="/", pid=process.pid)


@contextmanager
def populous(folder: Path, count: int) -> Iterator[Server]:
    """Indexsite with so many projects."""
    tour = Tour(folder)
    tour.folder.mkdir()
    tour.environment["PYTHONPATH"] = str(ROOT)
    with running(tour):
        pass  # makes the database, and the uploader
    tour.run_program(sys.executable, "-m", "benchmarks.fill_projects", str(count))
    with running(tour) as site:
        site.name = f"Indexsite with {count:,} projects"
        yield site


def measure_small(
    started: list[Server], folder: Path, sizes: Sizes, turn: int
) -> Iterator[dict[str, Any]]:
    """Each case on each server in turn."""
    for place, case in enumerate(all_cases(sizes)):
        bodies = small_bodies(
            folder,
            f"{turn + 2}.{place}",
            files=sizes.files,
            name_of=lambda number, case=case: case.name_of(number, turn),  # type: ignore[misc]
        )
        for server in case.on(started):
            numbers = send(server, bodies, case.connections)
            yield {"server": server.name, "case": case.label, **numbers}
        shutil.rmtree(bodies[0].parent)


def measure_large(
    started: list[Server], folder: Path, sizes: Sizes, turn: int
) -> Iterator[dict[str, Any]]:
    """The large file on each server in turn."""
    bodies = wheels.write_bodies(folder / "large", "bench-0", [f"{turn + 100}.0"], size=sizes.large)
    for server in without_second(started):
        numbers = send(server, bodies, 1)
        numbers["megabytes_per_second"] = sizes.large / 1e6 / numbers["seconds"]
        yield {"server": server.name, "case": "100 MiB", **numbers}
    shutil.rmtree(folder / "large")


def measure(
    started: list[Server], folder: Path, *, rounds: int, sizes: Sizes
) -> list[dict[str, Any]]:
    """All rows, so many times."""
    first = small_bodies(folder, "1", files=sizes.files)
    for server in started:
        send(server, first, 1)  # makes the projects, and warms up
    crowd = [f"0.{number}" for number in range(sizes.crowd)]
    send(started[0], wheels.write_bodies(folder / "crowd", CROWDED, crowd), 4)
    found: list[dict[str, Any]] = []
    for turn in range(rounds):
        for kind in (measure_small, measure_large):
            for numbers in kind(started, folder, sizes, turn):
                rate = numbers.get("megabytes_per_second") or numbers["per_second"]
                print(numbers["server"], numbers["case"], round(rate, 1), flush=True)
                found.append(numbers)
    return found


def main() -> int:
    """Measure, and keep the result."""
    options = results.options(__doc__, rounds=3)
    sizes = Sizes(20, 100, 40, 4 * 1024 * 1024) if options.quick else Sizes()
    folder = Path(tempfile.mkdtemp(prefix="indexsite-uploading-"))
    os.environ |= {
        "UPLOAD_SIZE_LIMIT_MIB": "200",
        "NEW_PROJECTS_PER_USER": "1000",
        "NEW_PROJECTS_PER_ADDRESS": "1000",
    }
    try:
        with ExitStack() as stack:
            started = [
                stack.enter_context(indexsite(folder / "indexsite")),
                stack.enter_context(populous(folder / "populous", sizes.existing)),
                stack.enter_context(servers.pypiserver(folder / "pypiserver")),
                stack.enter_context(servers.devpi(folder / "devpi")),
                stack.enter_context(bare_django(folder / "bare")),
            ]
            found = measure(started, folder / "bodies", rounds=options.rounds, sizes=sizes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.keep("uploading", {"runs": found}, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
