"""A real S3-compatible server (SeaweedFS) for tests that ask for one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.mailbox import free_port

SLOWEST_START = 60  # seconds
ACCESS_KEY, SECRET_KEY = "indexsite", "a-secret-for-tests"


@dataclass(frozen=True)
class BucketServer:
    """A running server.

    Attributes:
        url: its address.
        process: its process, which a test may stop and let go on.
    """

    url: str
    process: subprocess.Popen[bytes]


def ports() -> dict[str, int]:
    """Free ports whose gRPC ports, 10000 above, exist."""
    found: dict[str, int] = {}
    while len(found) < 4:
        port = free_port()
        if port < 55_000 and port not in found.values():
            found[("master", "volume", "filer", "s3")[len(found)]] = port
    return found


@contextmanager
def bucket_server(folder: Path) -> Iterator[BucketServer]:
    """A server whose data is in `folder`, for as long as the context lasts."""
    chosen = ports()
    settings = folder / "s3.json"
    identity = {
        "name": "indexsite",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin"],
    }
    settings.write_text(json.dumps({"identities": [identity]}))
    command = [
        str(Path(sys.executable).parent / "weed"),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={settings}",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=64",
        *(f"-{name}.port={port}" for name, port in chosen.items()),
        "-s3.iam=false",
        f"-s3.port.grpc={chosen['s3'] + 10_000}",
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    url = f"http://127.0.0.1:{chosen['s3']}"
    try:
        wait_for(url, process, folder / "weed.log")
        yield BucketServer(url, process)
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers anything."""
    end = time.monotonic() + SLOWEST_START
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text(errors="replace")[-3000:]) from error
            time.sleep(0.1)
        else:
            return
