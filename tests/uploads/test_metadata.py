from __future__ import annotations

import dataclasses
import json
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads import metadata
from uploads.metadata import MetadataError

pytestmark = pytest.mark.once

WHERE = "PKG-INFO"
MINIMAL = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
FULL = """\
Metadata-Version: 2.4
Name: Foo.Bar
Version: 1.0-1
Summary: A höhle of things
Keywords: one, two,,three
Author: Zoë
Author-email: Zoë <zoe@example.org>
Maintainer: Max
Maintainer-email: max@example.org
License-Expression: mit OR apache-2.0
License-File: LICENSE
License-File: licenses/OTHER
Classifier: Private :: Do Not Upload
Classifier: Programming Language :: Python :: 3
Requires-Python: >=3.9
Requires-Dist: bar>=1 ; extra=='x'
Requires-Dist: baz @ https://example.org/baz.whl
Provides-Extra: X_y
Provides-Dist: virtual
Obsoletes-Dist: old
Requires-External: C
Project-URL: Home, https://example.org/?a=1,2
Project-URL: Bugs, https://example.org/bugs
Home-page: https://example.org
Download-URL: https://example.org/d
Platform: any
Platform: linux
Dynamic: Requires-Dist
Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM

# Foo

Ünïcode: and a colon.
"""


def read(text: str) -> metadata.CoreMetadata:
    return metadata.read(text.encode(), where=WHERE)


def refusal(raw: str | bytes) -> str:
    with pytest.raises(MetadataError) as caught:
        metadata.read(raw.encode() if isinstance(raw, str) else raw, where=WHERE)
    sentence = str(caught.value)
    assert is_one_plain_line(sentence)
    assert sentence.startswith(WHERE)
    return sentence


def is_one_plain_line(sentence: str) -> bool:
    return sentence.isascii() and sentence.isprintable() and 0 < len(sentence) <= 800


def test_every_field_is_read() -> None:
    assert read(FULL) == metadata.CoreMetadata(
        metadata_version="2.4",
        name="Foo.Bar",
        version="1.0.post1",
        summary="A höhle of things",
        description="# Foo\n\nÜnïcode: and a colon.\n",
        description_content_type="text/markdown; charset=UTF-8; variant=GFM",
        keywords=("one", "two", "three"),
        author="Zoë",
        author_email="Zoë <zoe@example.org>",
        maintainer="Max",
        maintainer_email="max@example.org",
        license=None,
        license_expression="MIT OR Apache-2.0",
        license_files=("LICENSE", "licenses/OTHER"),
        classifiers=("Private :: Do Not Upload", "Programming Language :: Python :: 3"),
        requires_python=">=3.9",
        requires_dist=('bar>=1; extra == "x"', "baz @ https://example.org/baz.whl"),
        provides_extra=("x-y",),
        provides_dist=("virtual",),
        obsoletes_dist=("old",),
        requires_external=("C",),
        project_urls=(
            ("Home", "https://example.org/?a=1,2"),
            ("Bugs", "https://example.org/bugs"),
        ),
        home_page="https://example.org",
        download_url="https://example.org/d",
        platforms=("any", "linux"),
        dynamic=("requires-dist",),
    )


def test_absent_fields_are_none_or_empty() -> None:
    values = dataclasses.asdict(read(MINIMAL))
    given_values = {values.pop("metadata_version"), values.pop("name"), values.pop("version")}
    assert given_values == {"2.1", "foo", "1.0"}
    assert set(map(str, values.values())) == {"None", "()"}


@pytest.mark.parametrize("fold", ["        ", "       |"])
def test_a_description_among_the_fields_is_unfolded(fold: str) -> None:
    lines = ["A title", "=======", "", "A word::", "", "    code"]
    written = f"\n{fold}".join(lines)
    text = f"Metadata-Version: 1.1\nName: foo\nVersion: 1.0\nDescription: {written}\nKeywords: a\n"
    assert read(text).description == "\n".join(lines)


@pytest.mark.parametrize(
    "description", ["A title\n\n        code\n", "A title\n        quoted\n    less\n", "one line"]
)
def test_other_descriptions_keep_their_spaces(description: str) -> None:
    text = f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n\n{description}"
    assert read(text).description == description


def test_unknown_is_absent() -> None:
    found = read(MINIMAL + "Home-page: UNKNOWN\nPlatform: UNKNOWN\nPlatform: any\n\nUNKNOWN\n")
    assert (found.home_page, found.platforms, found.description) == (None, ("any",), None)


@pytest.mark.parametrize("value", ["", "UNKNOWN"])
@pytest.mark.parametrize(
    "field",
    [
        "Description-Content-Type",
        "License-Expression",
        "License-File",
        "Classifier",
        "Dynamic",
        "Requires-Dist",
        "Provides-Extra",
        "Provides-Dist",
        "Keywords",
    ],
)
def test_a_field_without_a_value_is_absent(field: str, value: str) -> None:
    minimal = MINIMAL.replace("2.1", "2.4")
    assert read(f"{minimal}{field}: {value}\n") == read(minimal)


def test_a_project_url_without_a_value_is_absent() -> None:
    assert read(MINIMAL + "Project-URL:\n") == read(MINIMAL)


def test_an_empty_value_among_others_is_not_overlooked() -> None:
    assert read(MINIMAL + "Classifier: a\nClassifier:\n").classifiers == ("a", "")
    assert "'requires-dist'" in refusal(MINIMAL + "Requires-Dist: a\nRequires-Dist:\n")


def test_metadata_survives_json() -> None:
    stored = json.loads(json.dumps(metadata.as_json(read(FULL))))
    assert stored == metadata.as_json(read(FULL))
    assert stored["project_urls"][0] == ["Home", "https://example.org/?a=1,2"]
    assert set(stored) == {field.name for field in dataclasses.fields(metadata.CoreMetadata)}


def test_line_ends_of_any_system_are_read_alike() -> None:
    assert read(FULL.replace("\n", "\r\n")) == read(FULL)
    assert read(FULL.replace("\n", "\r")) == read(FULL)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"])
def test_published_metadata_versions_are_accepted(version: str) -> None:
    assert read(MINIMAL.replace("2.1", version)).metadata_version == version


@pytest.mark.parametrize("version", ["2.0", "2.6", "3.0", "", "dog", "1.00", "2.1 2.2"])
def test_other_metadata_versions_are_refused(version: str) -> None:
    assert "metadata version" in refusal(MINIMAL.replace("2.1", version))


def test_a_missing_metadata_version_is_refused() -> None:
    assert "no metadata version" in refusal("Name: foo\nVersion: 1.0\n")


def test_license_files_of_older_versions_are_ignored() -> None:
    assert read(MINIMAL + "License-File: ../LICENSE\n").license_files == ()


def test_unknown_fields_are_ignored() -> None:
    assert read(MINIMAL + "X-Built-By: hand\nSupported: no\n").name == "foo"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no metadata version"),
        ("\n" + MINIMAL, "no metadata version"),
        ("garbage\n" + MINIMAL, "no metadata version"),
        ("\ufeff" + MINIMAL, "no metadata version"),
        ("Metadata-Version: 2.1\nVersion: 1.0\n", "'name' is a required field"),
        ("Metadata-Version: 2.1\nName: foo\n", "'version' is a required field"),
        (MINIMAL.replace("foo", "fo o"), "'fo o' is invalid for 'name'"),
        (MINIMAL.replace("foo", "föö"), "is invalid for 'name'"),
        (MINIMAL.replace("1.0", "dog"), "'dog' is invalid for 'version'"),
        (MINIMAL.replace("1.0", "1" * 5000), "metadata"),
        (MINIMAL + "Name: bar\n", "the field 'name' is repeated or malformed"),
        (MINIMAL + "NAME: foo\n", "the field 'name' is repeated or malformed"),
        (MINIMAL + "Project-URL: A, b\nProject-URL: A, c\n", "'project-url' is repeated"),
        (MINIMAL + "License-Expression: MIT\n", "introduced in metadata version 2.4, not 2.1"),
        (MINIMAL + "Requires-Python: x\n", "invalid for 'requires-python'"),
        (MINIMAL + "Requires-Dist: foo bar\n", "invalid for 'requires-dist'"),
        (MINIMAL + "Requires-Dist: a; " + "(" * 3000 + "\n", "metadata"),
        (MINIMAL + "Description-Content-Type: text/html\n", "content"),
        (MINIMAL + "Summary: a\n  b\n", "single line"),
        (MINIMAL.replace("2.1", "2.4") + "License-Expression: " + "(" * 3000 + "\n", "metadata"),
        (MINIMAL.replace("2.1", "2.2") + "Dynamic: Name\n", "dynamic"),
        (MINIMAL + "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n", "description"),
        (MINIMAL + "Description: one\n\ntwo\n", "'description' is repeated"),
    ],
)
def test_bad_fields_are_refused_with_a_reason(text: str, reason: str) -> None:
    assert reason in refusal(text)


def test_several_problems_are_told_at_once_but_not_all() -> None:
    sentence = refusal(
        "Metadata-Version: 2.1\nName: -\nVersion: dog\nRequires-Python: x\nRequires-Dist: !\n"
    )
    assert sentence.count(";") == 3
    assert sentence.endswith("; and 1 more")


def test_text_that_is_not_utf8_is_refused() -> None:
    assert "not UTF-8" in refusal(MINIMAL.encode() + b"Author: Zo\xeb\n")


def test_a_transfer_encoding_does_not_change_the_description() -> None:
    text = MINIMAL + "Content-Transfer-Encoding: base64\n\nYWJj"
    assert read(text).description == "YWJj"


@pytest.mark.parametrize("place", ["Summary: a\0b\n", "Name\0: x\n", "\nbody\0"])
def test_nul_characters_are_refused_everywhere(place: str) -> None:
    assert "NUL" in refusal(MINIMAL + place)


def test_metadata_over_ten_mebibytes_is_refused() -> None:
    body = "x" * (metadata.MAX_BYTES - len(MINIMAL) - 1)
    assert read(MINIMAL + "\n" + body).description == body
    assert "larger than 10 MiB" in refusal(MINIMAL + "\n" + body + "x")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("Classifier: x\n" * 300_000, "more than 5000 fields"),
        ("".join(f"a{n}:\n" for n in range(4000)), "more than 100 different fields"),
        ("".join(f"a{n}:\r" for n in range(400_000)), "more than 5000 fields"),
        ("Description-Content-Type: " + "a;" * 2_000_000 + "\n", "longer than 10000"),
        ("Requires-Dist: a; " + "a or " * 1_000_000 + "\n", "longer than 10000"),
        ("Provides-Dist: a; " + "a or " * 1_000_000 + "\n", "longer than 10000"),
        (("Requires-Dist: a" + ">=1," * 2000 + ">=1\n") * 1200, "longer than 524288"),
    ],
)
def test_fields_that_would_take_minutes_are_refused_in_seconds(fields: str, reason: str) -> None:
    start = time.monotonic()
    assert reason in refusal(MINIMAL + fields)
    assert time.monotonic() - start < 5


def test_long_values_of_unchecked_fields_are_fine() -> None:
    text = MINIMAL + "License: " + "all of it, " * 10_000 + "\n"
    assert read(text).license is not None


@pytest.mark.parametrize(
    ("name", "version"), [("Foo_Bar", "1.0.post1"), ("foo-bar", "1-1"), ("FOO.BAR", "v1.post1")]
)
def test_the_form_may_spell_the_same_identity_otherwise(name: str, version: str) -> None:
    metadata.require_same_identity(read(FULL), name=name, version=version, where=WHERE)


@pytest.mark.parametrize(
    ("name", "version", "shown"),
    [
        ("foobar", "1.0.post1", ["'Foo.Bar'", "'foobar'"]),
        ("foo-bar", "1.0", ["'1.0.post1'", "'1.0'"]),
        ("foo-bar", "dog", ["'dog'"]),
        ("föö\n", "1.0", [r"'f\xf6\xf6\n'"]),
    ],
)
def test_another_identity_in_the_form_is_refused(name: str, version: str, shown: list[str]) -> None:
    with pytest.raises(MetadataError) as caught:
        metadata.require_same_identity(read(FULL), name=name, version=version, where=WHERE)
    assert is_one_plain_line(str(caught.value))
    assert all(value in str(caught.value) for value in shown)


_LINES = st.lists(
    st.one_of(
        st.text(),
        st.sampled_from(FULL.splitlines()),
        st.sampled_from(
            ["=?utf-8?q?=00?=", "Name: =?utf-8?q?=00?=", "Content-Type: message/rfc822"]
        ),
    )
)


@given(_LINES.map(lambda lines: MINIMAL + "\n".join(lines)))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_outcome(text.encode(errors="surrogatepass"))


def test_changed_metadata_is_read_or_refused() -> None:
    chance = random.Random(20261123)  # noqa: S311
    original = FULL.encode()
    for _ in range(1000):
        raw = bytearray(original)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        check_outcome(bytes(raw))


def check_outcome(raw: bytes) -> None:
    try:
        found = metadata.read(raw, where=WHERE)
    except MetadataError as error:
        sentence = str(error)
    else:
        sentence = "fine"
        assert r"\u0000" not in json.dumps(metadata.as_json(found))
    assert is_one_plain_line(sentence)
