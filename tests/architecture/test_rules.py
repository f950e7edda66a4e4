"""The rules of the house that imports cannot show."""

from __future__ import annotations

import ast
import string
from importlib import metadata
from pathlib import Path

import pytest
from django.utils.functional import Promise

from audit import vocabulary
from audit.vocabulary import EventKind
from tests.architecture.reading import (
    FORBIDDEN_NAMES,
    LONGEST_FILE,
    ROOT,
    domain_writes,
    floor_files,
    has_required_keyword,
    long_functions,
    name_of,
    passes_on,
    public_functions,
    source_files,
)

pytestmark = pytest.mark.once

QUESTIONS = ("has_", "is_", "may_", "find_", "require_")  # ask or refuse, and change nothing
# What operations modules offer beside verbs and questions: words for what is stored, and parts of
# one verb, whose caller names the actor and records.
NO_OPERATIONS = {
    "accounts/operations/passwords.py": {"choose_address", "forget_old_resets"},
    "accounts/operations/registration.py": {"registration_mode"},
    "accounts/operations/second_factors.py": {
        "wrap_secret",
        "unwrap_secret",
        "offered_app",
        "store_first_app",
    },
}
OPERATIONS = [path for path in floor_files() if path.parent.name == "operations"]
OPERATIONS += [path for path in floor_files() if path.name in {"operations.py", "erasure.py"}]
ALL_FILES = [*floor_files(), *source_files("tests"), ROOT / "manage.py", ROOT / "run"]


def verbs(path: Path) -> list[ast.FunctionDef]:
    """The operations of one module."""
    others = NO_OPERATIONS.get(name_of(path), set())
    found = public_functions(path.read_text())
    return [
        node for node in found if node.name not in others and not node.name.startswith(QUESTIONS)
    ]


@pytest.mark.parametrize("path", OPERATIONS, ids=name_of)
def test_every_operation_must_be_told_who_acts(path: Path) -> None:
    assert [node.name for node in verbs(path) if not has_required_keyword(node, "by")] == []


@pytest.mark.parametrize("path", OPERATIONS, ids=name_of)
def test_every_operation_passes_on_who_acts_to_what_records_it(path: Path) -> None:
    assert [node.name for node in verbs(path) if not passes_on(node, "by")] == []


@pytest.mark.parametrize("path", sorted(NO_OPERATIONS))
def test_the_list_of_what_is_no_operation_is_true(path: str) -> None:
    named = {node.name: node for node in public_functions((ROOT / path).read_text())}
    assert NO_OPERATIONS[path] <= named.keys()
    with_actor = [name for name in NO_OPERATIONS[path] if has_required_keyword(named[name], "by")]
    assert with_actor == []


@pytest.mark.parametrize(
    "source",
    ["def f(x): record(K)", "def f(x, by): record(K, by=by)", "def f(x, *, by=None): g(by=by)"],
    ids=["without", "by position", "with a default"],
)
def test_an_operation_that_need_not_be_told_who_acts_is_found(source: str) -> None:
    (function,) = public_functions(source)
    assert not has_required_keyword(function, "by")


def test_an_operation_that_keeps_who_acts_to_itself_is_found() -> None:
    (function,) = public_functions("def f(x, *, by): x.save()")
    assert not passes_on(function, "by")


OUR_KINDS = [kind for kind in vocabulary.kinds() if kind.family != "testing"]


def places_of(sentence: str) -> set[str]:
    """The names of the places that a sentence has."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("kind", OUR_KINDS, ids=str)
def test_every_sentence_can_be_translated(kind: EventKind) -> None:
    assert isinstance(kind.sentence, Promise)


@pytest.mark.parametrize("kind", OUR_KINDS, ids=str)
def test_every_sentence_uses_only_what_its_events_have(kind: EventKind) -> None:
    offered = kind.fields | {"actor", "subject", "project", "user"}
    assert places_of(str(kind.sentence)) <= offered


def test_a_place_that_reaches_into_a_value_is_found() -> None:
    assert places_of("{actor.__class__} did {x[0]}") == {"actor.__class__", "x[0]"}


def is_view_or_command(path: Path) -> bool:
    """Whether a file shows or starts things, and so may change none itself."""
    return bool({"views", "management"} & set(path.parts)) or path.name in {
        "views.py",
        "admin.py",
        "staff_pages.py",
    }


@pytest.mark.parametrize(
    "path", [path for path in floor_files() if is_view_or_command(path)], ids=name_of
)
def test_views_admin_and_commands_store_nothing_themselves(path: Path) -> None:
    assert domain_writes(path.read_text()) == []


@pytest.mark.parametrize("source", ["project.save()", "File.objects.all().delete()", "f().save()"])
def test_storing_in_a_view_is_found(source: str) -> None:
    assert len(domain_writes(source)) == 1


@pytest.mark.parametrize("source", ["request.session.save()", "self.storage.delete(x)", "save()"])
def test_what_stores_no_domain_object_is_allowed(source: str) -> None:
    assert domain_writes(source) == []


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_no_file_and_no_function_is_too_long(path: Path) -> None:
    source = path.read_text()
    assert long_functions(source) == []
    if path.name != "run":  # it has to be one file
        assert len(source.splitlines()) <= LONGEST_FILE


def test_a_function_that_is_too_long_is_found() -> None:
    assert long_functions("def f():\n" + "    x()\n" * 59) == []
    assert long_functions("def f():\n" + "    x()\n" * 60) == ["f has 61 lines"]
    nested = "class A:\n  async def f():\n" + "    x()\n" * 60
    assert long_functions(nested) == ["f has 61 lines"]


@pytest.mark.parametrize("path", floor_files(), ids=name_of)
def test_every_room_has_a_name_that_says_what_it_is_for(path: Path) -> None:
    named_by_django = path == ROOT / "indexsite" / "sqlite" / "base.py"
    assert named_by_django or not FORBIDDEN_NAMES & {path.stem, *path.relative_to(ROOT).parts}


def test_the_webauthn_library_is_the_right_one_of_two() -> None:
    """Another package on the index is imported by the same name; both together break each other."""
    installed = {row.metadata["Name"].lower() for row in metadata.distributions()}
    assert "py-webauthn" not in installed
    assert metadata.packages_distributions().get("webauthn") == ["webauthn"]
    assert "Duo" in f"{metadata.metadata('webauthn')}"


@pytest.mark.parametrize(
    "path", [path for path in ALL_FILES if "tests" not in path.parts], ids=name_of
)
def test_row_locks_do_not_block_foreign_keys(path: Path) -> None:
    # See the third rule in docs/architecture.md; tables of the ground have no foreign keys.
    if path.parent.name == "audit":
        return
    assert "select_for_update()" not in path.read_text()
