from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from projects import names

pytestmark = pytest.mark.once


def is_one_plain_line(sentence: str) -> bool:
    return sentence.isascii() and sentence.isprintable() and 0 < len(sentence) <= 400


def refusal_of(check: Callable[[str], object], text: str) -> ValueError | None:
    try:
        check(text)
    except ValueError as refusal:
        return refusal
    return None


@pytest.mark.parametrize("name", ["a", "0", "foo", "Foo.Bar_baz-1", "a--b", "x" * 200])
def test_names_of_letters_digits_and_inner_punctuation_pass(name: str) -> None:
    names.check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-foo",
        "foo-",
        ".foo",
        "foo_",
        "foo bar",
        "foo/bar",
        "foo\n",
        "foo\0",
        "\0",
        "fo\0o",
        "föö",
        "foo\u212a",  # KELVIN SIGN: matches "k" where case is ignored beyond ASCII
        "\u0131foo",
        "foo\u0661",
        "x" * 201,
        "\ud800",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="project name") as caught:
        names.check_name(name)
    assert is_one_plain_line(str(caught.value))


@pytest.mark.parametrize(
    ("name", "normalized"),
    [("Foo", "foo"), ("foo.bar", "foo-bar"), ("foo_-.bar", "foo-bar"), ("A__B--c", "a-b-c")],
)
def test_a_name_has_one_normalized_spelling(name: str, normalized: str) -> None:
    assert names.normalize(name) == normalized
    assert names.is_normalized(normalized)
    assert not names.is_normalized(name)


@given(st.text())
def test_normalizing_twice_changes_nothing_more(name: str) -> None:
    once = names.normalize(name)
    assert names.normalize(once) == once


@given(st.text())
def test_a_checked_name_normalizes_to_a_normalized_name(name: str) -> None:
    refusal = refusal_of(names.check_name, name)
    if refusal is None:
        assert names.is_normalized(names.normalize(name))
    else:
        assert is_one_plain_line(str(refusal))


@pytest.mark.parametrize(
    ("version", "canonical"),
    [
        ("1.0", "1"),
        ("1.0.0", "1"),
        ("v1.0", "1"),
        ("1.02.3", "1.2.3"),
        ("1.0-9", "1.post9"),
        ("1.0.RC1", "1rc1"),
        ("1!2.0+Local.1", "1!2+local.1"),
        ("0", "0"),
    ],
)
def test_a_version_has_one_canonical_spelling(version: str, canonical: str) -> None:
    assert names.canonical_version(version) == canonical


@pytest.mark.parametrize(
    "version",
    [
        "",
        "dog",
        "1.0\0",
        "1.0/2",
        "1..0",
        "\u0661.0",
        "1" * 201,
        "1." * 100 + "0" * 9,
        "1." * 99 + "1c",
    ],
)
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(ValueError, match="version") as caught:
        names.canonical_version(version)
    assert is_one_plain_line(str(caught.value))


_PIECES = st.sampled_from(
    ["1", "0", ".", "a", "rc", "post", "dev", "-", "+", "!", "v", "9" * 90, "é"]
)


@given(st.one_of(st.text(), st.lists(_PIECES).map("".join)))
def test_only_value_errors_come_from_versions(version: str) -> None:
    refusal = refusal_of(names.canonical_version, version)
    if refusal is None:
        canonical = names.canonical_version(version)
        assert names.canonical_version(canonical) == canonical
    else:
        assert is_one_plain_line(str(refusal))


@pytest.mark.parametrize(
    ("filename", "name", "version", "tag", "stem"),
    [
        ("foo-1.0-py3-none-any.whl", "foo", "1.0", "py3", "foo-1.0"),
        ("foo_bar-1-py2.py3-none-any.whl", "foo-bar", "1", "py2.py3", "foo_bar-1"),
        ("foo-v1.0-1abc-cp311-cp311-linux_x86_64.whl", "foo", "1.0", "cp311", "foo-v1.0"),
        ("foo-1!1.0+local.1-py3-none-any.whl", "foo", "1!1.0+local.1", "py3", "foo-1!1.0+local.1"),
    ],
)
def test_wheel_names_are_read(filename: str, name: str, version: str, tag: str, stem: str) -> None:
    parsed = names.parse_filename(filename)
    assert (parsed.filename, parsed.kind, parsed.name) == (filename, "bdist_wheel", name)
    assert (parsed.version, parsed.python_tag, parsed.stem) == (Version(version), tag, stem)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("foo-1.0.tar.gz", "foo", "1.0"),
        ("foo_bar-1.0.post9.tar.gz", "foo-bar", "1.0.post9"),
        ("foo-1!1.0+local.1.tar.gz", "foo", "1!1.0+local.1"),
    ],
)
def test_sdist_names_are_read(filename: str, name: str, version: str) -> None:
    parsed = names.parse_filename(filename)
    assert (parsed.filename, parsed.kind, parsed.name) == (filename, "sdist", name)
    assert (parsed.version, parsed.python_tag) == (Version(version), "source")
    assert parsed.stem == filename.removesuffix(".tar.gz")


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("", "may hold only"),
        (".whl", "of the form"),
        (".tar.gz", "of the form"),
        ("-1.0.tar.gz", "project name"),
        ("foo-1.0.zip", "PEP 625"),
        ("foo-1.0.tar.bz2", "must end in"),
        ("foo-1.0.TAR.GZ", "must end in"),
        ("foo-1.0.egg", "must end in"),
        ("../foo-1.0.tar.gz", "may hold only"),
        ("a/foo-1.0.tar.gz", "may hold only"),
        ("a\\foo-1.0.tar.gz", "may hold only"),
        ("foo-1.0.tar.gz\n", "may hold only"),
        ("foo\0-1.0.tar.gz", "may hold only"),
        ("foo-1.0-py3-none-a\x7fny.whl", "may hold only"),
        ("föö-1.0.tar.gz", "may hold only"),
        ("foo-1.0-py3-none-any\u0661.whl", "may hold only"),
        ("foo-1.0-py3-none-<b>.whl", "may hold only"),
        ("foo-1.0%2f-py3-none-any.whl", "may hold only"),
        ("x" * 234 + ".tar.gz", "longer than 240"),
        ("x" * 201 + "-1.0.tar.gz", "longer than 200"),
        ("foo-" + "1" * 201 + "-py3-none-any.whl", "longer than 200"),
        ("foo-" + "1." * 99 + "1c" + "-py3-none-any.whl", "longer than 200"),
        ("Foo-1.0.tar.gz", "must spell the project name as 'foo'"),
        ("foo.bar-1.0.tar.gz", "must spell the project name as 'foo_bar'"),
        ("foo-bar-1.0.tar.gz", "must spell the project name as 'foo_bar'"),
        ("foo__bar-1.0.tar.gz", "must spell the project name as 'foo_bar'"),
        ("Foo-1.0-py3-none-any.whl", "must spell the project name as 'foo'"),
        ("foo.bar-1.0-py3-none-any.whl", "must spell the project name as 'foo_bar'"),
        ("foo__bar-1.0-py3-none-any.whl", "of the form"),
        ("_foo-1.0-py3-none-any.whl", "project name"),
        ("foo-01.0.tar.gz", "must spell the version as '1.0'"),
        ("foo-v1.0.tar.gz", "must spell the version as '1.0'"),
        ("foo-1.0-9.tar.gz", "must spell the project name|project name"),
        ("foo-dog.tar.gz", "version 'dog' is not valid"),
        ("foo-dog-py3-none-any.whl", "version 'dog' is not valid"),
        ("foo-1.0.whl", "of the form"),
        ("foo-1.0-x1-py3-none-any.whl", "of the form"),
        ("foo-1.0-py3..py2-none-any.whl", "of the form"),
        ("foo-1.0-1-2-py3-none-any.whl", "of the form"),
        ("f-1-" + "-".join([".".join(["a"] * 30)] * 3) + ".whl", "too many tags"),
    ],
)
def test_other_file_names_are_refused_with_a_reason(filename: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        names.parse_filename(filename)
    assert is_one_plain_line(str(caught.value))


_PARTS = st.sampled_from(
    [
        "foo",
        "-",
        "1.0",
        "py3",
        "none",
        "any",
        ".whl",
        ".tar.gz",
        ".",
        "_",
        "!",
        "+",
        "9" * 50,
        "A",
        "\n",
    ]
)


@given(st.one_of(st.text(), st.lists(_PARTS).map("".join)))
def test_only_plain_value_errors_come_from_file_names(filename: str) -> None:
    refusal = refusal_of(names.parse_filename, filename)
    if refusal is None:
        parsed = names.parse_filename(filename)
        assert names.is_normalized(parsed.name)
        assert filename.startswith(parsed.stem)
    else:
        assert is_one_plain_line(str(refusal))


@given(st.text(), st.integers(min_value=10, max_value=100))
def test_shown_values_are_short_plain_and_quoted(value: str, limit: int) -> None:
    text = names.shown(value, limit)
    assert is_one_plain_line(text)
    assert len(text) <= limit
    assert text[0] == text[-1]
    assert text[0] in "'\""


def test_a_short_plain_value_is_shown_whole() -> None:
    assert names.shown("foo-1.0") == "'foo-1.0'"
    assert names.shown("x" * 100) == "'" + "x" * 55 + "...'"
