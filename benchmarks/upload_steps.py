"""Where the milliseconds of an upload go: `python -m benchmarks.upload_steps [ROUNDS] [--quick]`.

Sends 200 wheels of 10 KB with a token through the WSGI application, one after another in one
process, without web server and network, and times each step without the steps inside it. The
result is `benchmarks/results/upload_steps.json`.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import results, wheels
from benchmarks.servers import ROOT
from benchmarks.sites import running
from benchmarks.uploading import small_bodies
from tests.demo import Tour

HERE = "--here"  # measure the site of this environment, and print the numbers
REST = "middleware, views, and what has no row here"
PAGE = "afterwards: the Simple page made anew, when it is read"
ACCEPTING = "uploads.operations.accepting"
PUBLISHING = "projects.operations.publishing"
STEPS = (  # the place in which a function is looked up, and what it does
    ("uploads.authentication:UploadAuthentication.authenticate", "find the token and its account"),
    ("uploads.incoming:_parse", "receive, parse, hash, and write to the disk"),
    ("uploads.views:read_form", "read the form"),
    (f"{ACCEPTING}:_find_project", "find the project"),
    (f"{ACCEPTING}:_authorize", "ask for permission"),
    (f"{PUBLISHING}:find_same_file", "look for the same file, and for room"),
    (f"{ACCEPTING}:inspect", "check archive, metadata and README"),
    (f"{ACCEPTING}:scanning.refuse_own_tokens", "look for tokens in the file"),
    (f"{ACCEPTING}:_store", "store the file and its metadata"),
    (f"{ACCEPTING}:_publish", "begin and commit, and the rest of the transaction"),
    ("tokens.credentials:TokenCredential.reopened", "ask for permission again: the token"),
    ("tokens.credentials:TokenCredential.require_allowed", "ask for permission again: its rules"),
    ("projects.permissions:require", "ask for permission: roles"),
    (f"{PUBLISHING}:changes.lock", "lock the project"),
    (f"{PUBLISHING}:_release_for", "rows: release"),
    (f"{PUBLISHING}:_store_row", "rows: file"),
    ("projects.changes:search.note", "note it for the search"),
    ("projects.changes:record_all", "record the events under the seal"),
    ("projects.mailings:owners_to_tell", "see who wants to hear of it"),
    (f"{ACCEPTING}:bind_token", "tie the token to a new project"),
    ("tokens.credentials:TokenCredential.note_use", "remember the use of the token"),
)


@dataclass
class Cost:
    """What one step has taken so far, in seconds."""

    wall: float = 0.0
    cpu: float = 0.0
    queries: int = 0


class Clock:
    """Gives the time that passes to the innermost step that runs."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = defaultdict(Cost)
        self._running: list[str] = []
        self._wall = self._cpu = 0.0

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """Time what runs inside."""
        self._book()
        self._running.append(label)
        try:
            yield
        finally:
            self._book()
            self._running.pop()

    def count_query(self, execute: Callable[..., Any], *details: Any) -> Any:
        """What Django calls around each query."""
        self.costs[self._running[-1] if self._running else REST].queries += 1
        return execute(*details)

    def _book(self) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        if self._running:
            cost = self.costs[self._running[-1]]
            cost.wall += wall - self._wall
            cost.cpu += cpu - self._cpu
        self._wall, self._cpu = wall, cpu

    def watch(self, place: str, label: str) -> None:
        """Time a function wherever it is called from, by the name in this place."""
        module, _, path = place.partition(":")
        *holders, name = path.split(".")
        holder: Any = importlib.import_module(module)
        for part in holders:
            holder = getattr(holder, part)
        function = getattr(holder, name)

        @functools.wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            with self.step(label):
                return function(*args, **named)

        setattr(holder, name, timed)


def call(application: Any, method: str, path: str, body: bytes = b"") -> None:
    """One request, as a web server hands it on."""
    host = urlsplit(os.environ["SITE_URL"])
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "HTTP_HOST": host.netloc,
        "SERVER_NAME": host.hostname,
        "SERVER_PORT": str(host.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": f"multipart/form-data; boundary={wheels.BOUNDARY}",
        "HTTP_USER_AGENT": "twine/7.0.0",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
    if method == "POST":
        environ["HTTP_AUTHORIZATION"] = os.environ["AUTHORIZATION"]
    answered: list[str] = []
    response = application(environ, lambda status, *_rest: answered.append(status))
    list(response)
    if hasattr(response, "close"):
        response.close()
    if not answered[0].startswith("200"):
        raise RuntimeError(f"{method} {path}: {answered[0]}")


def measure(label: str, files: int) -> dict[str, list[float]]:
    """The milliseconds, of these the CPU's, and the queries of each step of one upload."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "indexsite.settings"
    from django.db import connection

    from indexsite.wsgi import application

    folder = Path(tempfile.mkdtemp(prefix="indexsite-bodies-"))
    warm, bodies = (small_bodies(folder, f"{label}.{n}", files=files) for n in (1, 2))
    for path in warm:
        call(application, "POST", "/legacy/", path.read_bytes())
    clock = Clock()
    for place, name in STEPS:
        clock.watch(place, name)
    with connection.execute_wrapper(clock.count_query):
        for path in bodies:
            content = path.read_bytes()
            with clock.step(REST):
                call(application, "POST", "/legacy/", content)
            project = path.name.split("-")[0].replace("_", "-")
            with clock.step(PAGE):
                call(application, "GET", f"/simple/{project}/")
    shutil.rmtree(folder)
    return {
        name: [cost.wall / files * 1000, cost.cpu / files * 1000, cost.queries / files]
        for name, cost in clock.costs.items()
    }


def table(found: list[dict[str, list[float]]]) -> list[list[str]]:
    """The medians of all rounds, in the order of the steps."""

    def row(name: str, numbers: list[float]) -> list[str]:
        return [name, f"{numbers[0]:.2f}", f"{numbers[1]:.2f}", f"{numbers[2]:.1f}"]

    names = [name for name in (*(label for _place, label in STEPS), REST) if name in found[0]]
    medians = {
        name: [statistics.median(run[name][place] for run in found) for place in range(3)]
        for name in (*names, PAGE)
    }
    whole = [sum(medians[name][place] for name in names) for place in range(3)]
    header = ["one upload of 10 KB", "ms", "of these CPU", "queries"]
    rows = [row(name, medians[name]) for name in names]
    return [header, *rows, row("**all of it**", whole), row(PAGE, medians[PAGE])]


def main() -> int:
    """Measure, and keep the result."""
    if sys.argv[1:2] == [HERE]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
        return 0
    options = results.options(__doc__, rounds=3)
    files = 20 if options.quick else 200
    folder = Path(tempfile.mkdtemp(prefix="indexsite-steps-"))
    tour = Tour(folder)
    found = []
    try:
        with running(tour) as site:
            authorization = site.authorization
        environment = {**tour.environment, "AUTHORIZATION": authorization}
        for turn in range(options.rounds):
            command = [sys.executable, "-m", "benchmarks.upload_steps", HERE, str(turn), str(files)]
            result = subprocess.run(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
            found.append(json.loads(result.stdout))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    numbers = {"table": table(found)}
    for row in numbers["table"]:
        print("  ".join(row))
    results.keep("upload_steps", numbers, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
