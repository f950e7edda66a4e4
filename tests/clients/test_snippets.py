"""What the page of a new API token offers to copy, used just as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.conf import settings
from django.test import Client

from projects.models import File
from tests.clients.test_tools import put
from tests.clients.tools import BIN, Outcome, run
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import make_person, sign_in
from tests.support.server import ROOT, Site

pytestmark = [pytest.mark.clients, pytest.mark.once]
PYPIRC = "Your own computer: ~/.pypirc"
SHELLS = "Environment variables, and what shells do to them"
EXPORT = re.compile(r"export [A-Z_]+=\S+")


class Reader(HTMLParser):
    """Reads the texts to copy, by the headings that they stand under."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._heading = ""
        self._is_in_box = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"summary", "code", "h1", "h2"}:
            self._path.append(tag)
        if tag in {"summary", "h1", "h2"}:
            self._heading = ""
        if tag == "div" and "copy" in (dict(attrs).get("class") or "").split():
            self.found.setdefault(self._heading, []).append("")
            self._is_in_box = True

    def handle_endtag(self, tag: str) -> None:
        if self._path and self._path[-1] == tag:
            self._path.pop()
        if tag == "div":  # no box has one inside
            self._is_in_box = False

    def handle_data(self, data: str) -> None:
        inside = self._path[-1] if self._path else ""
        if inside in {"summary", "h1", "h2"}:
            self._heading += data
        elif inside == "code" and self._is_in_box:
            self.found[self._heading][-1] += data


@dataclass
class Page:
    """The page of a new token, as its owner reads it.

    Attributes:
        site: where it is of use.
        text: the token.
        snippets: what can be copied, by heading; where the page says "the token", the token.
        project: a name that no other test uses, in the spelling of a module.
        folder: where the tools run, with the release in `dist`.
    """

    site: Site
    text: str
    snippets: dict[str, list[str]]
    folder: Path
    project: str = field(default_factory=lambda: f"snippet_{uuid4().hex[:8]}")

    def build(self) -> None:
        """Put a wheel and an sdist where every tool looks for them."""
        for artifact in (make_wheel(self.project, "1.0"), make_sdist(self.project, "1.0")):
            put(self.folder, artifact)

    def shell(self, script: str, **environment: str) -> Outcome:
        """Run lines in a shell that finds the tools."""
        path = f"{BIN}:/usr/bin:/bin"
        return run("sh", "-euc", script, folder=self.folder, PATH=path, **environment)

    def exports(self, heading: str) -> str:
        """The lines below a heading that set variables, as they are pasted into a shell."""
        lines = self.snippets[heading][0]
        assert all(EXPORT.fullmatch(line) for line in lines.splitlines())
        assert self.text in lines
        return lines

    def require_only_for(self, name: str, narrow: str) -> None:
        """Fail unless a token uploads to this project and to no other."""
        assert narrow.startswith("pypi-")
        assert narrow != self.text
        self.build()
        door = f"--repository-url {self.site.url}/legacy/"
        variables = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": narrow}
        result = self.shell(f"twine upload {door} dist/*", **variables)
        assert result.is_well, result.line
        self.project = f"other_{self.project}"
        self.build()
        refused = self.shell(f"twine upload {door} dist/other*", **variables)
        assert f"this token is only for project '{name}'" in refused.line

    def published(self) -> list[str]:
        """The kinds of file that arrived."""
        files = File.objects.filter(project__normalized_name=self.project.replace("_", "-"))
        return sorted(file.filename.rpartition(".")[2] for file in files)


@pytest.fixture(scope="module")
def made(module_site: Site, django_db_blocker: Any) -> tuple[str, dict[str, list[str]]]:
    """One token, made with the form, and what its page shows; both serve all tests here."""
    form = {
        "name": "release job",
        "scope": "account",
        "actions": ["upload", "create"],
        "expiry": "90",
        "confirm": "1",
    }
    with (
        django_db_blocker.unblock(),
        module_site.database.as_default(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(settings, "SITE_URL", module_site.url)
        client = Client(SERVER_NAME="localhost")
        sign_in(client, make_person("alice"))
        page = client.post("/account/tokens/make/", form).content.decode()
    reader = Reader()
    reader.feed(page)
    text = reader.found["Your new API token"][0]
    assert text.startswith("pypi-")
    return text, {
        heading: [one.replace("the token", text) for one in texts]
        for heading, texts in reader.found.items()
    }


@pytest.fixture
def page(site: Site, made: tuple[str, dict[str, list[str]]], tmp_path: Path) -> Page:
    return Page(site, *made, folder=tmp_path)


@pytest.mark.parametrize("tool", ["twine", "flit"])
def test_the_file_that_tools_read(page: Page, tool: str) -> None:
    file, *commands = page.snippets[PYPIRC]
    (page.folder / ".pypirc").write_text(file)
    _prepare(tool, page)
    (command,) = [line for line in commands if line.startswith(tool)]
    result = page.shell(command)
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


def test_the_line_for_linux_and_macos(page: Page) -> None:
    page.build()
    line = page.exports(SHELLS)
    door = f"--repository-url {page.site.url}/legacy/"
    result = page.shell(f"{line}\ntwine upload --username __token__ {door} dist/*")
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


def test_the_lines_for_windows_set_the_token_and_nothing_more(page: Page) -> None:
    _line, powershell, cmd = page.snippets[SHELLS]
    assert powershell == f"$env:TWINE_PASSWORD = '{page.text}'"
    assert cmd == f"set TWINE_PASSWORD={page.text}"  # cmd keeps quotation marks, and spaces


def _describe_for_flit(page: Page) -> None:
    (page.folder / f"{page.project}.py").write_text('"""A module."""\n\n__version__ = "1.0"\n')
    (page.folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        f'[project]\nname = "{page.project}"\ndynamic = ["version", "description"]\n'
    )


def _describe_for_poetry(page: Page) -> None:
    (page.folder / f"{page.project}.py").write_text("")
    (page.folder / "pyproject.toml").write_text(
        f'[project]\nname = "{page.project}"\nversion = "1.0"\ndescription = "x"\n'
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )


def _describe_for_uv(page: Page) -> None:
    page.build()
    (index,) = [text for text in page.snippets["uv"] if text.startswith("[[")]
    (page.folder / "pyproject.toml").write_text(
        f'[project]\nname = "{page.project}"\nversion = "1.0"\n{index}\n'
    )
    page.snippets = page.snippets | {"uv": [one for one in page.snippets["uv"] if one != index]}


_DESCRIBE: dict[str, Callable[[Page], None]] = {
    "flit": _describe_for_flit,
    "Poetry": _describe_for_poetry,
    "uv": _describe_for_uv,
}


def _prepare(tool: str, page: Page) -> None:
    """What the tool wants to find before it publishes."""
    _DESCRIBE.get(tool, Page.build)(page)


@pytest.mark.parametrize("tool", ["twine", "uv", "flit", "Poetry", "Hatch"])
def test_variables_and_a_command(page: Page, tool: str) -> None:
    _prepare(tool, page)
    variables, command = page.exports(tool), page.snippets[tool][1]
    assert page.text not in command
    # These tools look for other places of secrets, and for packages to build with, elsewhere.
    apart = {"POETRY_KEYRING_ENABLED": "false", "FLIT_ROOT_INSTALL": "1"}
    result = page.shell(f"{variables}\n{command}", **apart)
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


@pytest.mark.parametrize("tool", ["twine", "uv"])
def test_an_invisible_end_of_a_line_does_no_harm(page: Page, tool: str) -> None:
    _prepare(tool, page)
    page.snippets = page.snippets | {
        tool: [text.replace(page.text, f"{page.text}\r") for text in page.snippets[tool]]
    }
    result = page.shell("\n".join(page.snippets[tool]))
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


def test_the_line_that_tries_the_token(page: Page) -> None:
    (command,) = page.snippets["Try it without an upload"]
    assert "--user __token__ " in command  # so curl asks for the token: there is no terminal here
    result = page.shell(command.replace("__token__ ", f"__token__:{page.text} "))
    told, _end = json.JSONDecoder().raw_decode(result.text)
    assert told["name"] == "release job"


# In CI


def test_github_actions(page: Page) -> None:
    page.build()
    (text,) = page.snippets["GitHub Actions"]
    (step,) = yaml.safe_load(text)
    assert set(step) == {"run", "env"}
    secret = "${{ secrets.INDEXSITE_TOKEN }}"
    assert secret in step["env"].values()
    variables = {name: value.replace(secret, page.text) for name, value in step["env"].items()}
    result = page.shell(step["run"], **variables)
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


def test_gitlab_ci(page: Page) -> None:
    page.build()
    (text,) = page.snippets["GitLab CI"]
    (job,) = yaml.safe_load(text).values()
    assert set(job) == {"script", "variables"}
    # GitLab replaces variables in variables before the shell starts.
    variables = {
        name: value.replace("$INDEXSITE_TOKEN", page.text)
        for name, value in job["variables"].items()
    }
    assert page.text in variables.values()
    result = page.shell(job["script"], INDEXSITE_TOKEN=page.text, **variables)
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


def test_travis_ci(page: Page) -> None:
    page.build()
    (text,) = page.snippets["Travis CI"]
    deploy = yaml.safe_load(text)["deploy"]
    assert deploy["provider"] == "script"
    result = page.shell(deploy["script"], INDEXSITE_TOKEN=page.text)
    assert result.is_well, result.line
    assert page.published() == ["gz", "whl"]


# Narrower, and back again


def test_the_command_makes_a_narrower_token(page: Page) -> None:
    _lines, command = page.snippets["Narrow it further, offline"]
    words = shlex.split(command)
    assert words[:2] == ["python", "manage.py"]
    name = page.project.replace("_", "-")
    narrow = subprocess.run(
        [sys.executable, "manage.py", *[name if word == "name" else word for word in words[2:]]],
        input=f"{page.text}\r\n",
        env=page.site.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    page.require_only_for(name, narrow)


def test_the_lines_of_python_make_a_narrower_token(page: Page) -> None:
    lines, _command = page.snippets["Narrow it further, offline"]
    name = page.project.replace("_", "-")  # as the page says: small letters and hyphens
    script = lines.replace('"name"', f'"{name}"')
    script = script.replace('getpass.getpass("API token: ")', "input()")
    narrow = page.shell(
        f"echo {shlex.quote(page.text)} | {BIN / 'python'} -c {shlex.quote(script)}"
    ).text.strip()
    page.require_only_for(name, narrow)


def test_the_command_that_installs(page: Page) -> None:
    page.build()
    assert page.shell(f"{page.exports('twine')}\ntwine upload dist/*").is_well
    (command,) = page.snippets["Install from this index"]
    command = re.sub(r"\bname$", page.project, command)
    tail = "--isolated --no-cache-dir --target here"
    result = page.shell(f"{BIN / 'python'} -m {command} {tail}")
    assert result.is_well, result.line
    assert (page.folder / "here" / page.project).is_dir()
