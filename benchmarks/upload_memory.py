"""How much memory a large upload takes: `python -m benchmarks.upload_memory [MIB]`.

Starts a site in a throw-away folder, uploads one wheel of 1024 MiB to it, and prints by how much
the peak memory (VmHWM) of the web server's workers rose. It should stay below 64 MiB.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.demo import StepFailed, Tour

ALLOWED_RISE = 64  # MiB
METADATA = "Metadata-Version: 2.1\nName: large\nVersion: 1.0\n"


def make_wheel(path: Path, mebibytes: int) -> None:
    """A valid wheel whose one module cannot be compressed away."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        with wheel.open("large/data.bin", "w", force_zip64=False) as member:
            for _piece in range(mebibytes):
                member.write(b"\x00" * (1024 * 1024))
        wheel.writestr("large-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("large-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("large-1.0.dist-info/RECORD", "")


def workers(data: Path) -> dict[int, int]:
    """Peak memory in KiB of each gunicorn process whose data folder this is, by process id."""
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if b"gunicorn" not in (process / "cmdline").read_bytes():
                continue
            if str(data).encode() not in (process / "environ").read_bytes():
                continue
            status = (process / "status").read_text()
        except OSError:
            continue
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        found[int(process.name)] = int(line.split()[1])
    return found


def body(path: Path, boundary: str, digest: str) -> tuple[int, Iterator[bytes]]:
    """The multipart body of an upload, in pieces; and its length."""
    fields = {
        ":action": "file_upload",
        "name": "large",
        "version": "1.0",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": digest,
    }
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="content"; '
        f'filename="{path.name}"\r\n\r\n'
    )
    tail = f"\r\n--{boundary}--\r\n"

    def pieces() -> Iterator[bytes]:
        yield head.encode()
        with path.open("rb") as file:
            while piece := file.read(1024 * 1024):
                yield piece
        yield tail.encode()

    return len(head) + path.stat().st_size + len(tail), pieces()


def upload(tour: Tour, path: Path, token: str) -> float:
    """Send the file; the seconds that it took."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    length, pieces = body(path, "b0undary", digest)
    connection = http.client.HTTPConnection("127.0.0.1", tour.port, timeout=300)
    began = time.monotonic()
    connection.putrequest("POST", "/legacy/", skip_host=True)
    connection.putheader("Host", f"localhost:{tour.port}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b0undary")
    connection.putheader("Content-Length", str(length))
    pair = base64.b64encode(f"__token__:{token}".encode()).decode()
    connection.putheader("Authorization", f"Basic {pair}")
    connection.endheaders()
    for piece in pieces:
        connection.send(piece)
    response = connection.getresponse()
    if response.status != 200:
        raise StepFailed(f"{response.status} {response.reason}")
    return time.monotonic() - began


def main() -> int:
    """Measure; 0 if the rise is allowed."""
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    folder = Path(tempfile.mkdtemp(prefix="indexsite-benchmark-"))
    tour = Tour(folder)
    tour.environment["UPLOAD_SIZE_LIMIT_MIB"] = str(mebibytes + 64)
    try:
        with tour.server():
            for step in tour.all_steps()[:6]:
                step()
            path = folder / "large-1.0-py3-none-any.whl"
            make_wheel(path, mebibytes)
            for _page in range(20):
                tour.browser.get("/simple/")
            for pid in workers(tour.data):
                (Path("/proc") / str(pid) / "clear_refs").write_text("5")  # the peak begins anew
            before = workers(tour.data)
            seconds = upload(tour, path, tour.tokens["wide"])
            after = workers(tour.data)
            rise = max((after[pid] - before.get(pid, 0)) / 1024 for pid in after)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{mebibytes} MiB in {seconds:.1f} s; peak memory of a worker rose by {rise:.1f} MiB")
    return 0 if rise < ALLOWED_RISE else 1


if __name__ == "__main__":
    sys.exit(main())
