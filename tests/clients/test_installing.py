"""pip, uv, poetry and pdm resolve and install from a running site as they do from PyPI."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from audit.actors import command
from projects.models import File, Project
from projects.operations import lifecycle
from projects.operations.publishing import yank_release
from projects.operations.quarantine import quarantine_projects
from tests.clients.test_tools import put, twine
from tests.clients.tools import BIN, Outcome, make_environment, pdm_program, run
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of

pytestmark = [pytest.mark.clients, pytest.mark.once]
APP, LIBRARY = "ins-app", "ins-lib"  # the app needs the library


@pytest.fixture
def shelf(site: Site, alice: Person, tmp_path: Path) -> Site:
    """An app that needs a library, of which one version is yanked and one is a pre-release."""
    if not Project.objects.filter(name=APP).exists():
        needs = f"Requires-Dist: {LIBRARY}>=1.0\n"
        artifacts = [make_wheel(LIBRARY, one) for one in ("1.0", "1.1", "1.2", "2.0rc1")]
        artifacts += [make_sdist(LIBRARY, "1.1"), make_wheel(APP, "1.0", metadata_extra=needs)]
        files = [put(tmp_path, artifact) for artifact in artifacts]
        assert twine(site, tmp_path, token_of(alice, name="shelf"), *files).is_well
        library = Project.objects.get(name=LIBRARY)
        yank_release(library.releases.get(version="1.2"), by=alice.actor, reason="Loses letters.")
        File.objects.filter(release__version="1.1", project=library).update(
            uploaded_at=timezone.now() - timedelta(days=10)
        )
        File.objects.filter(release__version="1.0", project=library).update(
            uploaded_at=timezone.now() - timedelta(days=30)
        )
    return site


def pip(site: Site, folder: Path, *words: str) -> Outcome:
    """`pip … --index-url`, without the cache of others."""
    verb, *rest = words
    return run(
        *(str(BIN / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check", verb),
        *("--no-cache-dir", "--index-url", f"{site.url}/simple/", *rest),
        folder=folder,
    )


def uv(site: Site, folder: Path, *words: str) -> Outcome:
    """`uv … --default-index`."""
    return run(
        *(str(BIN / "uv"), *words, "--no-cache", "--default-index", f"{site.url}/simple/"),
        folder=folder,
    )


def planned(site: Site, folder: Path, *words: str) -> dict[str, str]:
    """What `pip install --dry-run --report` says that it would install."""
    dry = ("install", "--dry-run", "--ignore-installed", "--report", "report.json")
    result = pip(site, folder, *dry, *words)
    assert result.is_well, result.line
    report = json.loads((folder / "report.json").read_text())
    return {one["metadata"]["name"]: one["metadata"]["version"] for one in report["install"]}


def test_pip_resolves_dependencies_and_passes_yanked_ones_by(shelf: Site, tmp_path: Path) -> None:
    assert planned(shelf, tmp_path, APP) == {APP: "1.0", LIBRARY: "1.1"}


def test_pip_reads_the_metadata_instead_of_the_wheel(shelf: Site, tmp_path: Path) -> None:
    result = pip(shelf, tmp_path, "install", "--dry-run", "--ignore-installed", "--verbose", APP)
    assert "ins_app-1.0-py3-none-any.whl.metadata" in result.line


def test_pip_takes_pre_releases_when_it_is_told_to(shelf: Site, tmp_path: Path) -> None:
    assert planned(shelf, tmp_path, "--pre", LIBRARY) == {LIBRARY: "2.0rc1"}


def test_pip_shows_why_a_version_was_yanked(shelf: Site, tmp_path: Path) -> None:
    result = pip(shelf, tmp_path, "install", "--dry-run", f"{LIBRARY}==1.2", "--target", "x")
    assert result.is_well, result.line
    assert "Reason for being yanked: Loses letters." in result.line


def test_pip_downloads_wheels_and_sdists(shelf: Site, tmp_path: Path) -> None:
    result = pip(shelf, tmp_path, "download", "--dest", "wheels", APP)
    assert result.is_well, result.line
    assert sorted(path.name for path in (tmp_path / "wheels").iterdir()) == [
        "ins_app-1.0-py3-none-any.whl",
        "ins_lib-1.1-py3-none-any.whl",
    ]


@pytest.mark.parametrize("is_right", [True, False])
def test_pip_checks_hashes(shelf: Site, tmp_path: Path, is_right: bool) -> None:
    file = File.objects.get(filename="ins_lib-1.0-py3-none-any.whl")
    digest = file.sha256 if is_right else hashlib.sha256(b"other").hexdigest()
    (tmp_path / "requirements.txt").write_text(f"{LIBRARY}==1.0 --hash=sha256:{digest}\n")
    result = pip(
        shelf, tmp_path, "install", "--require-hashes", "-r", "requirements.txt", "--target", "x"
    )
    assert result.is_well == is_right, result.line
    assert is_right or "DO NOT MATCH THE HASHES" in result.line


def test_uv_installs_and_passes_yanked_ones_by(shelf: Site, tmp_path: Path) -> None:
    python = make_environment(tmp_path)
    result = uv(shelf, tmp_path, "pip", "install", "--python", str(python), APP)
    assert result.is_well, result.line
    assert f"{LIBRARY}==1.1" in result.line
    assert run(str(python), "-c", "import ins_app, ins_lib", folder=tmp_path).is_well


@pytest.mark.parametrize(("days", "version"), [(1, "1.1"), (20, "1.0")])
def test_uv_leaves_out_what_is_too_new(
    shelf: Site, tmp_path: Path, days: int, version: str
) -> None:
    moment = (timezone.now() - timedelta(days=days)).isoformat()
    (tmp_path / "requirements.in").write_text(f"{LIBRARY}\n")
    result = uv(shelf, tmp_path, "pip", "compile", "--exclude-newer", moment, "requirements.in")
    assert f"{LIBRARY}=={version}" in result.text, result.line


def write_project(folder: Path, site: Site, table: str = "") -> None:
    """A project that needs the app, from this site alone."""
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "needs-it"\nversion = "0.1"\n'
        f'requires-python = ">=3.11"\ndependencies = ["{APP}"]\n' + table.format(url=site.url)
    )


def test_uv_locks_with_sizes_times_and_hashes(shelf: Site, tmp_path: Path) -> None:
    write_project(tmp_path, shelf, '[[tool.uv.index]]\nurl = "{url}/simple/"\ndefault = true\n')
    result = run(str(BIN / "uv"), "lock", "--no-cache", folder=tmp_path)
    assert result.is_well, result.line
    lock = (tmp_path / "uv.lock").read_text()
    file = File.objects.get(filename="ins_app-1.0-py3-none-any.whl")
    assert f'hash = "sha256:{file.sha256}", size = {file.size}, upload-time = "20' in lock
    assert 'name = "ins-lib"\nversion = "1.1"' in lock


def test_poetry_locks_and_installs(shelf: Site, tmp_path: Path) -> None:
    write_project(
        tmp_path,
        shelf,
        '[[tool.poetry.source]]\nname = "here"\nurl = "{url}/simple/"\npriority = "primary"\n'
        "[tool.poetry]\npackage-mode = false\n",
    )
    environment = {
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "POETRY_KEYRING_ENABLED": "false",
        "POETRY_CACHE_DIR": str(tmp_path / "cache"),
    }
    result = run(
        *(str(BIN / "poetry"), "install", "--no-interaction"), folder=tmp_path, **environment
    )
    assert result.is_well, result.line
    assert "Installing ins-lib (1.1)" in result.line
    _import_both(tmp_path / ".venv" / "bin" / "python", tmp_path)


def test_pdm_locks_and_installs(shelf: Site, tmp_path: Path) -> None:
    write_project(
        tmp_path,
        shelf,
        '[[tool.pdm.source]]\nname = "pypi"\nurl = "{url}/simple/"\nverify_ssl = true\n'
        "[tool.pdm]\ndistribution = false\n",
    )
    python = make_environment(tmp_path)
    environment = {
        "PDM_CACHE_DIR": str(tmp_path / "cache"),
        "PDM_CHECK_UPDATE": "false",
        "PDM_PYTHON": str(python),
    }
    result = run(
        *(
            pdm_program(),
            "install",
            "--no-self",
        ),
        folder=tmp_path,
        **environment,
    )
    assert result.is_well, result.line
    assert 'name = "ins-lib"\nversion = "1.1"' in (tmp_path / "pdm.lock").read_text()
    _import_both(python, tmp_path)


def _import_both(python: Path, folder: Path) -> None:
    found = run(str(python), "-c", "import ins_app, ins_lib", folder=folder)
    assert found.is_well, found.line


def chosen_by_pip(site: Site, folder: Path, name: str) -> str:
    """The version that pip takes, with the cache of its former runs; "" if there is none."""
    result = run(
        *(str(BIN / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check"),
        *("install", "--dry-run", "--ignore-installed", "--report", "report.json"),
        *("--cache-dir", str(folder / "pip"), "--index-url", f"{site.url}/simple/", name),
        folder=folder,
    )
    if not result.is_well:
        assert "No matching distribution" in result.line
        return ""
    (one,) = json.loads((folder / "report.json").read_text())["install"]
    return str(one["metadata"]["version"])


def chosen_by_uv(site: Site, folder: Path, name: str) -> str:
    """The version that uv takes, with the cache of its former runs; "" if there is none."""
    (folder / "requirements.in").write_text(name)
    result = run(
        *(str(BIN / "uv"), "pip", "compile", "--no-config", "--cache-dir", str(folder / "uv")),
        *("--default-index", f"{site.url}/simple/", "requirements.in"),
        folder=folder,
    )
    if not result.is_well:
        assert "No solution found" in result.line
        return ""
    found = re.search(rf"{name}==(\S+)", result.text)
    assert found is not None, result.line
    return found[1]


def _publish(project: Project, by: Person, site: Site, folder: Path) -> None:
    file = put(folder, make_wheel(project.name, "1.2"))
    assert twine(site, folder, token_of(by, name=f"{project.name} again"), file).is_well


def _yank(project: Project, by: Person, *_more: object) -> None:
    yank_release(project.releases.get(version="1.1"), by=by.actor, reason="Loses letters.")


def _quarantine(project: Project, *_more: object) -> None:
    quarantine_projects([project], reason="It mines coins.", by=command("moderate"))


def _delete(project: Project, by: Person, *_more: object) -> None:
    lifecycle.delete_project(project, by=by.actor)


@pytest.mark.parametrize("choose", [chosen_by_pip, chosen_by_uv], ids=["pip", "uv"])
@pytest.mark.parametrize(
    ("act", "version"),
    [(_publish, "1.2"), (_yank, "1.0"), (_quarantine, ""), (_delete, "")],
    ids=["published", "yanked", "quarantined", "deleted"],
)
def test_a_change_holds_from_the_next_request_on_whatever_a_tool_keeps(
    act: Callable[..., None],
    version: str,
    choose: Callable[[Site, Path, str], str],
    site: Site,
    alice: Person,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    name = f"ins-{request.node.callspec.id}"
    files = [put(tmp_path, make_wheel(name, one)) for one in ("1.0", "1.1")]
    assert twine(site, tmp_path, token_of(alice, name=name), *files).is_well
    assert choose(site, tmp_path, name) == "1.1"
    act(Project.objects.get(name=name), alice, site, tmp_path)
    assert choose(site, tmp_path, name) == version
