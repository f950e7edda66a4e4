"""What one very large upload costs: `python -m benchmarks.upload_memory [ROUNDS] [--quick]`.

Uploads a wheel of 1 GiB that cannot be compressed, and says by how much the peak memory (VmHWM) of
the web server's workers rose (it should stay below 64 MiB), how many bytes they gave to the disk
for each byte of the file (/proc/PID/io), and how long it took beside `cp`, `sha256sum`, `b2sum`,
`md5sum` and `unzip -t` of the same file, one after another (it should stay below 2.5 times that).
The result is `benchmarks/results/upload_memory.json`.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.servers import Server, family
from benchmarks.sites import running
from tests.demo import StepFailed, Tour

METADATA = "Metadata-Version: 2.1\nName: large\nVersion: {}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: benchmark\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
BOUNDARY = "b0undary"
TOOLS = ("sha256sum", "b2sum", "md5sum")
MIB = 1024 * 1024


def make_wheel(folder: Path, version: str, mebibytes: int) -> Path:
    """A valid wheel whose one module cannot be compressed."""
    path = folder / f"large-{version}-py3-none-any.whl"
    chance = random.Random(version)  # noqa: S311  (nothing here is a secret)
    info, data = f"large-{version}.dist-info", hashlib.sha256()
    texts = {f"{info}/METADATA": METADATA.format(version), f"{info}/WHEEL": WHEEL}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as wheel:
        with wheel.open("large/data.bin", "w", force_zip64=False) as member:
            for _piece in range(mebibytes):
                piece = chance.randbytes(MIB)
                data.update(piece)
                member.write(piece)
        lines = [f"large/data.bin,{_recorded(data)},{mebibytes * MIB}", f"{info}/RECORD,,"]
        for name, text in texts.items():
            wheel.writestr(name, text)
            lines.append(f"{name},{_recorded(hashlib.sha256(text.encode()))},{len(text)}")
        wheel.writestr(f"{info}/RECORD", "\n".join(lines) + "\n")
    return path


def _recorded(known: Any) -> str:
    return f"sha256={base64.urlsafe_b64encode(known.digest()).decode().rstrip('=')}"


def _figure(pid: int, file: str, name: str) -> int:
    lines = (Path("/proc") / str(pid) / file).read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def workers(site: Server) -> list[int]:
    """The web server's processes."""
    return [
        pid
        for pid in family(site.pid)
        if (Path("/proc") / str(pid) / "comm").read_text().strip() == "site web server"
    ]


def body(path: Path, version: str, digest: str) -> tuple[int, Iterator[bytes]]:
    """The multipart body of an upload, in pieces; and its length."""
    fields = {
        ":action": "file_upload",
        "name": "large",
        "version": version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": digest,
    }
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; '
        f'filename="{path.name}"\r\n\r\n'
    )
    tail = f"\r\n--{BOUNDARY}--\r\n"

    def pieces() -> Iterator[bytes]:
        yield head.encode()
        with path.open("rb") as file:
            while piece := file.read(MIB):
                yield piece
        yield tail.encode()

    return len(head) + path.stat().st_size + len(tail), pieces()


def upload(site: Server, path: Path, version: str) -> float:
    """Send the file; the seconds that it took."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    length, pieces = body(path, version, digest)
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=300)
    began = time.monotonic()
    connection.putrequest("POST", site.upload, skip_host=True)
    connection.putheader("Host", f"localhost:{site.port}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(length))
    connection.putheader("Authorization", site.authorization)
    connection.endheaders()
    for piece in pieces:
        connection.send(piece)
    response = connection.getresponse()
    if response.status != 200:
        raise StepFailed(f"{response.status} {response.reason}")
    return time.monotonic() - began


def by_tools(path: Path) -> float:
    """The seconds that copying, hashing and testing the file take with everyday programs."""
    copy = path.with_suffix(".copy")
    began = time.monotonic()
    for command in (["cp"], *([tool] for tool in TOOLS), ["unzip", "-t"]):
        last = [str(copy)] if command == ["cp"] else []
        subprocess.run([*command, str(path), *last], check=True, capture_output=True)
    seconds = time.monotonic() - began
    copy.unlink()
    return seconds


def measure(site: Server, folder: Path, version: str, mebibytes: int) -> dict[str, float]:
    """One upload, and the same with everyday programs."""
    path = make_wheel(folder, version, mebibytes)
    os.sync()
    size = path.stat().st_size
    pids = workers(site)
    for pid in pids:
        (Path("/proc") / str(pid) / "clear_refs").write_text("5")  # the peak begins anew
    memory = {pid: _figure(pid, "status", "VmHWM") for pid in pids}
    written = sum(_figure(pid, "io", "write_bytes") for pid in pids)
    seconds = upload(site, path, version)
    found = {
        "seconds": seconds,
        "rise": max(_figure(pid, "status", "VmHWM") - memory[pid] for pid in pids) / 1024,
        "written": (sum(_figure(pid, "io", "write_bytes") for pid in pids) - written) / size,
        "tools": by_tools(path),
    }
    path.unlink()
    return found


def main() -> int:
    """Measure, and keep the result."""
    options = results.options(__doc__, rounds=3)
    mebibytes = 64 if options.quick else 1024
    folder = Path(tempfile.mkdtemp(prefix="indexsite-benchmark-"))
    tour = Tour(folder)
    tour.environment["UPLOAD_SIZE_LIMIT_MIB"] = str(mebibytes + 64)
    found = []
    try:
        with running(tour) as site:
            for _page in range(20):
                tour.browser.get("/simple/")
            for turn in range(options.rounds):
                found.append(measure(site, folder, f"{turn + 1}.0", mebibytes))
                print(found[-1], flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    values = {name: statistics.median(run[name] for run in found) for name in found[0]}
    values["times the tools"] = values["seconds"] / values["tools"]
    header = [f"a wheel of {mebibytes:,} MiB", "measured", "should be"]
    rows = [
        ["more memory in a worker", f"{values['rise']:.1f} MiB", "below 64 MiB"],
        ["bytes written for each byte of the file", f"{values['written']:.2f}", "1"],
        ["time", f"{values['seconds']:.1f} s", ""],
        ["time of `cp`, three hashes, `unzip -t`", f"{values['tools']:.1f} s", ""],
        ["times that", f"{values['times the tools']:.2f}", "below 2.5"],
    ]
    numbers = {"table": [header, *rows], "values": values}
    results.keep("upload_memory", numbers, is_trial=options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
