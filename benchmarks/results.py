"""Where measured numbers are kept: as JSON beside the scripts, and those of trials elsewhere."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
TRIALS = Path(__file__).resolve().parents[1] / ".benchmarks" / "trials"


def options(description: str | None, *, rounds: int) -> argparse.Namespace:
    """What all scripts that keep numbers are asked: `rounds` and `quick`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rounds", nargs="?", type=int, help=f"how often ({rounds})")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="try the script on few and small things; see: python -m benchmarks.tables --trials",
    )
    found = parser.parse_args()
    found.rounds = found.rounds or (1 if found.quick else rounds)
    return found


def keep(name: str, numbers: dict[str, Any], *, is_trial: bool = False) -> None:
    """Write the numbers of one script."""
    folder = TRIALS if is_trial else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {"cores": os.cpu_count(), **numbers}
    text = json.dumps(numbers, indent=1, sort_keys=True)
    (folder / f"{name}.json").write_text(text + "\n")


def read(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """The numbers of one script, if it has run."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None
