"""Starts peers of Indexsite, each as its own documents say, in throw-away folders.

The peers come from the package registry, into a virtual environment of their own in
`.benchmarks/` beside the project. Everything listens on 127.0.0.1.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.mailbox import free_port

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".benchmarks"
PEER_PACKAGES = ("pypiserver[cache]==2.4.2", "devpi-server==6.20.3", "gunicorn==27.0.1")
DEVPI_PASSWORD = "benchmark"  # noqa: S105  (of a throw-away server)
SLOWEST_START = 90  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A program that serves, and its children.

    Attributes:
        name: what tables call it.
        url: its address, without a slash at the end.
        simple: the path of its Simple API, with slashes.
        upload: the path that takes uploads.
        authorization: the header that uploads bring.
        pid: the parent process.
        accepts_json: whether its Simple API has the JSON form.
        folder: where it keeps what it serves.
        behind: the server that this one passes requests on to, and whose costs are its own.
    """

    name: str
    url: str
    simple: str
    upload: str = ""
    authorization: str = ""
    pid: int = 0
    accepts_json: bool = True
    folder: Path = field(default_factory=Path)
    behind: Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far, in seconds."""
        own = sum(_cpu_of(pid) for pid in family(self.pid))
        return own + (self.behind.cpu_seconds() if self.behind else 0)

    def memory(self) -> float:
        """The proportional share of memory (PSS) of all its processes, in MiB."""
        return sum(_pss_of(pid) for pid in family(self.pid)) / 1024


def family(pid: int) -> list[int]:
    """A process and everything below it, as /proc shows them."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(process.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


def _cpu_of(pid: int) -> float:
    try:
        fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _pss_of(pid: int) -> int:
    try:
        lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def peer_program(name: str) -> str:
    """The path of a peer's program; installs the peers at the first call."""
    path, mark = PEERS / "venv" / "bin" / name, PEERS / "venv" / "peers"
    if not mark.exists() or mark.read_text() != " ".join(PEER_PACKAGES):
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--allow-existing", str(PEERS / "venv")], check=True)
        python = str(PEERS / "venv" / "bin" / "python")
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *PEER_PACKAGES], check=True)
        mark.write_text(" ".join(PEER_PACKAGES))
    return str(path)


def ask(
    url: str, *, method: str = "GET", data: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    """One request without proxies; its status and body, whatever the status is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, method=method, headers=named)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextmanager
def program(
    command: Sequence[str],
    *,
    log: Path,
    ready: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the context ends; entered once the address `ready` answers."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, ready, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _await(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    end = time.monotonic() + SLOWEST_START
    while True:
        try:
            if ask(ready)[0] < 500:
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{ready} does not answer:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


@contextmanager
def pypiserver(folder: Path, *, with_gunicorn: bool = False) -> Iterator[Server]:
    """pypiserver over a folder of files, as its README starts it, uploads open to all."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = folder / "packages"
    packages.mkdir(exist_ok=True)
    port = free_port()
    if with_gunicorn:
        application = (
            f"pypiserver:app(roots=['{packages}'],password_file='.',authenticate=[],"
            "disable_fallback=True)"
        )
        command = [peer_program("gunicorn"), "-w", "2", "-k", "gthread", "--threads", "40"]
        command += ["-b", f"127.0.0.1:{port}", application]
    else:
        command = [peer_program("pypi-server"), "run", "-p", str(port), "-i", "127.0.0.1"]
        command += ["-a", ".", "-P", ".", "--disable-fallback", str(packages)]
    url = f"http://127.0.0.1:{port}"
    with program(command, log=folder / "log", ready=f"{url}/simple/") as process:
        yield Server(
            "pypiserver under gunicorn" if with_gunicorn else "pypiserver",
            url,
            "/simple/",
            upload="/",
            authorization="Basic " + base64.b64encode(b"any:any").decode(),
            pid=process.pid,
            accepts_json=False,
            folder=packages,
        )


@contextmanager
def devpi(folder: Path) -> Iterator[Server]:
    """devpi-server with one index, which its administrator uploads to; a folder is used again."""
    is_new = not (folder / "data").exists()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url, data = f"http://127.0.0.1:{port}", str(folder / "data")
    if is_new:
        init = [peer_program("devpi-init"), "--serverdir", data, "--root-passwd", DEVPI_PASSWORD]
        subprocess.run(init, check=True, capture_output=True)
    command = [peer_program("devpi-server"), "--serverdir", data, "--port", str(port)]
    with program([*command, "--host", "127.0.0.1"], log=folder / "log", ready=url) as process:
        password = _devpi_login(url)
        pair = base64.b64encode(f"root:{password}".encode()).decode()
        if is_new:
            _devpi_index(url, pair)
        yield Server(
            "devpi-server",
            url,
            "/root/main/+simple/",
            upload="/root/main/",
            authorization=f"Basic {pair}",
            pid=process.pid,
            folder=folder,
        )


def _devpi_index(url: str, pair: str) -> None:
    status, body = ask(
        f"{url}/root/main",
        method="PUT",
        data=json.dumps({"bases": [], "volatile": True}).encode(),
        X_Devpi_Auth=pair,
        Accept="application/json",
    )
    if status not in {200, 201}:
        raise RuntimeError(f"devpi made no index: {body!r}")


def _devpi_login(url: str) -> str:
    """A session's password, which is quicker to check than that of the account."""
    data = json.dumps({"user": "root", "password": DEVPI_PASSWORD}).encode()
    _status, body = ask(f"{url}/+login", method="POST", data=data, Accept="application/json")
    return str(json.loads(body)["result"]["password"])


@contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    """nginx serving files of a folder with one worker for each core: the physical limit."""
    (folder / "www").mkdir(parents=True, exist_ok=True)
    with _nginx(folder, f"root {folder}/www; index index.html;") as (url, pid):
        yield Server("nginx, files", url, "/simple/", pid=pid, folder=folder / "www")


@contextmanager
def nginx_before(site: Server, folder: Path) -> Iterator[Server]:
    """nginx that passes requests on to a site, and sends the files that the site tells it to."""
    folder.mkdir(parents=True, exist_ok=True)
    server = f"""
    location /_files/ {{ internal; alias {site.folder}/files/; }}
    location / {{
      proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host localhost:{site.port}; proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-For $remote_addr;
    }}"""
    upstream = f"upstream site {{ server 127.0.0.1:{site.port}; keepalive 16; }}"
    with _nginx(folder, server, upstream) as (url, pid):
        yield Server("Indexsite, nginx sends", url, "/simple/", pid=pid, behind=site)


@contextmanager
def _nginx(folder: Path, server: str, upstream: str = "") -> Iterator[tuple[str, int]]:
    """nginx with these lines in its configuration; its address and process id."""
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # it reads what only we may read
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""
worker_processes auto; daemon off; pid {folder}/pid; error_log {folder}/log; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ application/vnd.pypi.simple.v1+json json; text/html html; }}
  {upstream}
  server {{ listen 127.0.0.1:{port}; {server} }}
}}
"""
    )
    url = f"http://127.0.0.1:{port}"
    command = ["nginx", "-c", str(configuration)]
    with program(command, log=folder / "out", ready=f"{url}/") as process:
        yield url, process.pid
