"""What grows with the index: `python -m benchmarks.growth [ROUNDS] [--quick]`.

Uploads, pages, searches and the root index of one site with 100, 1,000, 10,000, 100,000 and 880,000
projects, one request after another; the median of each in milliseconds, and the exponent of its
growth (0: does not grow; 1: grows as the index does). The first run fills the sites, which takes
minutes, and keeps them in `.benchmarks/`; the result is `benchmarks/results/growth.json`.
"""

from __future__ import annotations

import http.client
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import load, results, wheels
from benchmarks.fill_projects import name_of
from benchmarks.servers import PEERS, ROOT, Server
from benchmarks.sites import running
from tests.demo import Tour

COUNTS, FEW_COUNTS = (100, 1_000, 10_000, 100_000, 880_000), (100, 300)
JSON = "application/vnd.pypi.simple.v1+json"
REQUESTS = 50
UPLOADS = 30
UPLOADER = "uploader"  # the file with the text of the uploader's API token
SLOW_INDEX = 1_000  # milliseconds: the root index is made anew, for there is no edition yet
INDEX_LAG = 90  # seconds that the worker has for a new edition of the root index


class Reader:
    """One kept connection."""

    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection("localhost", server.port, timeout=120)

    def first_byte(self, path: str, **headers: str) -> float:
        """Milliseconds until an answer begins; all of it is read after that."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.perf_counter()
        self.connection.request("GET", path, headers=named)
        response = self.connection.getresponse()
        seconds = time.perf_counter() - began
        self.etag = response.getheader("ETag", "")
        while response.read(1 << 20):
            pass
        if response.status not in {200, 304}:
            raise RuntimeError(f"{path}: {response.status}")
        return seconds * 1000

    def median(self, paths: list[str], **headers: str) -> float:
        """The median over these addresses."""
        return statistics.median(self.first_byte(path, **headers) for path in paths)


def some(count: int) -> list[str]:
    """Names of projects from all over the index."""
    return [name_of(number * count // REQUESTS) for number in range(REQUESTS)]


def cases(server: Server, count: int, bodies: Path) -> Iterator[tuple[str, Callable[[], float]]]:
    """What is measured, by the name that the table gives it."""
    reader, names = Reader(server), some(count)
    pages = [f"/simple/{name}/" for name in names]
    searches = {
        "exact name": names,
        "beginning of a name": [name[:-3] for name in names],
        "two words": [" ".join(name.split("-")[:2]) for name in names],
        "no such name": [f"{name[2:-6]}x" for name in names],
    }

    def upload(name: str, versions: list[str]) -> float:
        paths = wheels.write_bodies(bodies, name, versions)
        found = load.upload(server, paths, connections=1, boundary=wheels.BOUNDARY)
        if found["failures"]:
            raise RuntimeError(found["failures"][0])
        return float(found["p50"])

    def upload_new() -> float:
        names = [f"new-{count}-{number}" for number in range(9)]
        return statistics.median(upload(name, ["1.0"]) for name in names)

    yield "root index, HTML", lambda: reader.median(["/simple/"] * 5)
    yield "root index, JSON", lambda: reader.median(["/simple/"] * 5, Accept=JSON)
    yield (
        "root index, 304",
        lambda: reader.median(["/simple/"] * REQUESTS, If_None_Match=reader.etag, Accept=JSON),
    )
    yield "page of files, the first time", lambda: reader.median(pages)
    yield "page of files, again", lambda: reader.median(pages)
    yield "page of a project", lambda: reader.median([f"/project/{name}/" for name in names])
    for label, queries in searches.items():
        paths = [f"/search/?q={query.replace(' ', '+')}" for query in queries]
        yield f"search, {label}", lambda paths=paths: reader.median(paths)
    versions = [f"{count}.{number}" for number in range(UPLOADS)]
    yield "upload to a project", lambda: upload("grown", versions)
    yield "upload that makes a project", upload_new


def filled(count: int, folder: Path, before: Path | None) -> Path:
    """The folder of a site with so many projects, which nobody has used; kept for the next run.

    Args:
        before: such a folder with fewer projects.
    """
    kept = PEERS / f"growth-{count}"
    if not kept.exists():
        tour = Tour(folder / f"fill-{count}")
        tour.environment["PYTHONPATH"] = str(ROOT)
        if before is None:
            tour.folder.mkdir()
            with running(tour):
                pass  # makes the database, and the uploader
            (tour.folder / UPLOADER).write_text(tour.tokens["wide"])
        else:
            shutil.copytree(before, tour.folder)
        command = [sys.executable, "-m", "benchmarks.fill_projects", str(count)]
        subprocess.run(command, env=tour.environment, cwd=ROOT, check=True)
        part = kept.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.move(tour.folder, part)
        part.rename(kept)
    return kept


def measure(kept: Path, folder: Path, count: int) -> dict[str, float]:
    """All cases on a copy of that site, in milliseconds; and the memory, in MiB."""
    tour = Tour(folder / str(count))
    shutil.copytree(kept, tour.folder)
    tour.tokens["wide"] = (tour.folder / UPLOADER).read_text()
    tour.environment |= {
        "NEW_PROJECTS_PER_USER": "100000",
        "NEW_PROJECTS_PER_ADDRESS": "100000",
    }
    with running(tour) as server:
        reader, end = Reader(server), time.monotonic() + INDEX_LAG
        while reader.first_byte("/simple/") > SLOW_INDEX and time.monotonic() < end:
            time.sleep(1)  # an edition is being written
        found = {}
        for label, ask in cases(server, count, folder / "bodies"):
            found[label] = ask()
            print(f"{count:>8,} {label}: {found[label]:.1f} ms", flush=True)
        found["memory of web server and worker (MiB)"] = server.memory()
    shutil.rmtree(tour.folder)
    return found


def exponent(counts: list[int], values: list[float]) -> float:
    """The slope of log(value) over log(count), by least squares."""
    return statistics.linear_regression(
        [math.log(count) for count in counts], [math.log(value) for value in values]
    ).slope


def main() -> int:
    """Measure, and keep the result."""
    options = results.options(__doc__, rounds=1)
    counts = FEW_COUNTS if options.quick else COUNTS
    folder = Path(tempfile.mkdtemp(prefix="indexsite-growth-"))
    sites: list[Path] = []
    try:
        for count in counts:
            sites.append(filled(count, folder, sites[-1] if sites else None))
        found = [
            [measure(kept, folder, count) for kept, count in zip(sites, counts, strict=True)]
            for _round in range(options.rounds)
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows, last = [], {}
    for label in found[0][0]:
        values = [
            statistics.median(run[place][label] for run in found) for place in range(len(counts))
        ]
        row = [
            label,
            *(f"{value:.1f}" for value in values),
            f"{exponent(list(counts), values):.2f}",
        ]
        rows.append(row)
        last[label] = values[-1]
    header = ["median, in milliseconds", *(f"{count:,} projects" for count in counts), "exponent"]
    results.keep("growth", {"table": [header, *rows], "values": last}, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
