"""Reads the source as the rules do: as syntax trees, one file at a time, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("audit", "accounts", "projects", "tokens", "uploads", "indexsite")  # from the ground up
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "base", "manager"}
LONGEST_FUNCTION = 60  # lines
LONGEST_FILE = 500  # lines

_DOTTED = re.compile(rf"({'|'.join(FLOORS)})(\.\w+)+")
_BY_NAME = {
    "import_module",
    "__import__",
    "import_string",
    "find_spec",
    "get_model",
    "get_app_config",
}
_RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField", "GenericRelation"}


def source_files(*folders: str) -> list[Path]:
    """All Python files below folders of the repository, in order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def floor_files() -> list[Path]:
    """All Python files of all floors."""
    return source_files(*FLOORS)


def name_of(path: Path) -> str:
    """The path as messages show it."""
    return str(path.relative_to(ROOT))


def called_name(call: ast.Call) -> str:
    """The last part of what is called: `b` for `a.b()`."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    """All calls below a node."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """The modules that one node imports; relative ones are resolved against `package`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module or ""
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")[: len(package.split(".")) - node.level + 1]
        yield from (".".join([*parts, node.module or alias.name]) for alias in node.names)


def _named(node: ast.AST) -> Iterator[str]:
    """The modules and models that one node names in text."""
    if isinstance(node, ast.Call) and called_name(node) in _BY_NAME | _RELATIONS:
        texts = [_text(part) for part in [*node.args, *(word.value for word in node.keywords)]]
        yield from filter(None, texts)
    elif isinstance(node, ast.Constant) and _DOTTED.fullmatch(_text(node)):
        yield _text(node)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2:  # a migration's dependency
        app, migration = (_text(part) for part in node.elts)
        if re.fullmatch(r"\d{4}_\w+|__first__|__latest__", migration):
            yield app


def upward_imports(source: str, package: str) -> list[str]:
    """What a file reaches on a higher floor than its own: imports anywhere in it, lazy ones and
    those for type checkers too, and modules, models and apps that are named in text.

    Args:
        source: the file's text.
        package: the dotted name of the package that the file is in; its first part is its floor.
    """
    higher = FLOORS[FLOORS.index(package.split(".")[0]) + 1 :]
    found = [
        f"line {getattr(node, 'lineno', 0)}: {target}"
        for node in ast.walk(ast.parse(source))
        for target in [*_imported(node, package), *_named(node)]
        if target.split(".")[0] in higher
    ]
    return sorted(set(found))


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions and methods of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_functions(source: str) -> list[ast.FunctionDef]:
    """The functions that a module offers: those at its top whose names begin with a letter."""
    body = ast.parse(source).body
    return [node for node in body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]


def has_required_keyword(function: ast.FunctionDef, name: str) -> bool:
    """Whether callers must give the argument, and give it by name."""
    required = [
        word.arg
        for word, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if default is None
    ]
    return name in required


def passes_on(function: ast.FunctionDef, name: str) -> bool:
    """Whether the function calls something with the keyword `name`."""
    return any(word.arg == name for call in calls_in(function) for word in call.keywords)


def domain_writes(source: str) -> list[str]:
    """Calls of `.save()` and `.delete()`, but for those of sessions and of a wizard's storage."""
    found = []
    for call in calls_in(ast.parse(source)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"save", "delete"}:
            receiver = ast.unparse(call.func.value)
            if not re.search(r"\b(session|storage|cache)$", receiver):
                found.append(f"line {call.lineno}: {receiver}.{call.func.attr}()")
    return found


def long_functions(source: str) -> list[str]:
    """The functions with more lines than a screen has."""
    return [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in functions(source)
        if node.end_lineno and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
