"""How fast pages and files are read: `python -m benchmarks.reading [ROUNDS] [--quick]`.

Indexsite, pypiserver as it starts by itself and under gunicorn, devpi-server, nginx over the same
pages as files, and a bare WSGI application under the same web server, on projects with 1, 100 and
2,000 files and on a file of 10 KB; that file also from Indexsite behind nginx, which sends it. The
runs are interleaved; the result is `benchmarks/results/reading.json`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import statistics
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from benchmarks import devpi_pages, load, results, servers, wheels
from benchmarks.servers import Server
from benchmarks.sites import running, start_seconds
from tests.demo import Tour

COUNTS = (1, 100, 2000)
DOWNLOAD = "download"  # the project whose one file is downloaded
DOWNLOAD_SIZE = 8_900  # bytes of its content; metadata and archive make it 10 KB
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html, text/html;q=0.5"
STARTS = 3
_HREF = re.compile(rb'href="([^"#]+)')


def write_files(folder: Path, counts: tuple[int, ...]) -> list[Path]:
    """The wheels of all projects: the same bytes at each run."""
    paths = wheels.write_wheels(folder, DOWNLOAD, ["1.0"], size=DOWNLOAD_SIZE)
    for count in counts:
        versions = [f"0.{number}" for number in range(count)]
        paths += wheels.write_wheels(folder, f"pages-{count}", versions)
    return paths


def give(server: Server, files: list[Path]) -> None:
    """Upload them."""
    bodies = []
    for path in files:
        name, version, _build, _tags = parse_wheel_filename(path.name)
        body = path.with_suffix(".body")
        content = wheels.upload_body(name, str(version), path.name, path.read_bytes())
        body.write_bytes(content)
        bodies.append(body)
    found = load.upload(server, bodies, connections=4, boundary=wheels.BOUNDARY)
    if found["failures"]:
        raise RuntimeError(f"{server.name}: {found['failures'][:3]}")


def filled_devpi(files: list[Path], folder: Path, name: str) -> Path:
    """The folder of a devpi-server that has these files: kept, for it takes minutes to fill."""
    kept = servers.PEERS / name
    mark, wanted = kept / "filled", hashlib.sha256()
    for path in files:
        wanted.update(path.read_bytes())
    if not mark.exists() or mark.read_text() != wanted.hexdigest():
        shutil.rmtree(kept, ignore_errors=True)
        devpi_pages.fill(kept, files)
        mark.write_text(wanted.hexdigest())
    shutil.copytree(kept, folder)
    return folder


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


def save_pages(site: Server, www: Path, bare_folder: Path, counts: tuple[int, ...]) -> None:
    """Keep Indexsite's own pages, and the file, for the two that only hand out bytes."""
    bare_folder.mkdir(parents=True, exist_ok=True)
    for count in counts:
        for form, accept in (("html", HTML), ("json", JSON)):
            path = f"{site.simple}pages-{count}/"
            _status, body = servers.ask(site.url + path, Accept=accept)
            (bare_folder / f"{count}.{form}").write_bytes(body)
            (www / path.strip("/")).mkdir(parents=True, exist_ok=True)
            (www / path.strip("/") / f"index.{form}").write_bytes(body)
    _status, body = servers.ask(site.url + file_path(site))
    for target in (bare_folder / DOWNLOAD, www / DOWNLOAD):
        target.write_bytes(body)


def file_path(server: Server) -> str:
    """Where the file of 10 KB is, as the server's own page says."""
    if not server.upload and not server.behind:
        return f"/{DOWNLOAD}"
    address = f"{server.url}{server.simple}{DOWNLOAD}/"
    _status, page = servers.ask(address, Accept="text/html")
    found = _HREF.search(page)
    if found is None:
        raise RuntimeError(f"{server.name} has no file: {page[:300]!r}")
    return urllib.parse.urlsplit(urllib.parse.urljoin(address, found[1].decode())).path


def cases(server: Server, counts: tuple[int, ...]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """What to read: what tables call it, its path, and the headers to ask with."""
    for count in counts if not server.behind else ():
        for form, accept in (("HTML", HTML), ("JSON", JSON)):
            if form == "JSON" and not server.accepts_json:
                continue
            path = f"{server.simple}pages-{count}/"
            if server.name == "bare WSGI":
                path = f"/{count}.{form.lower()}"
            elif server.name.startswith("nginx"):
                path += f"index.{form.lower()}"
            label = "1 file" if count == 1 else f"{count:,} files"
            yield f"{label}, {form}", path, {"Accept": accept}
    yield "a file of 10 KB", file_path(server), {}


def measure(
    started: list[Server], counts: tuple[int, ...], *, rounds: int, seconds: int
) -> list[dict[str, Any]]:
    """Each case on each server in turn, so many times; all are warmed up once."""
    found: list[dict[str, Any]] = []
    plans = [(server, list(cases(server, counts))) for server in started]
    for turn in range(rounds):
        for server, plan in plans:
            for case, path, headers in plan:
                if turn == 0:
                    load.read(server, path, seconds=1, headers=headers)
                numbers = load.read(server, path, seconds=seconds, headers=headers)
                if numbers["failures"]:
                    raise RuntimeError(f"{server.name}, {case}: {numbers}")
                found.append({"server": server.name, "case": case, **numbers})
                print(server.name, case, round(numbers["per_second"]), flush=True)
    return found


@contextmanager
def sender(folder: Path, files: list[Path]) -> Iterator[Server]:
    """Indexsite behind nginx, which sends the files."""
    tour = Tour(folder)
    folder.mkdir()
    tour.environment |= {"SEND_FILES_BY": "nginx", "TRUSTED_PROXIES": "127.0.0.1/32"}
    with running(tour) as site, servers.nginx_before(site, folder / "nginx") as front:
        give(site, files)
        yield front


def main() -> int:
    """Measure, and keep the result."""
    options = results.options(__doc__, rounds=3)
    counts, seconds = ((1, 20), 1) if options.quick else (COUNTS, 3)
    folder = Path(tempfile.mkdtemp(prefix="indexsite-reading-"))
    tour = Tour(folder / "indexsite")
    tour.folder.mkdir()
    try:
        files = write_files(folder / "wheels", counts)
        with running(tour):
            pass  # makes the database, and the uploader
        starts = [start_seconds(tour) for _turn in range(STARTS)]
        name = "devpi-trial" if options.quick else "devpi-pages"
        kept = filled_devpi(files, folder / "devpi", name)
        with ExitStack() as stack:
            site = stack.enter_context(running(tour))
            idle = site.memory()
            give(site, files)
            packages = folder / "pypiserver" / "packages"
            packages.mkdir(parents=True)
            for path in files:
                shutil.copy(path, packages)
            pypiserver = packages.parent
            peers = [
                stack.enter_context(servers.pypiserver(pypiserver)),
                stack.enter_context(servers.pypiserver(pypiserver, with_gunicorn=True)),
                stack.enter_context(servers.devpi(kept)),
            ]
            plain = stack.enter_context(servers.nginx(folder / "nginx"))
            save_pages(site, plain.folder, folder / "bare", counts)
            limits = [plain, stack.enter_context(bare(folder / "bare"))]
            front = stack.enter_context(sender(folder / "sender", files[:1]))
            started = [site, *peers, *limits, front]
            found = measure(started, counts, rounds=options.rounds, seconds=seconds)
            memory = {"idle": idle, "after": site.memory()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    numbers = {"runs": found, "memory": memory, "start": statistics.median(starts)}
    results.keep("reading", numbers, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
