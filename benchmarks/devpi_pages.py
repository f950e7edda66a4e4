"""Fills a new devpi-server through its own import, as its upload endpoint needs hours for that.

An upload to devpi-server takes the longer the more files its project has: 2,000 of them take more
than an hour. What `devpi-export` writes is a folder with one JSON file and the files that it names;
one of this kind is written here, and imported.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from packaging.utils import parse_wheel_filename

from benchmarks.servers import DEVPI_PASSWORD, peer_program

INDEX = "root/main"
_TIME = "Thu, 01 Jan 2026 00:00:00 GMT"


def fill(folder: Path, wheels: list[Path]) -> None:
    """Make a server in `folder` that has these wheels, for `servers.devpi` to start."""
    export = folder / "export"
    files: list[dict[str, Any]] = []
    projects: dict[str, dict[str, Any]] = {}
    for wheel in wheels:
        name, parsed, _build, _tags = parse_wheel_filename(wheel.name)
        version = str(parsed)
        place = Path(INDEX) / name / version / wheel.name
        (export / place).parent.mkdir(parents=True)
        shutil.copy(wheel, export / place)
        files.append(_file(name, version, str(place), wheel.read_bytes()))
        known = projects.setdefault(name, {})
        known[version] = {"name": name, "version": version, "requires_python": ">=3.9"}
    index = {
        "indexconfig": {"type": "stage", "bases": [], "volatile": True},
        "projects": projects,
        "files": files,
    }
    told = {"dumpversion": "2", "users": {}, "indexes": {INDEX: index}}
    (export / "dataindex.json").write_text(json.dumps(told))
    command = [peer_program("devpi-import"), "--serverdir", str(folder / "data")]
    command += ["--root-passwd", DEVPI_PASSWORD, "--no-root-pypi", str(export)]
    with (folder / "import.log").open("wb") as log:
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=True)
    shutil.rmtree(export)


def _file(name: str, version: str, place: str, content: bytes) -> dict[str, Any]:
    entry = {
        "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        "last_modified": _TIME,
        "project": name,
        "version": version,
    }
    return {
        "type": "releasefile",
        "projectname": name,
        "version": version,
        "relpath": place,
        "entrymapping": entry,
    }
