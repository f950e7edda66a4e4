"""What each upload tool prints when an upload is taken, and when it is refused.

What they print is kept in docs/clients.md, which this test writes: `pytest tests/clients
--write-docs` after a tool, or a sentence, has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from accounts import switches
from accounts.operations.address_ranges import block_range, lift_range
from accounts.operations.switches import turn
from projects.models import File, Project
from tests.architecture.reading import ROOT
from tests.clients import tools
from tests.clients.tools import TOOLS, Outcome, Sending
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token

pytestmark = [pytest.mark.clients, pytest.mark.once]
DOCUMENT = ROOT / "docs" / "clients.md"
SDISTS = {"poetry", "setup.py upload"}  # tools that are given an sdist here
# Tools that keep what they are told to themselves, by the status of the answer, and what they say
OWN_WORDS = {
    ("pdm", 400): "Client error '400 Bad Request'",
    ("pdm", 403): "Client error '403 Forbidden'",
    ("maturin", 403): "Username and/or password are wrong",
}
BUILDERS = {"flit", "setup.py upload"}  # tools that build anew before each upload
EXAMPLE = "https://index.example.org"
VERSIONED = {"setup.py upload": "Python 3.11"}

# Where the part of the output begins that tells of a refusal
_FIRST_WORDS = re.compile(
    r"(ERROR +HTTPError|error: Failed to publish|Error uploading|HTTP Error \d|400 Client Error"
    r"|requests\.exceptions\.HTTPError|error: Upload failed|\[PublishError\]|⛔|💥 maturin failed)"
)
seen: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Case:
    """One class of refusal.

    Attributes:
        title: in the document.
        sentence: a part of what must be printed.
        status: of the answer.
    """

    title: str
    sentence: str
    status: int = 403


PASSWORD = Case("A password", "Use the user name __token__ and an API token as the password.")
UNKNOWN = Case("A token that is not known", "This API token is not known here.")
REVOKED = Case("A revoked token", "This API token was revoked on")
STRANGER = Case("Another's project", "is not allowed to upload to project")
EXISTS = Case("Other content under a name that was used", "File already exists (", 400)
NAME = Case("A name that nobody may have", "is that of a module of Python's standard library", 400)
BLOCKED = Case("A network address that staff have blocked", "have blocked your network address")
OFF = Case("Uploads that staff have switched off", "Back at noon. Reason: We move.")
CASES = (PASSWORD, UNKNOWN, REVOKED, STRANGER, EXISTS, NAME, BLOCKED, OFF)


class Sender:
    """Sends with one tool, each time from a folder of its own."""

    def __init__(self, tool: str, site: Site, folder: Path) -> None:
        self.tool, self.site, self.folder, self.count = tool, site, folder, 0

    def __call__(
        self,
        project: str,
        version: str,
        password: str,
        *,
        username: str = "__token__",
        more: str = "",
    ) -> Outcome:
        """One upload of a small file, which holds `more`."""
        self.count += 1
        folder = self.folder / str(self.count)
        (folder / "dist").mkdir(parents=True)
        make = make_sdist if self.tool in SDISTS else make_wheel
        module = project.replace("-", "_")
        name, content = make(project, version, files={f"{module}/__init__.py": more})
        (folder / "dist" / name).write_bytes(content)
        return TOOLS[self.tool](Sending(self.site.url, username, password, folder, [name]))


def while_blocked(sam: Person, attempt: Callable[[], Outcome]) -> Outcome:
    """An upload that comes while staff block the address of all tools here."""
    row = block_range("127.0.0.1", reason="Tokens are tried from there.", by=sam.actor)
    try:
        return attempt()
    finally:
        lift_range(row, reason="They are not any more.", by=sam.actor)


def while_off(sam: Person, attempt: Callable[[], Outcome]) -> Outcome:
    """An upload that comes while staff have switched uploads off."""
    turn(switches.UPLOADS, "off", reason="We move.", banner="Back at noon.", by=sam.actor)
    try:
        return attempt()
    finally:
        turn(switches.UPLOADS, "", reason="We have moved.", by=sam.actor)


def told(outcome: Outcome, site: Site) -> str:
    """What a tool tells of a refusal, on one line, without what differs from run to run."""
    found = _FIRST_WORDS.search(outcome.line)
    assert found is not None, outcome.text
    text = outcome.line[found.start() :].replace(site.url, EXAMPLE)
    return re.sub(r"on \d{4}-\d\d-\d\d", "on 2026-01-01", text)


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_uploads_and_prints_why_it_is_refused(
    site: Site, alice: Person, mallory: Person, sam: Person, tmp_path: Path, tool: str
) -> None:
    send = Sender(tool, site, tmp_path)
    mine = "mine-" + re.sub(r"\W", "", tool)
    token, theirs = token_of(alice, name=mine), token_of(mallory, name=mine)
    revoked = token_of(alice, name=f"revoked {mine}")
    revoke_token(APIToken.objects.get(name=f"revoked {mine}"), reason="test", by=alice.actor)

    first = send(mine, "1.0", token)
    assert first.is_well, first.text
    again = send(mine, "1.0", token)
    assert again.is_well or tool in BUILDERS, again.text
    assert File.objects.filter(project__normalized_name=mine).count() == 1

    attempts: dict[Case, Callable[[], Outcome]] = {
        PASSWORD: lambda: send(mine, "1.1", alice.password, username="alice"),
        UNKNOWN: lambda: send(mine, "1.1", f"{token[:-6]}AAAAAA"),
        REVOKED: lambda: send(mine, "1.1", revoked),
        STRANGER: lambda: send(mine, "1.1", theirs),
        EXISTS: lambda: send(mine, "1.0", token, more="x = 1\n"),
        NAME: lambda: send("typing", "1.0", token),
        BLOCKED: lambda: while_blocked(sam, lambda: send(mine, "1.1", token)),
        OFF: lambda: while_off(sam, lambda: send(mine, "1.1", token)),
    }
    for case, attempt in attempts.items():
        outcome = attempt()
        assert not outcome.is_well, (case, outcome.text)
        words = OWN_WORDS.get((tool, case.status), case.sentence)
        assert words in outcome.line, (case, outcome.text)
        assert "<html" not in outcome.text
        seen.setdefault(case.title, {})[tool] = told(outcome, site)
    assert File.objects.filter(project__normalized_name=mine).count() == 1
    assert not Project.objects.filter(name="typing").exists()
    unblocked = send(mine, "1.1", token)
    assert unblocked.is_well, unblocked.text


def version_of(tool: str) -> str:
    """What a tool is called with its version."""
    if tool == "pdm":  # in an environment of its own
        found = re.search(r"^pdm==(\S+)", tools.PDM_LOCK.read_text(), re.MULTILINE)
        assert found is not None
        return f"pdm {found[1]}"
    return VERSIONED.get(tool) or f"{tool} {metadata.version(tool)}"


def document() -> str:
    """All that was seen, as the part of the document that the test writes."""
    parts = []
    for case in CASES:
        parts.append(f"### {case.title}\n")
        for tool in TOOLS:
            parts.append(f"{version_of(tool)}:\n\n    {seen[case.title][tool]}\n")
    return "\n".join(parts)


def test_the_document_says_what_they_print(pytestconfig: pytest.Config) -> None:
    if len(seen) < len(CASES) or any(set(row) != {*TOOLS} for row in seen.values()):
        pytest.skip("not all tools were run")
    if "setup.py upload" not in TOOLS:
        pytest.skip("the document tells of Python 3.11, too")
    head, mark, _old = DOCUMENT.read_text().partition("<!-- From here on written by a test -->\n")
    wanted = f"{head}{mark}\n{document()}"
    if pytestconfig.getoption("--write-docs"):
        DOCUMENT.write_text(wanted)
    assert DOCUMENT.read_text() == wanted
