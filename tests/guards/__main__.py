"""Takes guards out of the code, one at a time, and sees that a named test misses each.

`python -m tests.guards` copies the project into a throw-away folder, changes one line there, and
runs the test that should turn red. A test that stays green guards nothing, and is named. Run it
with a part of a guard's name to try only those. The lists grow with the product.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from queue import Queue

from tests.guards import Guard

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".benchmarks", "var", "__pycache__", ".*_cache", ".hypothesis", "*.sqlite3"
)
LISTS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
GUARDS: list[Guard] = [
    guard for name in LISTS for guard in import_module(f"tests.guards.{name}").GUARDS
]


def turns_red(guard: Guard, copy: Path) -> bool:
    """Whether the guard's test fails once the guard is gone."""
    path = copy / guard.path
    text = path.read_text()
    if text.count(guard.line) != 1:
        raise SystemExit(f"{guard.path} does not hold this once: {guard.line!r}")
    path.write_text(text.replace(guard.line, guard.without))
    try:
        return run([guard.test], copy, guard.database) == 1
    finally:
        path.write_text(text)


def run(tests: list[str], copy: Path, database: str, *more: str, is_shown: bool = False) -> int:
    """Run tests in the copy; pytest's exit code: 0 all passed, 1 some failed.

    Args:
        more: words for pytest.
        is_shown: whether what it says is to be seen.
    """
    words = ["-q", "-x", "-p", "no:cacheprovider", "--database", database]
    command = [sys.executable, "-m", "pytest", *words, *more, *tests]
    return subprocess.run(command, cwd=copy, capture_output=not is_shown, check=False).returncode


def main() -> int:
    """Try the guards, one on each processor; 0 if each is missed by its test."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    guards = [guard for guard in GUARDS if wanted in guard.name]
    with tempfile.TemporaryDirectory(prefix="indexsite-guards-") as folder:
        copies: Queue[Path] = Queue()
        for number in range(os.cpu_count() or 1):
            copies.put(Path(shutil.copytree(ROOT, f"{folder}/{number}", ignore=NOT_COPIED)))

        def attempt(guard: Guard) -> bool:
            copy = copies.get()
            try:
                missed = turns_red(guard, copy)
            finally:
                copies.put(copy)
            print(f"{'missed' if missed else 'NOT MISSED'}: {guard.name}", flush=True)
            return missed

        for database in {guard.database for guard in guards}:
            tests = sorted({guard.test for guard in guards if guard.database == database})
            at_once = ["-n", str(copies.qsize()), "--dist", "loadfile"]
            if run(tests, Path(folder) / "0", database, *at_once, is_shown=True) != 0:
                print(f"Not all of these tests pass on {database} as things are.")
                return 1
        with ThreadPoolExecutor(copies.qsize()) as pool:
            missed = list(pool.map(attempt, guards))
    idle = [guard for guard, is_missed in zip(guards, missed, strict=True) if not is_missed]
    print(*[f"{guard.test} stays green without: {guard.name}" for guard in idle], sep="\n")
    return 1 if idle else 0


if __name__ == "__main__":
    sys.exit(main())
