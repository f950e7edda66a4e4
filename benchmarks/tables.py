"""Writes the tables of docs/performance.md from what was measured: `python -m benchmarks.tables`.

Each table stands between `<!-- NAME -->` and `<!-- end -->`, and comes from `results/NAME.json`;
with `--trials`, those of `--quick` runs are printed instead. A number is the median of the runs;
beside it stands the CPU time that one request took on the server, and the share of all CPU time
that the load generator itself had.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import goals, results

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
    # A run of a slow peer can end before its first answer
    each = statistics.median(
        run["server_cpu"] / max(count, 1) * 1000 for run, count in zip(runs, requests, strict=True)
    )
    share = statistics.median(
        run["load_cpu"] / max(run["load_cpu"] + run["server_cpu"], 0.001) for run in runs
    )
    if "megabytes_per_second" in runs[0]:
        return f"**{_median(runs, 'megabytes_per_second'):,.0f}** MB/s"
    rate = _median(runs, "per_second")
    shown = f"{rate:,.0f}" if rate >= 20 else f"{rate:.1f}"
    p99 = f"{_median(runs, 'p99'):,.1f} ms"
    failed = sum(run.get("failed", 0) for run in runs)
    told = f"<br>{failed} failed" if failed else ""
    return f"**{shown}**/s<br>p99 {p99}<br>CPU {each:.2f} ms<br>load {share:.0%}{told}"


def _beside(numbers: dict[str, Any], case: str) -> str:
    try:
        best = goals.best_peer(numbers, case)
        ratio = goals.beside(best, case)(numbers)
        return f"{ratio:.1f} times {best}" if ratio >= 1 else f"{ratio:.2f} times {best}"
    except LookupError:
        return "-"


def _lines(rows: Sequence[Sequence[str]]) -> str:
    header, *others = rows
    lines = [header, ["---"] * len(header), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table(numbers: dict[str, Any]) -> str:
    """One row for each case, one column for each server; or the table that the script made."""
    if "table" in numbers:
        return _lines(numbers["table"])
    runs: list[Run] = numbers["runs"]
    names = _ordered(run["server"] for run in runs)
    rows = [["", *names, "Indexsite, beside the best peer"]]
    for case in _ordered(run["case"] for run in runs):
        cells = [
            _cell([run for run in runs if run["server"] == name and run["case"] == case])
            for name in names
        ]
        rows.append([case, *cells, _beside(numbers, case)])
    lines = [_lines(rows)]
    if memory := numbers.get("memory"):
        lines += [
            "",
            f"Memory of `./run`, web server and worker together (PSS): {memory['idle']:.0f} MiB "
            f"idle, {memory['after']:.0f} MiB after the load. From `./run`, with everything "
            f"installed, to the first answer: {numbers['start']:.1f} s.",
        ]
    return "\n".join(lines)


def all_numbers(folder: Path) -> goals.Numbers:
    """What each script has kept there, by its name."""
    found = {path.stem: results.read(path.stem, folder) for path in sorted(folder.glob("*.json"))}
    return {name: numbers for name, numbers in found.items() if numbers is not None}


def fill(text: str, known: goals.Numbers) -> str:
    """The document with each table as it was measured last; others stay as they are."""

    def put(found: re.Match[str]) -> str:
        if found[1] == "goals" and known:
            content = _lines(list(goals.rows(known)))
        elif found[1] in known:
            content = table(known[found[1]])
        else:
            return found[0]
        return f"<!-- {found[1]} -->\n{content}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", put, text, flags=re.DOTALL)


def main() -> int:
    """Write them, or print those of trials."""
    text = DOCUMENT.read_text()
    if sys.argv[1:] == ["--trials"]:
        print(fill(text, all_numbers(results.TRIALS)))
    else:
        DOCUMENT.write_text(fill(text, all_numbers(results.FOLDER)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
