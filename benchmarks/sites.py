"""Indexsite for benchmarks: started by `./run` with its default settings, with one uploader."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import ROOT, Server
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
            pid=_child(str(ROOT / "run")),
            folder=tour.data,
        )


def _child(program: str) -> int:
    """The process id of the child of this process that runs `program`."""
    command = ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0]) for line in listed.splitlines() if program in line)
