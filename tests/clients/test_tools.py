"""The real tools against a running site, and what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from projects.models import File, Project
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token

pytestmark = [pytest.mark.clients, pytest.mark.once]
BIN = Path(sys.executable).parent


def run(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a tool without what the developer's own settings would add."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TWINE_", "UV_", "PIP_", "FLIT_", "PYTHON"))
    }
    clean |= {"HOME": str(folder), "NO_COLOR": "1", "COLUMNS": "500", "TERM": "dumb"} | environment
    return subprocess.run(
        words, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False
    )


def put(folder: Path, artifact: tuple[str, bytes]) -> str:
    """Write an artifact where a tool finds it."""
    name, content = artifact
    (folder / name).write_bytes(content)
    return name


def twine(site: Site, folder: Path, token: str, *files: str) -> subprocess.CompletedProcess[str]:
    """`twine upload`."""
    return run(
        str(BIN / "twine"),
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "--repository-url",
        f"{site.url}/legacy/",
        *files,
        folder=folder,
        TWINE_USERNAME="__token__",
        TWINE_PASSWORD=token,
    )


def uv_publish(
    site: Site, folder: Path, token: str, *files: str
) -> subprocess.CompletedProcess[str]:
    """`uv publish`."""
    return run(
        str(BIN / "uv"),
        "publish",
        "--no-progress",
        "--publish-url",
        f"{site.url}/legacy/",
        "--trusted-publishing",
        "never",
        *files,
        folder=folder,
        UV_PUBLISH_TOKEN=token,
    )


def printed(result: subprocess.CompletedProcess[str]) -> str:
    """Everything on one line."""
    return " ".join((result.stdout + result.stderr).split())


def test_twine_uploads_wheel_and_sdist_and_again(site: Site, alice: Person, tmp_path: Path) -> None:
    files = [put(tmp_path, make_wheel("tw-one", "1.0")), put(tmp_path, make_sdist("tw-one", "1.0"))]
    token = token_of(alice, name="twine")
    for _time in range(2):
        result = twine(site, tmp_path, token, *files)
        assert result.returncode == 0, printed(result)
    assert File.objects.filter(project__name="tw-one").count() == 2


def test_twine_prints_why_a_token_is_refused(site: Site, alice: Person, tmp_path: Path) -> None:
    file = put(tmp_path, make_wheel("tw-two", "1.0"))
    token = token_of(alice, name="revoked soon")
    revoke_token(APIToken.objects.get(name="revoked soon"), reason="test", by=alice.actor)
    result = twine(site, tmp_path, token, file)
    assert result.returncode != 0
    assert "403" in printed(result)
    assert "This API token was revoked on" in printed(result)


def test_twine_prints_that_a_file_exists(site: Site, alice: Person, tmp_path: Path) -> None:
    token = token_of(alice, name="exists")
    twine(site, tmp_path, token, put(tmp_path, make_wheel("tw-three", "1.0")))
    other = make_wheel("tw-three", "1.0", files={"tw_three/more.py": b"x = 1\n"})
    result = twine(site, tmp_path, token, put(tmp_path, other))
    assert "400" in printed(result)
    assert "File already exists (tw_three-1.0-py3-none-any.whl" in printed(result)


def test_twine_with_a_password_is_told_what_to_do(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    file = put(tmp_path, make_wheel("tw-four", "1.0"))
    result = run(
        str(BIN / "twine"),
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "--repository-url",
        f"{site.url}/legacy/",
        file,
        folder=tmp_path,
        TWINE_USERNAME=alice.username,
        TWINE_PASSWORD=alice.password,
    )
    assert "Use the user name __token__ and an API token as the password." in printed(result)


def test_uv_publishes_wheel_and_sdist(site: Site, alice: Person, tmp_path: Path) -> None:
    files = [put(tmp_path, make_wheel("uv-one", "1.0")), put(tmp_path, make_sdist("uv-one", "1.0"))]
    result = uv_publish(site, tmp_path, token_of(alice, name="uv"), *files)
    assert result.returncode == 0, printed(result)
    assert File.objects.filter(project__name="uv-one").count() == 2


def test_uv_prints_why_it_is_refused(
    site: Site, alice: Person, mallory: Person, tmp_path: Path
) -> None:
    file = put(tmp_path, make_wheel("uv-two", "1.0"))
    assert uv_publish(site, tmp_path, token_of(alice, name="uv two"), file).returncode == 0
    second = put(tmp_path, make_wheel("uv-two", "1.1"))
    result = uv_publish(site, tmp_path, token_of(mallory, name="uv two"), second)
    assert "403 Forbidden" in printed(result)
    assert "mallory" in printed(result)
    assert "<html" not in printed(result)


def test_flit_publishes(site: Site, alice: Person, tmp_path: Path) -> None:
    (tmp_path / "flit_one.py").write_text('"""A module."""\n\n__version__ = "1.0"\n')
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "flit-one"\ndynamic = ["version", "description"]\n'
    )
    (tmp_path / ".pypirc").write_text(
        f"[distutils]\nindex-servers = here\n[here]\nrepository = {site.url}/legacy/\n"
        f"username = __token__\npassword = {token_of(alice, name='flit')}\n"
    )
    result = run(
        str(BIN / "flit"),
        "publish",
        "--repository",
        "here",
        folder=tmp_path,
        FLIT_ROOT_INSTALL="1",
    )
    assert result.returncode == 0, printed(result)
    assert File.objects.filter(project__name="flit-one").count() == 2


def make_environment(folder: Path) -> Path:
    """A fresh virtual environment; its interpreter."""
    environment = folder / "environment"
    result = run(
        str(BIN / "uv"), "venv", "--python", sys.executable, str(environment), folder=folder
    )
    assert result.returncode == 0, printed(result)
    return environment / "bin" / "python"


@pytest.mark.parametrize("is_sdist", [False, True])
def test_pip_installs(site: Site, alice: Person, tmp_path: Path, is_sdist: bool) -> None:
    name = f"pip-{'sdist' if is_sdist else 'wheel'}"
    artifact = (make_sdist if is_sdist else make_wheel)(name, "1.0")
    token = token_of(alice, name=name)
    assert twine(site, tmp_path, token, put(tmp_path, artifact)).returncode == 0
    python = make_environment(tmp_path)
    target = tmp_path / "target"
    result = run(
        str(BIN / "python"),
        "-m",
        "pip",
        "install",
        "--isolated",
        "--no-deps",
        "--no-build-isolation",
        "--no-cache-dir",
        "--target",
        str(target),
        "--index-url",
        f"{site.url}/simple/",
        name,
        folder=tmp_path,
    )
    assert result.returncode == 0, printed(result)
    module = name.replace("-", "_")
    found = run(str(python), "-c", f"import {module}", folder=target)
    assert found.returncode == 0, printed(found)


def test_uv_installs(site: Site, alice: Person, tmp_path: Path) -> None:
    token = token_of(alice, name="uv install")
    for version in ("1.0", "1.1"):
        file = put(tmp_path, make_wheel("uv-install", version))
        assert twine(site, tmp_path, token, file).returncode == 0
    python = make_environment(tmp_path)
    result = run(
        str(BIN / "uv"),
        "pip",
        "install",
        "--no-cache",
        "--no-config",
        "--python",
        str(python),
        "--index-url",
        f"{site.url}/simple/",
        "uv-install",
        folder=tmp_path,
    )
    assert result.returncode == 0, printed(result)
    assert "uv-install==1.1" in printed(result)


def test_uv_skips_what_is_there_already(site: Site, alice: Person, tmp_path: Path) -> None:
    token = token_of(alice, name="check url")
    file = put(tmp_path, make_wheel("uv-check", "1.0"))
    assert uv_publish(site, tmp_path, token, file).returncode == 0
    result = run(
        str(BIN / "uv"),
        "publish",
        "--publish-url",
        f"{site.url}/legacy/",
        "--trusted-publishing",
        "never",
        "--check-url",
        f"{site.url}/simple/",
        file,
        folder=tmp_path,
        UV_PUBLISH_TOKEN=token,
    )
    assert result.returncode == 0, printed(result)
    assert "already exists" in printed(result)
    assert Project.objects.get(name="uv-check").files.count() == 1
