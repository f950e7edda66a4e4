"""The world's own wheels and sdists: all that we are locked to, uploaded and fetched again.

Those that are refused are refused by PyPI today as well; they were uploaded there before its rules
came.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from projects.models import File
from tests.architecture.reading import ROOT
from tests.clients.tools import BIN, Outcome, run
from tests.support.people import make_person
from tests.support.server import Site, StartSite
from tests.support.uploading import token_of
from tests.uploads.test_crashes import send

pytestmark = [pytest.mark.clients, pytest.mark.once, pytest.mark.long, pytest.mark.timeout(3600)]

# By the beginning of their names: the check that refuses them, and why that is right
REFUSED = {
    # PEP 427 and PEP 625 as they are now: a file name spells the project with underscores, so that
    # two spellings are not two files.
    "backports.tarfile-": "must spell the project name as 'backports_tarfile'",
    "jaraco.classes-": "must spell the project name as 'jaraco_classes'",
    # A field of a later metadata version: tools that know the stated version do not read it.
    "anysqlite-": "license-expression introduced in metadata version 2.4",
    "userpath-": "license-expression introduced in metadata version 2.4",
    # Backports with the names of modules: PyPI has them from before it reserved these names, and a
    # site that hosts such backports sets REFUSE_STANDARD_LIBRARY_NAMES=no.
    "importlib_metadata-": "is that of a module of Python's standard library",
    # Metadata 2.0 was never published (PEP 426 was withdrawn).
    "pymacaroons-0.13.0-py2.py3-none-any.whl": "metadata version '2.0'",
    # A description that cannot be rendered as what it says, or does not say, it is.
    "pymacaroons-0.13.0.tar.gz": "no valid reStructuredText",
}


@pytest.fixture(scope="module")
def site(start_site: StartSite, django_db_blocker: Any) -> Iterator[Site]:
    """A site on which one person may create many projects."""
    environment = {"NEW_PROJECTS_PER_USER": "5000", "NEW_PROJECTS_PER_ADDRESS": "5000"}
    with (
        start_site(environment=environment) as running,
        django_db_blocker.unblock(),
        running.database.as_default(),
    ):
        yield running


def pip_download(folder: Path, *words: str, **environment: str) -> Outcome:
    """`pip download` without dependencies."""
    folder.mkdir(exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "-q"]
    return run(*pip, "-d", str(folder), *words, folder=folder, **environment)


def fetch(folder: Path, kind: str) -> list[Path]:
    """Download with pip what we are locked to."""
    registry = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if kind == "wheels":
        wanted = pins(ROOT / "requirements/dev.txt")
        outcome = pip_download(folder, "--only-binary", ":all:", *wanted, **registry)
        assert outcome.is_well, outcome.text
    else:
        for pin in pins(ROOT / "requirements.txt"):  # some have none, or need a compiler
            with suppress(subprocess.TimeoutExpired):
                pip_download(folder, "--no-binary", ":all:", pin, **registry)
    return sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])


def pins(path: Path) -> list[str]:
    """The requirements of a lock file that this Python installs here."""
    lines = re.findall(r"^([a-z0-9._-]+==[^ ;]+)(?: ; (.*?))? \\$", path.read_text(), re.MULTILINE)
    return [pin for pin, marker in lines if not marker or Marker(marker).evaluate()]


def version_of(path: Path) -> str:
    """As a file name spells it."""
    return path.name.removesuffix(".tar.gz").split("-")[1]


def refusal_of(site: Site, token: str, path: Path) -> str:
    """Why an upload is refused; "" if it is not."""
    name = path.name.removesuffix(".tar.gz").split("-")[0]
    try:
        assert send(site, token, name, (path.name, path.read_bytes())) == 200
    except AssertionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", ["wheels", "sdists"])
def test_what_we_are_locked_to_uploads_and_comes_back_byte_for_byte(
    site: Site, tmp_path: Path, kind: str
) -> None:
    ours, files = tmp_path / "ours", fetch(tmp_path / "theirs", kind)
    assert len(files) > 15
    token = token_of(make_person("alice"), name=kind)
    refused = {path.name: why for path in files if (why := refusal_of(site, token, path))}
    for filename, why in refused.items():
        wanted = [text for start, text in REFUSED.items() if filename.startswith(start)]
        assert wanted, f"{filename}: {why}"
        assert wanted[0] in why
    taken = [path for path in files if path.name not in refused]
    names = [f"{path.name.split('-')[0]}=={version_of(path)}" for path in taken]
    index = ["--index-url", f"{site.url}/simple/"]
    if kind == "wheels":
        outcome = pip_download(ours, *index, *names, PIP_CONFIG_FILE=os.devnull)
        assert outcome.is_well, outcome.text
        fetched = {path.name: path.read_bytes() for path in ours.glob("*.whl")}
        install(tmp_path / "target", index, names)
    else:  # pip would build their metadata
        fetched = {path.name: content_of(site, path.name) for path in taken}
    for path in taken:
        assert fetched[path.name] == path.read_bytes()


def content_of(site: Site, filename: str) -> bytes:
    """A file as the site sends it."""
    address = File.objects.get(filename=filename).url.replace("http://localhost:8000", site.url)
    with urllib.request.urlopen(address, timeout=60) as answer:
        return bytes(answer.read())


def install(target: Path, index: list[str], names: list[str]) -> None:
    """Install all of them with uv."""
    target.mkdir()
    uv = [str(BIN / "uv"), "pip", "install", "--no-deps", "--no-cache", "--no-config"]
    words = [*uv, "--python", sys.executable, "--target", str(target), *index, *names]
    outcome = run(*words, folder=target)
    assert outcome.is_well, outcome.text
