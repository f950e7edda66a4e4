"""How fast files are taken in: `python -m benchmarks.uploading [ROUNDS]`.

200 wheels of 10 KB with real metadata into ten projects, over 1, 4 and 16 connections, and one
wheel of 100 MiB, on Indexsite (with an API token, all checks and the audit log), pypiserver and
devpi-server. The runs are interleaved; the result is `benchmarks/results/uploading.json`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import load, results, servers, wheels
from benchmarks.servers import Server
from benchmarks.sites import indexsite

PROJECTS, FILES = 10, 200
SMALL, LARGE = 10 * 1024, 100 * 1024 * 1024 - 64 * 1024  # bytes
CONNECTIONS = (1, 4, 16)


def small_bodies(folder: Path, label: str) -> list[Path]:
    """The requests of one run: versions of their own, spread over all projects."""
    paths = []
    for number in range(FILES):
        name, version = f"bench-{number % PROJECTS}", f"{label}.{number}"
        paths += wheels.write_bodies(folder / label, name, [version], size=SMALL)
    return paths


def send(server: Server, bodies: list[Path], connections: int) -> dict[str, Any]:
    """One run; refused uploads stop the benchmark, as its numbers would mean nothing."""
    found = load.upload(server, bodies, connections=connections, boundary=wheels.BOUNDARY)
    failures = found.pop("failures")
    if failures:
        raise RuntimeError(f"{server.name}: {failures[:3]}")
    return found


def measure(started: list[Server], folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Each case on each server in turn, so many times."""
    first = small_bodies(folder, "1")
    for server in started:
        send(server, first, 1)  # makes the projects, and warms up
    found: list[dict[str, Any]] = []
    for turn in range(rounds):
        for connections in CONNECTIONS:
            bodies = small_bodies(folder, f"{turn + 2}.{connections}")
            for server in started:
                numbers = send(server, bodies, connections)
                case = f"10 KB, {connections} at once"
                found.append({"server": server.name, "case": case, **numbers})
                print(server.name, case, round(numbers["per_second"], 1), flush=True)
            shutil.rmtree(bodies[0].parent)
        large = wheels.write_bodies(folder / "large", "bench-0", [f"{turn + 2}.0"], size=LARGE)
        for server in started:
            numbers = send(server, large, 1)
            numbers["megabytes_per_second"] = LARGE / 1e6 / numbers["seconds"]
            found.append({"server": server.name, "case": "100 MiB", **numbers})
            print(server.name, "100 MiB", round(numbers["megabytes_per_second"]), flush=True)
        shutil.rmtree(folder / "large")
    return found


def main() -> int:
    """Measure, and keep the result."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    folder = Path(tempfile.mkdtemp(prefix="indexsite-uploading-"))
    os.environ["UPLOAD_SIZE_LIMIT_MIB"] = "200"
    try:
        with ExitStack() as stack:
            started = [
                stack.enter_context(indexsite(folder / "indexsite")),
                stack.enter_context(servers.pypiserver(folder / "pypiserver")),
                stack.enter_context(servers.devpi(folder / "devpi")),
            ]
            found = measure(started, folder / "bodies", rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.keep("uploading", {"runs": found, "cores": os.cpu_count()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
