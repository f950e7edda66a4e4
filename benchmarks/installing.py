"""How fast a set of packages is installed: `python -m benchmarks.installing [ROUNDS] [--quick]`.

`uv pip install`, with an empty cache each time, of 30 packages from Indexsite, pypiserver,
devpi-server, and nginx that serves Indexsite's own pages and files as files. The packages are the
first 30 that this project is locked to, that have a wheel for this Python, and that Indexsite
takes; they are downloaded with pip, once, into `.benchmarks/`. Client and packages are in memory,
where the machine lets them: writing thirty packages to a disk takes longer than all else. The runs
are interleaved; the result is `benchmarks/results/installing.json`.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import parse_wheel_filename

from benchmarks import load, results, servers, wheels
from benchmarks.servers import PEERS, ROOT, Server
from benchmarks.sites import indexsite

PACKAGES = 30
MEMORY = Path("/dev/shm")  # noqa: S108  (the folder of the kernel)
_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)(?: ; (.*?))? \\$", re.MULTILINE)
_HREF = re.compile(r'href="([^"#]+)')


def fetch() -> Iterator[Path]:
    """The wheels, one by one, from whatever registry pip is told to use here."""
    text = (ROOT / "requirements" / "dev.txt").read_text()
    pins = [
        f"{name}=={version}"
        for name, version, marker in _PIN.findall(text)
        if not marker or Marker(marker).evaluate()
    ]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    for pin in pins:
        target = PEERS / "wheels" / pin
        if not any(target.glob("*.whl")):
            subprocess.run([*pip, "-d", str(target), pin], check=False, capture_output=True)
        yield from target.glob("*.whl")


def give(server: Server, path: Path, folder: Path) -> bool:
    """Upload it, or give it to pypiserver as its own documents say; whether it was taken."""
    if server.name.startswith("pypiserver"):
        shutil.copy(path, server.folder)
        return True
    name, version, _build, _tags = parse_wheel_filename(path.name)
    body = folder / f"{path.name}.body"
    body.write_bytes(wheels.upload_body(name, str(version), path.name, path.read_bytes()))
    found = load.upload(server, [body], connections=1, boundary=wheels.BOUNDARY)
    return not found["failures"]


def mirror(site: Server, www: Path, files: list[Path]) -> None:
    """Indexsite's pages and files, for a server that only hands out files."""
    for path in files:
        name = parse_wheel_filename(path.name)[0]
        _status, page = servers.ask(f"{site.url}/simple/{name}/", Accept="text/html")
        text = page.decode().replace(site.url, "")
        for href in _HREF.findall(text):
            address = urllib.parse.urljoin(f"{site.url}/simple/{name}/", href)
            target = www / urllib.parse.unquote(urllib.parse.urlsplit(address).path).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            for suffix in ("", ".metadata"):
                _status, content = servers.ask(address + suffix)
                target.with_name(target.name + suffix).write_bytes(content)
        (www / "simple" / name).mkdir(parents=True)
        (www / "simple" / name / "index.html").write_text(text)


def install(server: Server, files: list[Path], folder: Path) -> float:
    """One installation into an empty folder, from an empty cache; its seconds."""
    target = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else folder))
    names = ["{}=={}".format(*parse_wheel_filename(path.name)[:2]) for path in files]
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q", "--no-config"]
    uv += ["--python", sys.executable, "--target", str(target / "packages"), "--no-deps"]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_")) and not name.lower().endswith("_proxy")
    }
    environment["UV_CACHE_DIR"] = str(target / "cache")
    began = time.perf_counter()
    subprocess.run(
        [*uv, "--index-url", server.url + server.simple, *names], env=environment, check=True
    )
    seconds = time.perf_counter() - began
    shutil.rmtree(target)
    return seconds


def main() -> int:
    """Measure, and keep the result."""
    options = results.options(__doc__, rounds=5)
    wanted = 3 if options.quick else PACKAGES
    folder = Path(tempfile.mkdtemp(prefix="indexsite-installing-"))
    os.environ |= {"NEW_PROJECTS_PER_USER": "1000", "NEW_PROJECTS_PER_ADDRESS": "1000"}
    seconds: dict[str, list[float]] = {}
    try:
        with ExitStack() as stack:
            started = [
                stack.enter_context(indexsite(folder / "indexsite")),
                stack.enter_context(servers.pypiserver(folder / "pypiserver")),
                stack.enter_context(servers.devpi(folder / "devpi")),
            ]
            taken = (path for path in fetch() if give(started[0], path, folder))
            files = list(islice(taken, wanted))
            for server in started[1:]:
                if not all(give(server, path, folder) for path in files):
                    raise RuntimeError(f"{server.name} refuses a wheel.")
            limit = stack.enter_context(servers.nginx(folder / "nginx"))
            mirror(started[0], limit.folder, files)
            for turn in range(options.rounds + 1):  # the first one warms up
                for server in [*started, limit]:
                    found = install(server, files, folder)
                    if turn:
                        seconds.setdefault(server.name, []).append(found)
                    print(f"{server.name}: {found:.2f} s", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = [
        [name, f"{statistics.median(runs):.2f} s", f"{min(runs):.2f}-{max(runs):.2f} s"]
        for name, runs in seconds.items()
    ]
    header = [f"`uv pip install` of {len(files)} packages", "median", "from-to"]
    values = {name: statistics.median(runs) for name, runs in seconds.items()}
    results.keep("installing", {"table": [header, *rows], "values": values}, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
