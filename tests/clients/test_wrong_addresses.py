"""What upload tools print that were given the address of the index, and not that of uploads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.test_tools import put
from tests.clients.tools import TOOLS, Sending
from tests.support.artifacts import make_wheel
from tests.support.people import Person
from tests.support.server import Site
from tests.support.uploading import token_of

pytestmark = [pytest.mark.clients, pytest.mark.once]
LARGE = 3_000_000  # bytes: more than the sockets hold, so the answer waits behind the body


@dataclass
class Astray(Sending):
    """An attempt to send files to some other address of the site."""

    path: str = "/"

    @property
    def door(self) -> str:
        """The address that the tool was given."""
        return f"{self.url}{self.path}"


@pytest.mark.parametrize(
    ("path", "size"),
    [("/", LARGE), ("/simple/", 10), ("/simple/", LARGE), ("/upload/", LARGE), ("/legacy//", 10)],
)
@pytest.mark.parametrize("tool", ["twine", "uv"])
def test_a_tool_prints_the_right_address(
    site: Site, alice: Person, tmp_path: Path, tool: str, path: str, size: int
) -> None:
    wheel = make_wheel("astray", "1.0", files={"astray.bin": os.urandom(size)})
    name = put(tmp_path, wheel)
    token = token_of(alice, name=f"{tool} {path} {size}")
    sending = Astray(site.url, "__token__", token, tmp_path, [name], path=path)
    result = TOOLS[tool](sending)
    assert not result.is_well
    assert f"Upload to {site.url}/legacy/ instead" in result.line
