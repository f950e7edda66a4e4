"""Real web servers, and workers, each on its own copy of the database and in its own folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.clone import Database
from tests.support.mailbox import free_port

ROOT = Path(__file__).resolve().parents[2]
SLOWEST_START = 60  # seconds
SLOWEST_STOP = 40  # seconds


class Site:
    """A running site.

    Attributes:
        url: its address, without a slash at the end.
        port: where it listens, on 127.0.0.1.
        data: its data folder.
        database: its database.
        environment: the environment of its programs.
    """

    def __init__(self, database: Database, data: Path, extra: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.data, self.database = data, database
        self.environment = {
            **os.environ,
            "INDEXSITE_DATA": str(data),
            "SITE_URL": self.url,
            "DATABASE_URL": database.url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            "WEB_THREADS": "8",
            **extra,
        }
        self._programs: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start_server(self) -> None:
        """Start the web server, and wait until it is healthy."""
        gunicorn = [sys.executable, "-m", "gunicorn", "indexsite.wsgi"]
        program = self.start_program("server", [*gunicorn, "--config", "indexsite/gunicorn.py"])
        end = time.monotonic() + SLOWEST_START
        while not self.is_healthy():
            if program.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"The server did not start:\n{self.errors('server')}")
            time.sleep(0.03)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker; there may be several."""
        return self.start_program("worker", [sys.executable, "manage.py", "run_worker"])

    def start_program(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program that runs as long as the site; its output goes to `errors(name)`."""
        with (self.data / f"{name}.log").open("ab") as log:
            program = subprocess.Popen(
                command,
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._programs.append((name, program))
        return program

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py to its end, with the site's own environment."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120
        )

    def is_healthy(self) -> bool:
        """Whether it answers 200 to its health page."""
        try:
            with urllib.request.urlopen(f"{self.url}/_health/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def errors(self, name: str = "server") -> str:
        """What the server, or another of its programs, has written so far."""
        path = self.data / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Ask all programs to end, and kill what does not."""
        for _name, program in self._programs:
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
        end = time.monotonic() + SLOWEST_STOP
        for _name, program in self._programs:
            with suppress(subprocess.TimeoutExpired):
                program.wait(timeout=max(0, end - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """End all programs, and what they have started, at once."""
        for _name, program in self._programs:
            with suppress(ProcessLookupError):  # it has ended
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        self._programs.clear()


@contextmanager
def running_site(
    template: Database,
    *,
    environment: Mapping[str, str] | None = None,
    with_worker: bool = False,
) -> Iterator[Site]:
    """A site on a copy of `template`, for as long as the context lasts."""
    database = template.copy()
    try:
        with tempfile.TemporaryDirectory(
            prefix="indexsite-site-", ignore_cleanup_errors=True
        ) as folder:
            site = Site(database, Path(folder), environment or {})
            try:
                site.start_server()
                if with_worker:
                    site.start_worker()
                yield site
            finally:
                site.kill()  # to end in peace takes seconds, and their data go, too
    finally:
        database.drop()


StartSite = Callable[..., AbstractContextManager[Site]]


@pytest.fixture(scope="session")
def start_site(template_database: Database, django_db_blocker: Any) -> StartSite:
    """`with start_site(environment={…}, with_worker=True) as site:` for sites out of the ordinary.

    The test's own models do not use its database: `with site.database.as_default():` does that.
    """

    @contextmanager
    def start(**options: Any) -> Iterator[Site]:
        with django_db_blocker.unblock(), running_site(template_database, **options) as site:
            yield site

    return start


@pytest.fixture(scope="module")
def module_site(start_site: StartSite) -> Iterator[Site]:
    """The site that all tests of one file share."""
    with start_site() as site:
        yield site


@contextmanager
def _in_use(site: Site, blocker: Any) -> Iterator[Site]:
    with blocker.unblock(), site.database.as_default():
        yield site


@pytest.fixture
def site(module_site: Site, django_db_blocker: Any) -> Iterator[Site]:
    """A running site, whose database is the default one of this test.

    All tests of one file share it, so each of them names its own projects; the cast is the same
    for all. A test that needs the site to itself takes `fresh_site`.
    """
    with _in_use(module_site, django_db_blocker) as site:
        yield site


@pytest.fixture
def fresh_site(start_site: StartSite, django_db_blocker: Any) -> Iterator[Site]:
    """A running site for this test alone, whose database is the default one."""
    with start_site() as site, _in_use(site, django_db_blocker):
        yield site
