"""What puts load on a server, and what it cost: requests per second, latencies, CPU seconds.

Reading is loaded by wrk (Debian's package), one thread, keep-alive. Uploads come from a process of
their own, whose requests are made beforehand, so that it takes as little of the machine as it can.
"""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.servers import Server

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(
    server: Server,
    path: str,
    *,
    connections: int = 8,
    seconds: int = 4,
    headers: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Ask for one address over and over.

    Returns:
        per_second: requests answered in a second; p50, p99: milliseconds; server_cpu, load_cpu:
        CPU seconds that server and load generator used; failures: answers that were no 2xx or 3xx.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    before, load_before = server.cpu_seconds(), _children_cpu()
    result = subprocess.run(
        [*command, server.url + path], capture_output=True, text=True, check=True
    )
    found = _read_wrk(result.stdout)
    found["server_cpu"] = server.cpu_seconds() - before
    found["load_cpu"] = _children_cpu() - load_before
    found["seconds"] = float(seconds)
    return found


def _read_wrk(text: str) -> dict[str, float]:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if rate is None:
        raise RuntimeError(text)
    found = {"per_second": float(rate[1])}
    for share in ("50", "99"):
        latency = re.search(rf"{share}%\s+([\d.]+)(us|ms|s|m)", text)
        found[f"p{share}"] = float(latency[1]) * _UNITS[latency[2]] if latency else 0.0
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    found["failures"] = float(failures[1]) if failures else 0.0
    found["failures"] += sum(map(float, broken.groups())) if broken else 0.0
    return found


def upload(
    server: Server, bodies: Sequence[Path], *, connections: int, boundary: str
) -> dict[str, Any]:
    """Send each of these multipart bodies once, over so many connections.

    Returns:
        As `read`, with failures as a list of the refused answers' first lines.
    """
    before = server.cpu_seconds()
    job = {
        "port": server.port,
        "path": server.upload,
        "authorization": server.authorization,
        "boundary": boundary,
        "connections": connections,
        "bodies": [str(path) for path in bodies],
    }
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    found["server_cpu"] = server.cpu_seconds() - before
    return found


class _Sender:
    """One connection's worth of uploads."""

    def __init__(self, job: Mapping[str, Any], requests: list[bytes]) -> None:
        self.port, self.requests = job["port"], requests
        self.milliseconds: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Send until nothing is left; a server that closes is connected to again."""
        connection: socket.socket | None = None
        while self.requests:
            request = self.requests.pop()
            began = time.perf_counter()
            connection = connection or socket.create_connection(("127.0.0.1", self.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            head, closes = _answer(connection)
            self.milliseconds.append((time.perf_counter() - began) * 1000)
            if b" 200 " not in head[:16]:
                self.failures.append(head[:200].decode("latin-1"))
            if closes:
                connection.close()
                connection = None


def _answer(connection: socket.socket) -> tuple[bytes, bool]:
    """The first line of an answer, once all of it was read, and whether the server closes."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data or b"no answer", True
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    closes = bool(re.search(rb"(?i)connection: close", head)) or length is None
    wanted = int(length[1]) if length else None
    while wanted is None or len(rest) < wanted:
        piece = connection.recv(65536)
        if not piece:
            closes = True
            break
        rest += piece
    return head.partition(b"\r\n")[0], closes


def _send_all(job: Mapping[str, Any]) -> dict[str, Any]:
    requests = []
    for path in reversed(job["bodies"]):
        body = Path(path).read_bytes()
        head = (
            f"POST {job['path']} HTTP/1.1\r\nHost: localhost:{job['port']}\r\n"
            f"Authorization: {job['authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary={job['boundary']}\r\n"
            f"Content-Length: {len(body)}\r\nUser-Agent: twine/7.0.0\r\n\r\n"
        )
        requests.append(head.encode() + body)
    used_before = time.process_time()
    senders = [_Sender(job, requests) for _number in range(job["connections"])]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    times = sorted(value for sender in senders for value in sender.milliseconds)
    return {
        "per_second": len(times) / seconds,
        "p50": times[len(times) // 2],
        "p99": times[min(len(times) - 1, int(len(times) * 0.99))],
        "seconds": seconds,
        "load_cpu": time.process_time() - used_before,
        "failures": [line for sender in senders for line in sender.failures],
    }


if __name__ == "__main__":
    print(json.dumps(_send_all(json.load(sys.stdin))))
