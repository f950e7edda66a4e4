"""The real tools against a running site, and what they print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from projects.models import File
from tests.clients import tools
from tests.clients.tools import BIN, Outcome, Sending, make_environment, run
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of

pytestmark = [pytest.mark.clients, pytest.mark.once]


def put(folder: Path, artifact: tuple[str, bytes]) -> str:
    """Write an artifact where a tool finds it."""
    name, content = artifact
    (folder / "dist").mkdir(exist_ok=True)
    (folder / "dist" / name).write_bytes(content)
    return name


def twine(site: Site, folder: Path, token: str, *files: str) -> Outcome:
    """`twine upload` with a token."""
    return tools.twine(Sending(site.url, "__token__", token, folder, [*files]))


def uv_publish(site: Site, folder: Path, token: str, *files: str) -> Outcome:
    """`uv publish` with a token."""
    return tools.uv(Sending(site.url, "__token__", token, folder, [*files]))


def test_twine_uploads_wheel_and_sdist_and_again(site: Site, alice: Person, tmp_path: Path) -> None:
    files = [put(tmp_path, make_wheel("tw-one", "1.0")), put(tmp_path, make_sdist("tw-one", "1.0"))]
    token = token_of(alice, name="twine")
    for _time in range(2):
        result = twine(site, tmp_path, token, *files)
        assert result.is_well, result.line
    assert File.objects.filter(project__name="tw-one").count() == 2


def test_uv_publishes_wheel_and_sdist(site: Site, alice: Person, tmp_path: Path) -> None:
    files = [put(tmp_path, make_wheel("uv-one", "1.0")), put(tmp_path, make_sdist("uv-one", "1.0"))]
    result = uv_publish(site, tmp_path, token_of(alice, name="uv"), *files)
    assert result.is_well, result.line
    assert File.objects.filter(project__name="uv-one").count() == 2


def test_twine_says_that_the_slash_is_missing(site: Site, alice: Person, tmp_path: Path) -> None:
    file = put(tmp_path, make_wheel("slash-twine", "1.0"))
    token = token_of(alice, name="slash twine")
    sending = Sending(site.url, "__token__", token, tmp_path, [file], path="/legacy")
    result = tools.twine(sending)
    assert not result.is_well
    assert f"{site.url}/legacy attempted to redirect to {site.url}/legacy/." in result.line
    assert "Your repository URL is missing a trailing slash" in result.line


def test_uv_finds_the_address_with_its_slash_by_itself(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    file = put(tmp_path, make_wheel("slash-uv", "1.0"))
    token = token_of(alice, name="slash uv")
    result = tools.uv(Sending(site.url, "__token__", token, tmp_path, [file], path="/legacy"))
    assert result.is_well, result.line
    assert File.objects.filter(project__name="slash-uv").count() == 1


@pytest.mark.parametrize("tool", [tools.twine, tools.uv], ids=["twine", "uv"])
def test_the_old_upload_address_names_the_one_of_today(
    site: Site, alice: Person, tmp_path: Path, tool: Callable[[Sending], Outcome]
) -> None:
    file = put(tmp_path, make_wheel("old-address", "1.0"))
    token = token_of(alice, name=f"old address {tool.__name__}")
    result = tool(Sending(site.url, "__token__", token, tmp_path, [file], path="/pypi"))
    assert not result.is_well
    assert f"the upload address is {site.url}/legacy/" in result.line
    assert "410" in result.line


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
    assert result.is_well, result.line
    assert File.objects.filter(project__name="flit-one").count() == 2


@pytest.mark.parametrize("is_sdist", [False, True])
def test_pip_installs(site: Site, alice: Person, tmp_path: Path, is_sdist: bool) -> None:
    name = f"pip-{'sdist' if is_sdist else 'wheel'}"
    artifact = (make_sdist if is_sdist else make_wheel)(name, "1.0")
    token = token_of(alice, name=name)
    assert twine(site, tmp_path, token, put(tmp_path, artifact)).is_well
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
    assert result.is_well, result.line
    module = name.replace("-", "_")
    found = run(str(python), "-c", f"import {module}", folder=target)
    assert found.is_well, found.line


def test_uv_installs(site: Site, alice: Person, tmp_path: Path) -> None:
    token = token_of(alice, name="uv install")
    for version in ("1.0", "1.1"):
        file = put(tmp_path, make_wheel("uv-install", version))
        assert twine(site, tmp_path, token, file).is_well
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
    assert result.is_well, result.line
    assert "uv-install==1.1" in result.line
