"""The guided tour goes through, as a newcomer and CI take it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.demo import ROOT

pytestmark = [pytest.mark.clients, pytest.mark.once]


def test_the_tour_does_what_it_says() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "demo.py")],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for words in ("try a forged API token: refused", "403 Forbidden", "The chain of"):
        assert words in result.stdout, result.stdout
