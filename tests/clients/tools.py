"""The real upload tools, each with what it needs to send files to a site, and what it prints."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

BIN = Path(sys.executable).parent
PDM_LOCK = Path(__file__).resolve().parents[2] / "requirements" / "pdm.txt"
_FOREIGN = (
    "TWINE_",
    "UV_",
    "PIP_",
    "FLIT_",
    "HATCH_",
    "MATURIN_",
    "PDM_",
    "POETRY_",
    "PYTHON",
    "VIRTUAL_ENV",
)


@dataclass
class Sending:
    """One attempt to send files.

    Attributes:
        url: the address of the site.
        username: for the upload.
        password: for the upload.
        folder: where the tool runs, with the files in `dist`.
        files: their names.
        options: further words of the command.
        path: of the upload address.
    """

    url: str
    username: str
    password: str
    folder: Path
    files: list[str]
    options: tuple[str, ...] = field(default=())
    path: str = "/legacy/"

    @property
    def door(self) -> str:
        """The upload address."""
        return f"{self.url}{self.path}"

    @property
    def paths(self) -> list[str]:
        """The files, as words of a command."""
        return [f"dist/{name}" for name in self.files]


@dataclass(frozen=True)
class Outcome:
    """What a tool printed, and whether it was content."""

    is_well: bool
    text: str

    @property
    def line(self) -> str:
        """Everything on one line."""
        return " ".join(self.text.split())


def run(*words: str, folder: Path, **environment: str) -> Outcome:
    """Run a tool without what the developer's own settings would add."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    clean |= {"HOME": str(folder), "NO_COLOR": "1", "COLUMNS": "500", "TERM": "dumb"} | environment
    result = subprocess.run(
        words, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False
    )
    return Outcome(result.returncode == 0, result.stdout + result.stderr)


def twine(sending: Sending) -> Outcome:
    """`twine upload`, with its credentials from the environment."""
    return run(
        str(BIN / "twine"),
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "--repository-url",
        sending.door,
        *sending.options,
        *sending.paths,
        folder=sending.folder,
        TWINE_USERNAME=sending.username,
        TWINE_PASSWORD=sending.password,
    )


def uv(sending: Sending) -> Outcome:
    """`uv publish`."""
    return run(
        str(BIN / "uv"),
        "publish",
        "--no-progress",
        "--publish-url",
        sending.door,
        "--trusted-publishing",
        "never",
        *sending.options,
        *sending.paths,
        folder=sending.folder,
        UV_PUBLISH_USERNAME=sending.username,
        UV_PUBLISH_PASSWORD=sending.password,
    )


def hatch(sending: Sending) -> Outcome:
    """`hatch publish`."""
    return run(
        str(BIN / "hatch"),
        "publish",
        "--no-prompt",
        "--repo",
        sending.door,
        "--user",
        sending.username,
        "--auth",
        sending.password,
        *sending.options,
        *sending.paths,
        folder=sending.folder,
    )


def poetry(sending: Sending) -> Outcome:
    """`poetry publish` of files that were built already."""
    _describe_for_poetry(sending)
    return run(
        str(BIN / "poetry"),
        "publish",
        "--no-interaction",
        "--repository",
        "here",
        *sending.options,
        folder=sending.folder,
        POETRY_REPOSITORIES_HERE_URL=sending.door,
        POETRY_HTTP_BASIC_HERE_USERNAME=sending.username,
        POETRY_HTTP_BASIC_HERE_PASSWORD=sending.password,
        POETRY_KEYRING_ENABLED="false",
    )


def _describe_for_poetry(sending: Sending) -> None:
    name, version = sending.files[0].removesuffix(".tar.gz").split("-")[:2]
    (sending.folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\n[tool.poetry]\n'
        f'packages = [{{include = "{name}"}}]\n'
    )


def make_environment(folder: Path) -> Path:
    """A fresh virtual environment; its interpreter."""
    environment = folder / "environment"
    words = ("venv", "--python", sys.executable, str(environment))
    result = run(str(BIN / "uv"), *words, folder=folder)
    assert result.is_well, result.line
    return environment / "bin" / "python"


@cache
def pdm_program() -> str:
    """pdm in an environment of its own: what it needs does not go together with what we need."""
    folder = Path(tempfile.mkdtemp(prefix="indexsite-pdm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    python = make_environment(folder)
    words = ("pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r")
    result = run(str(BIN / "uv"), *words, str(PDM_LOCK), folder=folder)
    assert result.is_well, result.line
    return str(python.parent / "pdm")


def pdm(sending: Sending) -> Outcome:
    """`pdm publish` of files that were built already; credentials from the environment."""
    name, version = sending.files[0].split("-")[:2]
    (sending.folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\nrequires-python = ">=3.9"\n'
    )
    return run(
        pdm_program(),
        "publish",
        "--no-build",
        *sending.options,
        folder=sending.folder,
        PDM_CHECK_UPDATE="false",
        PDM_USE_VENV="false",
        PDM_PUBLISH_REPO=sending.door,
        PDM_PUBLISH_USERNAME=sending.username,
        PDM_PUBLISH_PASSWORD=sending.password,
    )


def maturin(sending: Sending) -> Outcome:
    """`maturin upload`, with its credentials from the environment."""
    return run(
        str(BIN / "maturin"),
        "upload",
        "--non-interactive",
        *sending.options,
        *sending.paths,
        folder=sending.folder,
        MATURIN_REPOSITORY_URL=sending.door,
        MATURIN_USERNAME=sending.username,
        MATURIN_PASSWORD=sending.password,
    )


def flit(sending: Sending) -> Outcome:
    """`flit publish` of a module that it builds itself; credentials from the environment."""
    name, version = sending.files[0].split("-")[:2]
    (sending.folder / f"{name}.py").write_text(f'"""A module."""\n\n__version__ = "{version}"\n')
    (sending.folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        f'[project]\nname = "{name}"\ndynamic = ["version", "description"]\n'
    )
    shutil.rmtree(sending.folder / "dist", ignore_errors=True)
    return run(
        str(BIN / "flit"),
        "publish",
        "--format",
        "wheel",
        *sending.options,
        folder=sending.folder,
        FLIT_ROOT_INSTALL="1",
        FLIT_INDEX_URL=sending.door,
        FLIT_USERNAME=sending.username,
        FLIT_PASSWORD=sending.password,
    )


def distutils(sending: Sending) -> Outcome:
    """`setup.py sdist upload` with the distutils that Python 3.11 still has."""
    name, version = sending.files[0].removesuffix(".tar.gz").split("-")[:2]
    (sending.folder / f"{name}.py").write_text("")
    (sending.folder / "setup.py").write_text(
        "from distutils.core import setup\n"
        f"setup(name={name!r}, version={version!r}, py_modules=[{name!r}], author='A',\n"
        "      author_email='a@example.org', url='https://example.org', description='x')\n"
    )
    (sending.folder / ".pypirc").write_text(
        f"[distutils]\nindex-servers =\n    here\n\n[here]\nrepository = {sending.door}\n"
        f"username = {sending.username}\npassword = {sending.password}\n"
    )
    return run(
        sys.executable,
        "-W",
        "ignore",
        "setup.py",
        "sdist",
        "upload",
        "-r",
        "here",
        folder=sending.folder,
        SETUPTOOLS_USE_DISTUTILS="stdlib",
    )


TOOLS: dict[str, Callable[[Sending], Outcome]] = {
    "twine": twine,
    "uv": uv,
    "hatch": hatch,
    "poetry": poetry,
    "pdm": pdm,
    "maturin": maturin,
    "flit": flit,
}
if sys.version_info < (3, 12):
    TOOLS["setup.py upload"] = distutils
