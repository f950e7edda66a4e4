"""The one command: what somebody sees who types `make run` on a machine where something is wrong,
and that start and stop keep what they promise."""

from __future__ import annotations

import ast
import http.client
import importlib.machinery
import importlib.util
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = ROOT / "run"
OWN = ("PORT", "HOST", "SITE_URL", "SECRET_KEY", "SECRET_KEY_FILE", "DATABASE_URL", "EMAIL_URL")
OLD_PYTHONS = ("python3.6", "python3.7", "python3.8", "python3.9", "python3.10")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has set nothing but where data and packages are."""
    own = (*OWN, "MIGRATE_DATABASE_URL", "DJANGO_SETTINGS_MODULE", "WEB_WORKERS", "WEB_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {**kept, "INDEXSITE_DATA": str(tmp_path / "data"), "INDEXSITE_VENV": sys.prefix}


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start(environment: dict[str, str], *arguments: str, python: str = sys.executable) -> str:
    """Run `./run` where it must fail. Returns what it said, which is one line at most."""
    done = subprocess.run(
        [python, str(RUN), *arguments], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def load_run() -> ModuleType:
    """The script as a module, for what cannot be seen from outside."""
    loader = importlib.machinery.SourceFileLoader("indexsite_run", str(RUN))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


# What can be wrong before anything was started


def test_an_occupied_port_is_named_together_with_a_way_out(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = start({**environment, "PORT": str(port)})
    assert f"Port {port} is in use; stop the other program or choose another with PORT=" in said
    assert not Path(environment["INDEXSITE_DATA"]).exists()


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "80.5", "²"])
def test_a_port_that_is_no_port_is_refused(environment: dict[str, str], port: str) -> None:
    said = start({**environment, "PORT": port})
    assert said == f"PORT must be a whole number from 1 to 65535, not {port!r}.\n"


def test_a_host_that_is_not_of_this_machine_is_refused(environment: dict[str, str]) -> None:
    said = start({**environment, "HOST": "192.0.2.1", "PORT": "8000"})
    assert said == "HOST=192.0.2.1 is no network address of this machine.\n"


def test_a_data_folder_that_cannot_be_made_is_named(
    environment: dict[str, str], tmp_path: Path, port: int
) -> None:
    (tmp_path / "file").write_text("")
    data = tmp_path / "file" / "data"
    said = start({**environment, "INDEXSITE_DATA": str(data), "PORT": str(port)})
    assert f"The data folder {data} cannot be used: " in said
    assert "INDEXSITE_DATA=" in said


def test_a_data_folder_that_is_a_file_is_named(
    environment: dict[str, str], tmp_path: Path, port: int
) -> None:
    (tmp_path / "data").write_text("")
    said = start({**environment, "PORT": str(port)})
    assert f"The data folder {tmp_path / 'data'} cannot be used: " in said


def test_a_secret_key_that_others_can_read_is_refused(
    environment: dict[str, str], tmp_path: Path, port: int
) -> None:
    key = tmp_path / "data" / "secret-key"
    key.parent.mkdir()
    key.write_text("a key")
    key.chmod(0o640)
    said = start({**environment, "PORT": str(port)})
    assert "can be read by other users of this machine" in said
    assert f"chmod 600 {key}" in said


def test_an_empty_secret_key_is_refused(
    environment: dict[str, str], tmp_path: Path, port: int
) -> None:
    key = tmp_path / "data" / "secret-key"
    key.parent.mkdir()
    key.touch(mode=0o600)
    assert f"The secret key {key} is empty" in start({**environment, "PORT": str(port)})


def test_a_role_for_migrations_needs_a_database_of_the_server(
    environment: dict[str, str], port: int
) -> None:
    url = "postgresql://owner@db.example.org/index"
    said = start({**environment, "PORT": str(port), "MIGRATE_DATABASE_URL": url})
    assert said == "MIGRATE_DATABASE_URL is set and DATABASE_URL is not; set both or neither.\n"


def test_an_unknown_command_is_refused(environment: dict[str, str]) -> None:
    assert start(environment, "isntall").startswith("./run does not know 'isntall'")


# Python and its virtual environment


def test_the_script_parses_on_an_old_python() -> None:
    ast.parse(RUN.read_text(), feature_version=(3, 6))


def test_an_old_python_is_told_so(environment: dict[str, str]) -> None:
    for name in OLD_PYTHONS:
        path = shutil.which(name)
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            break
    else:
        pytest.skip("no Python before 3.11 is installed here")
    said = start(environment, python=path)
    assert said.startswith("Indexsite needs Python 3.11, 3.12 or 3.13, and this is Python 3.")


def test_a_python_without_ensurepip_is_told_which_package_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # A real Python whose standard library lacks the one module, as on a bare Debian.
    standard = Path(sysconfig.get_path("stdlib"))
    library = tmp_path / "usr" / "lib" / standard.name
    library.mkdir(parents=True)
    for part in standard.iterdir():
        if part.name != "ensurepip":
            (library / part.name).symlink_to(part)
    python = tmp_path / "usr" / "bin" / "python3"
    python.parent.mkdir()
    shutil.copy(os.path.realpath(sys.executable), python)
    bare = {**environment, "INDEXSITE_VENV": str(tmp_path / "venv"), "PYTHONPATH": ""}
    # The line before the refusal goes to standard output, so that the refusal stands alone.
    said = start(bare, "install", python=str(python))
    assert "its module ensurepip is missing" in said
    assert "apt install python3-venv" in said
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_is_no_virtual_environment_is_left_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-mother").write_text("Dear")
    said = start({**environment, "INDEXSITE_VENV": str(tmp_path / "letters")}, "install")
    assert "is not a virtual environment" in said
    assert (tmp_path / "letters" / "to-mother").read_text() == "Dear"


def test_a_virtual_environment_whose_python_is_gone_is_made_anew(tmp_path: Path) -> None:
    run = load_run()
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text("home = /nowhere\n")
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to("/nowhere/python3")
    state = run.prepare_venv(venv)
    assert state[0] == ".".join(map(str, sys.version_info[:3]))
    assert "pip" in state


def test_a_changed_lock_file_or_python_asks_for_a_new_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = load_run()
    lock = tmp_path / "requirements.txt"
    lock.write_text("one")
    monkeypatch.setitem(run.LOCKS, "runtime", lock)
    first = run.fingerprint("runtime", "3.11.7")
    assert run.fingerprint("runtime", "3.11.7") == first
    assert run.fingerprint("runtime", "3.12.1") != first
    lock.write_text("two")
    assert run.fingerprint("runtime", "3.11.7") != first


# Secrets and roles


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    run = load_run()
    umask = os.umask(0)
    try:
        key = run.secret_key_file(tmp_path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_text()
    assert len(first.strip()) >= 64
    assert run.secret_key_file(tmp_path).read_text() == first


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    run = load_run()
    umask = os.umask(0)
    try:
        run.prepare_data(tmp_path / "deep" / "data")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_the_server_does_not_learn_the_credential_of_migrations() -> None:
    own = {"DATABASE_URL": "postgresql://app@/x", "DATABASE_PASSWORD": "app", "PATH": "/bin"}
    whole = {**own, "MIGRATE_DATABASE_URL": "postgresql://owner@/x"}
    server, migration = load_run().split_environment(whole)
    assert server == own
    assert migration == {
        "DATABASE_URL": "postgresql://owner@/x",
        "APPLICATION_DATABASE_URL": "postgresql://app@/x",
        "PATH": "/bin",
    }


def test_a_database_that_does_not_answer_is_named_without_a_traceback(
    environment: dict[str, str], tmp_path: Path, port: int
) -> None:
    url = f"sqlite:///{tmp_path / 'nowhere' / 'db.sqlite3'}"
    said = start({**environment, "PORT": str(port), "DATABASE_URL": url})
    assert said.startswith("Indexsite could not be prepared: ")
    assert "unable to open database file" in said


# The whole


def wait_for(process: subprocess.Popen[str], line: str) -> str:
    """Read what the process prints until a line that starts so; returns all of it."""
    assert process.stdout is not None
    read: list[str] = []
    for text in process.stdout:
        read.append(text)
        if text.startswith(line):
            return "".join(read)
    raise AssertionError(f"ended with {process.wait()} after: {read}")


def wait_for_worker(children: list[int]) -> int:
    """Which of these is the worker: the web server may be ready before it has begun."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for child in children:
            if Path(f"/proc/{child}/comm").read_text().strip() == "site worker":
                return child
        time.sleep(0.05)
    raise AssertionError("there is no worker")


def status_of(port: int, path: str = "/_health/") -> int:
    """What a page of a server on this machine answers."""
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    connection.request("GET", path)
    return int(connection.getresponse().status)


def children_of(process: int) -> list[int]:
    """The numbers of the processes that a process has started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


@pytest.fixture
def site(environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    """A whole Indexsite, as `make run` starts it."""
    process = subprocess.Popen(
        [sys.executable, str(RUN)],
        env={**environment, "PORT": str(port), "WEB_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_site_answers_when_it_says_so_and_a_signal_stops_all_of_it(
    site: subprocess.Popen[str], port: int, tmp_path: Path, number: signal.Signals
) -> None:
    said = wait_for(site, "Ready after ")
    assert f"Indexsite is at http://localhost:{port} " in said
    assert f"Set-up link: {tmp_path / 'data' / 'setup-link.txt'}" in said
    assert status_of(port) == 200
    assert stat.S_IMODE((tmp_path / "data" / "db.sqlite3").stat().st_mode) == 0o600
    children = children_of(site.pid)
    assert len(children) == 2
    wait_for_worker(children)  # it has its name and its session once it begins
    assert [os.getsid(child) for child in children] == children  # a Ctrl-C skips them
    site.send_signal(number)
    assert site.wait(timeout=60) == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_whoever_has_the_server_gets_a_link_for_one_more_administrator(
    site: subprocess.Popen[str], environment: dict[str, str], port: int
) -> None:
    wait_for(site, "Ready after ")
    links = []
    for _time in range(2):
        done = subprocess.run(
            [sys.executable, str(RUN), "setup-link"],
            env={**environment, "PORT": str(port)},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        links += re.findall(rf"http://localhost:{port}(/account/set-up/\?link=\S+)", done.stdout)
    assert [status_of(port, link) for link in links] == [403, 200]  # each ends the one before


def test_the_site_stops_with_code_1_when_its_worker_dies(site: subprocess.Popen[str]) -> None:
    wait_for(site, "Ready after ")
    children = children_of(site.pid)
    worker = wait_for_worker(children)
    os.kill(worker, signal.SIGKILL)
    said, _ = site.communicate(timeout=60)
    assert "The worker ended by itself (by signal 9), so Indexsite was stopped." in said
    assert site.returncode == 1
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
