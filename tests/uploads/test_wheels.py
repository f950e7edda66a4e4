"""What a wheel says of itself in its `.dist-info`."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.names import parse_filename
from tests.support.artifacts import make_wheel, zip_of
from tests.uploads.reading import sound, wheel
from uploads import wheels
from uploads.artifacts import read_wheel
from uploads.problems import ArtifactError

pytestmark = pytest.mark.once

INFO = "foo-1.0.dist-info"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


def texts(problems: object) -> str:
    return "; ".join(problem.text for problem in problems)  # type: ignore[attr-defined]


def code(raw: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        wheel(raw)
    return caught.value.code


def with_record(record: str, **files: str) -> bytes:
    members = {f"{INFO}/METADATA": "", f"{INFO}/WHEEL": WHEEL, f"{INFO}/RECORD": record}
    return zip_of(members | files)


def line(path: str, content: str = "", size: str | None = None) -> str:
    digest = hashlib.sha256(content.encode())
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{path},sha256={value},{len(content) if size is None else size}\n"


RECORD = line(f"{INFO}/METADATA") + line(f"{INFO}/WHEEL", WHEEL) + f"{INFO}/RECORD,,\n"


def test_a_record_that_is_right_is_accepted() -> None:
    assert wheel(with_record(RECORD)) == b""
    assert wheel(with_record(RECORD + line("a.py", "x"), **{"a.py": "x"})) == b""


@pytest.mark.parametrize(
    "record",
    [
        RECORD.replace(f"{INFO}/RECORD,,\n", ""),
        RECORD + "\n\n",
        RECORD.replace("\n", "\r\n"),
        RECORD.replace("/", "\\"),
        RECORD.replace(",0\n", ",\n"),
        RECORD.replace("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", EMPTY[7:] + "="),
        RECORD + f"{INFO}/RECORD.jws,,\n",
    ],
    ids=range(7),
)
def test_records_as_tools_have_written_them_are_accepted(record: str) -> None:
    assert wheel(with_record(record)) == b""


def test_a_wheel_that_was_renamed_for_a_platform_is_accepted() -> None:
    # Playwright's are: WHEEL says py3-none-any, the file name a platform
    filename, raw = make_wheel(filename="foo-1.0-cp311-cp311-linux_x86_64.whl")
    assert b"Tag: py3-none-any" in zipfile.ZipFile(io.BytesIO(raw)).read(f"{INFO}/WHEEL")
    assert sound(read_wheel(io.BytesIO(raw), parse_filename(filename)))


def test_other_good_digests_are_accepted() -> None:
    assert "sha3_384" in wheels.DIGESTS
    for algorithm in wheels.DIGESTS:
        value = base64.urlsafe_b64encode(hashlib.new(algorithm, b"x").digest()).decode()
        record = RECORD + f"a.py,{algorithm}={value.rstrip('=')},1\n"
        assert wheel(with_record(record, **{"a.py": "x"})) == b""


@pytest.mark.parametrize(
    ("record", "files", "wanted"),
    [
        (RECORD, {"a.py": "x"}, "record_missing"),
        (RECORD + line("a.py", "x"), {}, "record_absent"),
        (RECORD + line("a.py", "y"), {"a.py": "x"}, "record_content"),
        (RECORD + line("a.py", "x", "2"), {"a.py": "x"}, "record_content"),
        (RECORD + "a.py,,1\n", {"a.py": "x"}, "record_digest"),
        (RECORD + "a.py,md5=nThJRYBXTzHlvFmtgiNqFA,1\n", {"a.py": "x"}, "record_digest"),
        (RECORD + "a.py,sha256,1\n", {"a.py": "x"}, "record_digest"),
        (RECORD + "a.py,sha256=!,1\n", {"a.py": "x"}, "record_digest"),
        (RECORD + "a.py,sha256=é,1\n", {"a.py": "x"}, "record_digest"),
        (RECORD + "a.py\n", {"a.py": "x"}, "record"),
        (RECORD + line("a.py", "x") * 2, {"a.py": "x"}, "record"),
        (RECORD + line("a.py", "x", "-1"), {"a.py": "x"}, "record"),
        (RECORD + '"a.py,,', {"a.py": "x"}, "record"),
        (RECORD + "x" * 200_000, {}, "record"),
    ],
)
def test_a_record_that_is_not_right_is_refused(
    record: str, files: dict[str, str], wanted: str
) -> None:
    assert code(with_record(record, **files)) == wanted


def test_a_record_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        wheels.read_record(b"\xff")


def test_a_file_that_was_changed_after_the_wheel_was_built_is_found() -> None:
    raw = make_wheel(files={"foo/a.py": "x = 1\n", "foo/b.py": "y = 1\n"})[1]
    with pytest.raises(ArtifactError, match=r"foo/b\.py' in the wheel is not what RECORD says"):
        wheel(repacked(raw, "foo/b.py", b"y = 2\n"))


def repacked(raw: bytes, path: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zip_of(members | {path: content})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WHEEL, ""),
        (WHEEL.replace("1.0", "1.9"), ""),
        (WHEEL.replace("true", "False"), ""),
        (WHEEL.replace("1.0", "2.0"), "Wheel-Version 2.0"),
        (WHEEL.replace("1.0", "one"), "does not say its Wheel-Version"),
        (WHEEL.replace("1.0", "1"), "does not say its Wheel-Version"),
        (WHEEL.replace("true", "maybe"), "Root-Is-Purelib"),
        ("", "does not say its Wheel-Version"),
    ],
)
def test_wheel_says_what_installers_look_for(text: str, reason: str) -> None:
    found = texts(wheels.wheel_file_problems(text.encode()))
    assert reason in found
    assert bool(found) == bool(reason)


def test_wheel_must_be_utf_8() -> None:
    assert "not UTF-8" in texts(wheels.wheel_file_problems(b"\xff"))


@pytest.mark.parametrize(
    "name", [".foo", "foo..bar", "-_-", "123foo", "Foo", "foo.bar-baz_1", "höhle"]
)
def test_scripts_with_plain_names_are_fine(name: str) -> None:
    raw = f"[console_scripts]\n{name} = foo:main\n".encode()
    assert not texts(wheels.entry_point_problems(raw))


@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts"])
@pytest.mark.parametrize(
    "name",
    ["/foo", "../../foo", "..", ".", "C:\\foo", "foo bar", "'foo:bar'", "a\tb", '"foo"', "a;b"],
)
def test_a_script_with_a_path_for_a_name_is_refused(group: str, name: str) -> None:
    raw = f"[{group}]\n{name} = foo:main\n".encode()
    assert "has a script with the name" in texts(wheels.entry_point_problems(raw))


@pytest.mark.parametrize(
    "raw",
    [b"\xff", b"no section", b"[a]\nx\n", b"[a]\nx=1\nx=2\n", b"[a]\n[a]\n", b"[console_scripts"],
)
def test_damaged_entry_points_are_refused(raw: bytes) -> None:
    assert "damaged" in texts(wheels.entry_point_problems(raw))


def test_other_groups_may_have_any_names() -> None:
    raw = b"[pytest11]\nfoo/bar = foo\n%s = %s\n[foo.plugins]\na b=c\n"
    assert not texts(wheels.entry_point_problems(raw))


def test_entry_points_in_a_wheel_are_looked_at() -> None:
    files = {f"{INFO}/entry_points.txt": "[console_scripts]\n../x = foo:main\n"}
    assert code(make_wheel(files=files)[1]) == "entry_points"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("foo-1.0.data/scripts/x", ""),
        ("foo-1.0.data/data/share/x", ""),
        ("foo.dataset/x", ""),
        ("foo-1.0.data/evil/x", "data_scheme"),
        ("foo-1.0.data/x", "data_scheme"),
        ("foo-1.0.data/purelib", "data_scheme"),
        ("bar.data/x/y", "data_scheme"),
        ("bar-1.0.data/purelib/foo/x", "data_scheme"),
        ("foo-1.0-3.data/scripts/x", ""),  # of bdist_wheel --build-number
        ("foo-1.data/scripts/x", ""),  # of older setuptools, with egg_info --tag-build
        ("bar-1.0.dist-info/METADATA", "dist_info"),
        ("FOO-1.0.DIST-INFO/x", "dist_info"),
        ("foo-1.0.data/purelib/foo/x", ""),
        ("foo-1.0.data/data/foo-1.0.dist-info/x", ""),
        ("foo-1.0.data/purelib/foo-1.0.dist-info/METADATA", "dist_info"),
        ("foo-1.0.data/platlib/bar-1.0.Dist-Info/METADATA", "dist_info"),
    ],
)
def test_folders_with_a_meaning_mean_this_distribution(path: str, wanted: str) -> None:
    found = list(wheels.layout_problems([f"{INFO}/METADATA", path], "foo-1.0"))
    assert [problem.code for problem in found] == ([wanted] if wanted else [])


@pytest.mark.parametrize("other", ["foo-1.0-3.data", "foo-1.0.0.data", "foo-1.data"])
def test_a_wheel_has_one_data_folder(other: str) -> None:
    paths = [f"{INFO}/METADATA", f"{DATA}/scripts/x", f"{other}/scripts/y"]
    found = list(wheels.layout_problems(paths, "foo-1.0"))
    assert [problem.code for problem in found] == ["data_scheme"]
    assert f"'{other}'" in found[0].text
    assert list(wheels.layout_problems([*paths[:1], *paths[2:]], "foo-1.0")) == []


DATA = "foo-1.0.data"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("foo/x.py", f"{DATA}/purelib/foo/x.py"),
        ("foo/x.py", f"{DATA}/platlib/foo/x.py"),
        (f"{DATA}/platlib/foo/x.py", f"{DATA}/purelib/foo/x.py"),
        ("foo/x.py", f"{DATA}/purelib/foo/X.py"),
        ("foo/x", f"{DATA}/purelib/foo/x/y.py"),
        ("foo/x/y.py", f"{DATA}/purelib/foo/x"),
    ],
)
def test_no_two_files_are_installed_to_one_place(first: str, second: str) -> None:
    for files in ({first: "a", second: "b"}, {second: "a", first: "a"}):
        with pytest.raises(ArtifactError, match="to one place") as caught:
            wheel(make_wheel(files=files)[1])
        assert caught.value.code == "collision"
        assert f"'{first}'" in str(caught.value)
        assert f"'{second}'" in str(caught.value)


@pytest.mark.parametrize("scheme", ["purelib", "platlib", "scripts", "headers", "data"])
def test_files_with_places_of_their_own_are_fine(scheme: str) -> None:
    second = "foo/y.py" if scheme.endswith("lib") else "foo/x.py"
    assert wheel(make_wheel(files={"foo/x.py": "a", f"{DATA}/{scheme}/{second}": "b"})[1])


@given(st.binary())
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    list(wheels.wheel_file_problems(raw))
    list(wheels.entry_point_problems(raw))
    try:
        wheels.read_record(raw)
    except ArtifactError as error:
        assert str(error).isascii()  # noqa: PT017 - both outcomes are fine
