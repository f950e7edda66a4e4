"""Where measured numbers are kept, as JSON beside the scripts that measure them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"


def keep(name: str, numbers: dict[str, Any]) -> None:
    """Write the numbers of one script."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(numbers, indent=1, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(text + "\n")


def read(name: str) -> dict[str, Any] | None:
    """The numbers of one script, if it has run."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
