"""Indexsite for benchmarks: started by `./run` with its default settings, with one uploader."""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import Server, family
from tests.demo import Tour

_STEPS = (
    "register",
    "verify_address",
    "enrol",
    "keep_recovery_codes",
    "sign_in_again",
    "make_wide_token",
)


@contextmanager
def indexsite(folder: Path) -> Iterator[Server]:
    """A site whose `authorization` uploads to all projects of one user, new ones included."""
    folder.mkdir(parents=True, exist_ok=True)
    with running(Tour(folder)) as server:
        yield server


@contextmanager
def running(tour: Tour) -> Iterator[Server]:
    """The site of a tour, which has its uploader from the first time on."""
    with tour.server():
        if "wide" not in tour.tokens:
            for step in _STEPS:
                getattr(tour, step)()
        pair = base64.b64encode(f"__token__:{tour.tokens['wide']}".encode()).decode()
        yield Server(
            "Indexsite",
            f"http://localhost:{tour.port}",
            "/simple/",
            upload="/legacy/",
            authorization=f"Basic {pair}",
            pid=_pid_of(tour),
            folder=tour.data,
        )


def start_seconds(tour: Tour) -> float:
    """How long it takes from `./run` to the first answer; what it needs is installed."""
    began = time.perf_counter()
    with tour.server():
        return time.perf_counter() - began


def _pid_of(tour: Tour) -> int:
    """The process id of the `./run` that this process has started for a tour."""
    wanted = f"INDEXSITE_DATA={tour.data}\0".encode()
    for pid in family(os.getpid()):
        place = Path("/proc") / str(pid)
        with contextlib.suppress(OSError):
            is_run = b"indexsite.start" in (place / "cmdline").read_bytes()
            if is_run and wanted in (place / "environ").read_bytes() + b"\0":
                return pid
    raise RuntimeError(f"No site runs with {tour.data}.")
