"""The settings that people keep for their tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects.models import File
from tests.clients.tools import BIN, Outcome, Sending, run, twine, uv
from tests.support.artifacts import make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of

pytestmark = [pytest.mark.clients, pytest.mark.once]


def sending(site: Site, folder: Path, project: str, token: str, *options: str) -> Sending:
    """A small wheel on its way."""
    (folder / "dist").mkdir(exist_ok=True)
    name, content = make_wheel(project, "1.0")
    (folder / "dist" / name).write_bytes(content)
    return Sending(site.url, "__token__", token, folder, [name], options)


def twine_with_pypirc(what: Sending, text: str, encoding: str = "utf-8") -> Outcome:
    """`twine upload` to the server that a .pypirc calls "here"."""
    (what.folder / ".pypirc").write_text(text, encoding=encoding, newline="")
    return run(
        str(BIN / "twine"),
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "--repository",
        "here",
        *what.paths,
        folder=what.folder,
    )


def pypirc(what: Sending) -> str:
    """Several index servers, one of which is the site."""
    return (
        "[distutils]\nindex-servers =\n    elsewhere\n    here\n\n"
        "[elsewhere]\nrepository = http://localhost:9/legacy/\nusername = x\npassword = y\n\n"
        f"[here]\nrepository = {what.door}\nusername = __token__\npassword = {what.password}\n"
    )


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_twine_finds_the_site_among_several_in_a_pypirc(
    site: Site, alice: Person, tmp_path: Path, line_end: str
) -> None:
    project = f"pypirc-{len(line_end)}"
    what = sending(site, tmp_path, project, token_of(alice, name=project))
    outcome = twine_with_pypirc(what, pypirc(what).replace("\n", line_end))
    assert outcome.is_well, outcome.text
    assert File.objects.filter(project__name=project).count() == 1


def test_twine_does_not_read_a_pypirc_with_a_byte_order_mark(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    what = sending(site, tmp_path, "pypirc-mark", token_of(alice, name="mark"))
    outcome = twine_with_pypirc(what, pypirc(what), encoding="utf-8-sig")
    assert not outcome.is_well
    assert not File.objects.filter(project__name="pypirc-mark").exists()


def test_twine_skips_existing_files_on_pypi_alone_and_need_not_do_so_here(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    token = token_of(alice, name="skip")
    outcome = twine(sending(site, tmp_path, "skip-one", token, "--skip-existing"))
    assert not outcome.is_well
    assert "does not have support for the following features: --skip-existing" in outcome.line
    for _time in range(2):
        assert twine(sending(site, tmp_path, "skip-one", token)).is_well


def test_uv_asks_the_check_url_before_it_sends(site: Site, alice: Person, tmp_path: Path) -> None:
    token, check = token_of(alice, name="check"), ("--check-url", f"{site.url}/simple/")
    assert uv(sending(site, tmp_path, "check-one", token, *check)).is_well
    again = uv(sending(site, tmp_path, "check-one", "wrong", *check))
    assert again.is_well, again.text
    assert "already exists, skipping" in again.line
    name, content = make_wheel("check-one", "1.0", files={"check_one/more.py": "x = 1\n"})
    (tmp_path / "dist" / name).write_bytes(content)
    other = uv(Sending(site.url, "__token__", token, tmp_path, [name], check))
    assert not other.is_well
    assert "do not match" in other.line
