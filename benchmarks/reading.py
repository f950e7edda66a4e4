"""How fast pages and files are read: `python -m benchmarks.reading [ROUNDS]`.

Indexsite, pypiserver, devpi-server, nginx over the same pages as files, and a bare WSGI application
under the same web server, on projects with 1, 100 and 2,000 files. The runs are interleaved; the
result is `benchmarks/results/reading.json`, from which `python -m benchmarks.tables` writes tables.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import load, results, servers, wheels
from benchmarks.servers import Server
from benchmarks.sites import indexsite

COUNTS = (1, 100, 2000)
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html, text/html;q=0.5"
SECONDS = 4


def versions(count: int) -> list[str]:
    """So many versions, in their normal form."""
    return [f"0.{number}" for number in range(count)]


def fill(server: Server, folder: Path) -> None:
    """Give a server the files, by uploads; pypiserver is given them as its own documents say.

    devpi-server takes many minutes for 2,000 files of one project, so what it was given is kept.
    """
    if (server.folder / "filled").exists():
        return
    for count in COUNTS:
        name = f"pages-{count}"
        if server.name.startswith("pypiserver"):
            wheels.write_wheels(server.folder, name, versions(count))
            continue
        bodies = wheels.write_bodies(folder / "bodies" / name, name, versions(count))
        found = load.upload(server, bodies, connections=4, boundary=wheels.BOUNDARY)
        if found["failures"]:
            raise RuntimeError(f"{server.name}: {found['failures'][:3]}")
    (server.folder / "filled").touch()


@contextmanager
def bare(folder: Path) -> Iterator[Server]:
    """gunicorn as Indexsite configures it, around an application that only hands out bytes."""
    port = servers.free_port()
    command = [sys.executable, "-m", "gunicorn", "benchmarks.bare:application"]
    environment = {"HOST": "127.0.0.1", "PORT": str(port), "BARE_FOLDER": str(folder)}
    url = f"http://127.0.0.1:{port}"
    with servers.program(
        [*command, "--config", "indexsite/gunicorn.py"],
        log=folder.parent / "bare.log",
        ready=f"{url}/",
        environment=environment,
    ) as process:
        yield Server("bare WSGI", url, "/", pid=process.pid)


def save_pages(site: Server, www: Path, bare_folder: Path) -> None:
    """Keep Indexsite's own pages for the two that only hand out bytes."""
    bare_folder.mkdir(parents=True, exist_ok=True)
    for count in COUNTS:
        for form, accept in (("html", HTML), ("json", JSON)):
            path = f"{site.simple}pages-{count}/"
            _status, body = servers.ask(site.url + path, Accept=accept)
            (bare_folder / f"{count}.{form}").write_bytes(body)
            (www / path.strip("/")).mkdir(parents=True, exist_ok=True)
            (www / path.strip("/") / f"index.{form}").write_bytes(body)


def page_cases(server: Server) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The pages to read: what tables call each, its path, and the headers to ask with."""
    for count in COUNTS:
        for form, accept in (("HTML", HTML), ("JSON", JSON)):
            if form == "JSON" and not server.accepts_json:
                continue
            path = f"{server.simple}pages-{count}/"
            if server.name == "bare WSGI":
                path = f"/{count}.{form.lower()}"
            elif server.name.startswith("nginx"):
                path += f"index.{form.lower()}"
            yield f"{count} files, {form}", path, {"Accept": accept}


def measure(started: list[Server], rounds: int) -> list[dict[str, Any]]:
    """Each case on each server in turn, so many times."""
    found: list[dict[str, Any]] = []
    for _round in range(rounds):
        for server in started:
            for case, path, headers in page_cases(server):
                load.read(server, path, seconds=1, headers=headers)  # warm
                numbers = load.read(server, path, seconds=SECONDS, headers=headers)
                found.append({"server": server.name, "case": case, **numbers})
                print(server.name, case, round(numbers["per_second"]), flush=True)
    return found


def main() -> int:
    """Measure, and keep the result."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    folder = Path(tempfile.mkdtemp(prefix="indexsite-reading-"))
    try:
        with ExitStack() as stack:
            site = stack.enter_context(indexsite(folder / "indexsite"))
            idle = site.memory()
            peers = [
                stack.enter_context(servers.pypiserver(folder / "pypiserver")),
                stack.enter_context(servers.devpi(servers.PEERS / "devpi-pages")),
            ]
            files = stack.enter_context(servers.nginx(folder / "nginx"))
            for server in (site, *peers):
                fill(server, folder)
            save_pages(site, files.folder, folder / "bare")
            plain = stack.enter_context(bare(folder / "bare"))
            found = measure([site, *peers, files, plain], rounds)
            memory = {"idle": idle, "after": site.memory()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results.keep("reading", {"runs": found, "memory": memory, "cores": os.cpu_count()})
    worst = statistics.median(row["failures"] for row in found)
    return 0 if worst == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
