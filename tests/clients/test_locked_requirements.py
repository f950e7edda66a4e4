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
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker

from projects.models import File
from tests.architecture.reading import ROOT
from tests.clients.tools import BIN, Outcome, run
from tests.support.people import make_person
from tests.support.server import Site, StartSite
from tests.support.uploading import name_and_version, token_of
from tests.uploads.test_crashes import send

pytestmark = [pytest.mark.clients, pytest.mark.once, pytest.mark.long, pytest.mark.timeout(3600)]

# In this order: what a former one asks for is not fetched again for a later one
LOCKS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/dev.txt",
    "requirements/pdm.txt",
)
met: set[str] = set()  # beginnings of names, as below
done: set[tuple[str, str]] = set()

# By the beginning of their names: the check that refuses them, and why that is right
REFUSED = {
    # PEP 427 and PEP 625 as they are now: a file name spells the project with underscores, so that
    # two spellings are not two files.
    "backports.tarfile-": "must spell the project name as 'backports_tarfile'",
    "jaraco.classes-": "must spell the project name as 'jaraco_classes'",
    "requests-toolbelt-": "must spell the project name as 'requests_toolbelt'",
    # A field of a later metadata version: tools that know the stated version do not read it.
    "anysqlite-": "license-expression introduced in metadata version 2.4",
    "userpath-": "license-expression introduced in metadata version 2.4",
    # Backports with the names of modules: PyPI has them from before it reserved these names, and a
    # site that hosts such backports sets REFUSE_STANDARD_LIBRARY_NAMES=no.
    "importlib_metadata-": "is that of a module of Python's standard library",
    # Metadata 2.0 was never published (PEP 426 was withdrawn).
    "pymacaroons-0.13.0-py2.py3-none-any.whl": "metadata version '2.0'",
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
    environment |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}  # build backends look there
    try:
        return run(*pip, "-d", str(folder), *words, folder=folder, **environment)
    except subprocess.TimeoutExpired as error:
        return Outcome(False, f"ERROR: not done after {error.timeout:.0f} seconds")


def fetch(folder: Path, kind: str, wanted: list[str]) -> list[Path]:
    """Download with pip what we are locked to; what cannot be fetched is named in a warning."""
    registry = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if kind == "sdists":
        missing = {pin: why for pin in wanted if (why := fetch_sdist(folder, pin, registry))}
        text = "; ".join(f"{pin}: {why}" for pin, why in missing.items())
        if missing:
            warnings.warn(f"{len(missing)} of {len(wanted)} sdists: {text}", stacklevel=1)
    else:
        for at in range(0, len(wanted), 40):
            some = wanted[at : at + 40]
            outcome = pip_download(folder, "--only-binary", ":all:", *some, **registry)
            assert outcome.is_well, outcome.text
        missing = {}
    files = sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])
    assert len(files) == len(wanted) - len(missing)
    return files


def fetch_sdist(folder: Path, pin: str, registry: dict[str, str]) -> str:
    """Download an sdist, whose metadata pip then builds; why it could not, "" if it could.

    Most build backends are installed here; for the others pip makes an environment.
    """
    only = ["--no-binary", pin.partition("==")[0], pin]
    for how in (["--no-build-isolation"], []):
        outcome = pip_download(folder, *how, *only, **registry)
        if outcome.is_well:
            return ""
        if "No matching distribution found" in outcome.text:
            return "pip finds no sdist"
    told = [line for line in outcome.text.splitlines() if line.strip().lower().startswith("error")]
    return (told or ["no word from pip"])[-1].strip()[:200]


def pins(path: Path) -> list[str]:
    """The requirements of a lock file that this Python installs here."""
    lines = re.findall(r"^([a-z0-9._-]+==[^ ;]+)(?: ; (.*?))? \\$", path.read_text(), re.MULTILINE)
    return [pin for pin, marker in lines if not marker or Marker(marker).evaluate()]


def pins_of(lock: str) -> list[str]:
    """What a lock file asks for that no former one does."""
    former = LOCKS[: LOCKS.index(lock)]
    known = {pin for path in former for pin in pins(ROOT / path)}
    return [pin for pin in pins(ROOT / lock) if pin not in known]


def refusal_of(site: Site, token: str, path: Path) -> str:
    """Why an upload is refused; "" if it is not."""
    name, _version = name_and_version(path.name)
    try:
        assert send(site, token, name, (path.name, path.read_bytes())) == 200
    except AssertionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("kind", ["wheels", "sdists"])
def test_what_we_are_locked_to_uploads_and_comes_back_byte_for_byte(
    site: Site, tmp_path: Path, kind: str, lock: str
) -> None:
    wanted = pins_of(lock)
    assert wanted, f"all of {lock} is in the files before it"
    ours, files = tmp_path / "ours", fetch(tmp_path / "theirs", kind, wanted)
    token = token_of(make_person("alice"), name=f"{kind} of {lock}")
    refused = {path.name: why for path in files if (why := refusal_of(site, token, path))}
    for filename, why in refused.items():
        start = next((start for start in REFUSED if filename.startswith(start)), "")
        assert start, f"{filename}: {why}"
        assert REFUSED[start] in why
        met.add(start)
    taken = [path for path in files if path.name not in refused]
    names = ["==".join(name_and_version(path.name)) for path in taken]
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
    done.add((kind, lock))


def test_each_refusal_that_is_listed_was_met() -> None:
    if len(done) < 2 * len(LOCKS):
        pytest.skip("not all was uploaded")
    assert met == {*REFUSED}


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
