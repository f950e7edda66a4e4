"""Writes the tables of docs/performance.md from what was measured: `python -m benchmarks.tables`.

Each table stands between `<!-- NAME -->` and `<!-- end -->`, and comes from `results/NAME.json`.
A number is the median of the runs; beside it stands the CPU time that one request took on the
server, and the share of all CPU time that the load generator itself had.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import results

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
Run = dict[str, Any]


def _ordered(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _median(runs: list[Run], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _cell(runs: list[Run]) -> str:
    if not runs:
        return "-"
    requests = [run["per_second"] * run["seconds"] for run in runs]
    each = statistics.median(
        run["server_cpu"] / count * 1000 for run, count in zip(runs, requests, strict=True)
    )
    share = statistics.median(
        run["load_cpu"] / max(run["load_cpu"] + run["server_cpu"], 0.001) for run in runs
    )
    rate = _median(runs, "per_second")
    shown = f"{rate:,.0f}" if rate >= 20 else f"{rate:.1f}"
    if "megabytes_per_second" in runs[0]:
        return f"{_median(runs, 'megabytes_per_second'):,.0f} MB/s"
    return f"**{shown}**/s, p99 {_median(runs, 'p99'):,.1f} ms, {each:.2f} ms CPU, load {share:.0%}"


def table(numbers: dict[str, Any]) -> str:
    """One row for each case, one column for each server; or the table that the script made."""
    if "table" in numbers:
        header, *rows = numbers["table"]
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    runs: list[Run] = numbers["runs"]
    names = _ordered(run["server"] for run in runs)
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for case in _ordered(run["case"] for run in runs):
        cells = [
            _cell([run for run in runs if run["server"] == name and run["case"] == case])
            for name in names
        ]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    if memory := numbers.get("memory"):
        lines += ["", f"Memory of web server and worker together (PSS): {memory['idle']:.0f} MiB"]
        lines[-1] += f" idle, {memory['after']:.0f} MiB after the load."
    return "\n".join(lines)


def fill(text: str) -> str:
    """The document with each table as it was measured last; others stay as they are."""

    def put(found: re.Match[str]) -> str:
        numbers = results.read(found[1])
        if numbers is None:
            return found[0]
        return f"<!-- {found[1]} -->\n{table(numbers)}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", put, text, flags=re.DOTALL)


def main() -> int:
    """Write them."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
