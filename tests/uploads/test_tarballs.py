"""The reader of tar archives, through the door that uploads use."""

from __future__ import annotations

import gzip
import io
import random
import tarfile

import pytest

from projects.names import parse_filename
from tests.support.artifacts import make_sdist, make_wheel, tar_gz_of, tar_member
from tests.uploads.reading import sdist, sound
from uploads import artifacts, tarballs
from uploads.artifacts import ArtifactError, read_sdist
from uploads.problems import Budget

pytestmark = pytest.mark.once

PKG_INFO = "foo-1.0/PKG-INFO"
TEN_MEBIBYTES = 10 * 1024 * 1024


def refusal(raw: bytes) -> str:
    with pytest.raises(ArtifactError) as caught:
        sdist(raw)
    sentence = str(caught.value)
    assert is_one_plain_line(sentence)
    return sentence


def is_one_plain_line(sentence: str) -> bool:
    return sentence.isascii() and sentence.isprintable() and 0 < len(sentence) <= 400


def tar_gz(*blocks: bytes, end: bytes = bytes(1024)) -> bytes:
    return gzip.compress(b"".join(blocks) + end)


def pax(record: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    length = len(record) + 4
    return tar_member("pax", b"%d %s\n" % (length, record), type=kind)


def test_the_metadata_of_an_sdist_is_read() -> None:
    filename, raw = make_sdist("Foo.Bar", "1.0", metadata_extra="Summary: one\n")
    found = sound(read_sdist(io.BytesIO(raw), parse_filename(filename)))
    assert found == b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nSummary: one\n"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_archives_of_all_three_forms_are_read(form: int) -> None:
    long = "foo-1.0/" + "/".join(["d" * 60] * 3)
    assert sdist(tar_gz_of({long: "x", PKG_INFO: "found"}, form=form)) == b"found"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_in_extended_headers_are_understood(form: int) -> None:
    name = "x" * 150
    parsed = parse_filename(f"{name}-1.0.tar.gz")
    members = {f"{name}-1.0/{'other' * 30}": "no", f"{name}-1.0/PKG-INFO": "found"}
    assert sound(read_sdist(io.BytesIO(tar_gz_of(members, form=form)), parsed)) == b"found"


def test_modification_times_in_extended_headers_and_links_are_fine() -> None:
    raw = tar_gz(
        pax(b"comment=archived", tarfile.XGLTYPE),
        tar_member("foo-1.0", type=tarfile.DIRTYPE),
        pax(b"mtime=1.5"),
        tar_member(PKG_INFO, b"found"),
        tar_member("foo-1.0/link", type=tarfile.SYMTYPE, linkname="PKG-INFO"),
        tar_member("foo-1.0/hard", type=tarfile.LNKTYPE, linkname=PKG_INFO),
    )
    assert sdist(raw) == b"found"


@pytest.mark.parametrize("raw", [b"", b"\x1f", b"not gzip" * 99, make_wheel()[1]])
def test_an_sdist_that_is_no_gzip_file_is_refused(raw: bytes) -> None:
    assert "not a gzip file" in refusal(raw)


@pytest.mark.parametrize("content", [b"not a tar" * 99, b"x" * 512, b"\xff" * 1024])
def test_a_gzip_file_that_holds_no_tar_archive_is_refused(content: bytes) -> None:
    assert "not a tar archive" in refusal(gzip.compress(content))


@pytest.mark.parametrize("keep", [2, 10, 20, 300, -9, -8, -1])
def test_a_truncated_sdist_is_refused(keep: int) -> None:
    assert "truncated" in refusal(make_sdist()[1][:keep])


def test_a_tar_archive_cut_off_inside_a_sound_gzip_file_is_refused() -> None:
    whole = gzip.decompress(make_sdist()[1])
    for keep in (0, 100, 512, 700, 1025, 1100, 1536):
        assert "truncated" in refusal(gzip.compress(whole[:keep]))


@pytest.mark.parametrize("end", [0, 512, 1024, 1100, 1536])
def test_a_tar_archive_needs_no_blocks_at_its_end(end: int) -> None:
    # PyPI and pip take it; uv alone wants the two blocks
    assert sdist(tar_gz(tar_member(PKG_INFO, b"found"), end=bytes(end))) == b"found"


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([tar_member(PKG_INFO, b"found"), bytes(100)], "truncated"),
        ([tar_member(PKG_INFO, b"found"), b"rubbish"], "truncated"),
        ([tar_member(PKG_INFO, b"found"), b"rubbish".ljust(512)], "not a tar archive"),
        ([tar_member(PKG_INFO, b"found"), tar_member("foo-1.0/x", b"x")[:512]], "truncated"),
        ([tar_member(PKG_INFO, b"found")[:-1]], "truncated"),
        ([tar_member(PKG_INFO, b"found"), pax(b"mtime=1")], "after an extended header"),
        ([], "truncated"),
    ],
    ids=range(7),
)
def test_without_blocks_at_its_end_everything_before_must_be_whole(
    blocks: list[bytes], sentence: str
) -> None:
    assert sentence in refusal(tar_gz(*blocks, end=b""))


@pytest.mark.parametrize("at", [-1, -5])
def test_a_wrong_checksum_or_length_of_an_sdist_is_refused(at: int) -> None:
    raw = bytearray(make_sdist()[1])
    raw[at] ^= 1
    assert "damaged" in refusal(bytes(raw))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (b"x", "followed by other bytes"),
        (bytes(600) + b"x", "followed by other bytes"),
        (bytes(70_000) + b"x", "followed by other bytes"),
        (b"\0" + gzip.compress(bytes(512)), "followed by other bytes"),  # gzip does not read it
        (b"\x1f", "truncated"),
        (gzip.compress(bytes(512))[:-1], "truncated"),
        (b"\x1f\x8bx" * 9, "damaged"),
        (gzip.compress(b"x"), "after its end"),
        (make_sdist()[1], "after its end"),
    ],
    ids=range(9),
)
def test_bytes_after_an_sdist_are_refused(more: bytes, sentence: str) -> None:
    assert sentence in refusal(make_sdist()[1] + more)


def test_zeros_after_an_sdist_are_fine() -> None:
    for count in (1, 511, 65_536, 200_000):
        assert sdist(make_sdist()[1] + bytes(count)).startswith(b"Metadata-Version")


@pytest.mark.parametrize("length", [1, 100, 512, 4096])
def test_an_sdist_of_several_gzip_members_is_read_as_one(length: int) -> None:
    whole = gzip.decompress(make_sdist()[1])
    parts = [whole[at : at + length] for at in range(0, len(whole), length)]
    members = b"".join(gzip.compress(part) for part in [*parts, b""])
    assert sdist(members + bytes(20)) == sdist(make_sdist()[1])


def test_several_gzip_members_have_one_budget_together(monkeypatch: pytest.MonkeyPatch) -> None:
    end = gzip.compress(bytes(1024))
    monkeypatch.setattr(artifacts, "MIN_INFLATED", TEN_MEBIBYTES)
    monkeypatch.setattr(artifacts, "MAX_METADATA", 0)
    member = tar_gz(tar_member(PKG_INFO, b""), end=b"")
    bomb = b"".join(
        gzip.compress(tar_member(f"foo-1.0/{number}", bytes(2 * 1024**2))) for number in range(6)
    )
    assert "inflates to far more" in refusal(member + bomb + end)
    monkeypatch.setattr(tarballs, "MAX_GZIP_MEMBERS", 3)
    assert "more than 3 members" in refusal(member + gzip.compress(b"") * 9 + end)


def test_content_after_the_end_of_a_tar_archive_is_refused() -> None:
    hidden = bytes(1024) + tar_member(PKG_INFO, b"other") + bytes(1024)
    assert "after its end" in refusal(tar_gz(tar_member(PKG_INFO, b"a"), end=hidden))


def test_an_sdist_without_pkg_info_is_refused() -> None:
    for raw in (tar_gz(tar_member("foo-1.0/setup.py", b"")), tar_gz()):
        assert "the sdist has no 'foo-1.0/PKG-INFO'" in refusal(raw)


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        (PKG_INFO, "twice"),
        ("./foo-1.0/PKG-INFO", "plain spelling"),
        ("foo-1.0//PKG-INFO", "plain spelling"),
        ("foo-1.0/x/../PKG-INFO", "leads out"),
        ("/foo-1.0/PKG-INFO", "absolute"),
        ("foo-1.0/pkg-info", "one file on many systems"),
        ("foo-1.0\\PKG-INFO", "backslash"),
    ],
)
def test_pkg_info_twice_or_also_in_another_spelling_is_refused(alias: str, reason: str) -> None:
    raw = tar_gz(tar_member(PKG_INFO, b"a"), tar_member("foo-1.0/x", b"x"), tar_member(alias, b"b"))
    assert reason in refusal(raw)


def test_pkg_info_in_another_spelling_only_is_refused() -> None:
    for alias in ("./foo-1.0/PKG-INFO", "foo-1.0/pkg-info"):
        assert "has no 'foo-1.0/PKG-INFO'" in refusal(tar_gz(tar_member(alias, b"b")))


@pytest.mark.parametrize(
    "folder", [tar_member("bar/x", b"x"), tar_member("bar", type=tarfile.DIRTYPE)]
)
def test_an_sdist_has_one_folder(folder: bytes) -> None:
    raw = tar_gz(tar_member(PKG_INFO, b"a"), folder)
    assert "beside its one folder 'foo-1.0'" in refusal(raw)


def test_the_folder_is_named_as_the_file() -> None:
    raw = tar_gz(tar_member("foo-1.0.0/PKG-INFO", b"a"))
    assert "has no 'foo-1.0/PKG-INFO'" in refusal(raw)


def link(path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    return tar_member(path, type=kind, linkname=target)


@pytest.mark.parametrize(
    "links",
    [
        [link("foo-1.0/a", "/etc/passwd")],
        [link("foo-1.0/a", "../../x")],
        [link("foo-1.0/a", "..")],
        [link("foo-1.0/a", "../bar/x")],
        [link("foo-1.0/d/a", "../../x")],
        [link("foo-1.0/a", "..\\..\\x")],
        [link("foo-1.0/a", "")],
        [link("foo-1.0/d", "."), link("foo-1.0/e", "d/..")],
        [link("foo-1.0/d", "sub"), link("foo-1.0/e", "d/x")],
        [pax(b"linkpath=../../x"), link("foo-1.0/a", "PKG-INFO")],
        [
            tar_member("l", b"../../x\0", type=tarfile.GNUTYPE_LONGLINK),
            link("foo-1.0/a", "PKG-INFO"),
        ],
        [link("foo-1.0/a", "foo-1.0/absent", tarfile.LNKTYPE)],
        [link("foo-1.0/a", "PKG-INFO", tarfile.LNKTYPE)],
        [link("foo-1.0/a", "/etc/passwd", tarfile.LNKTYPE)],
        [link("foo-1.0/s", "PKG-INFO"), link("foo-1.0/h", "foo-1.0/s", tarfile.LNKTYPE)],
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(links: list[bytes]) -> None:
    assert "he link 'foo-1.0/" in refusal(tar_gz(tar_member(PKG_INFO, b"a"), *links))


def test_nothing_lies_below_a_link() -> None:
    members = [link("foo-1.0/d", "sub"), tar_member("foo-1.0/d/x", b"x")]
    assert "both file and folder" in refusal(tar_gz(tar_member(PKG_INFO, b"a"), *members))


@pytest.mark.parametrize("target", ["PKG-INFO", "./PKG-INFO", "sub/../PKG-INFO", "sub"])
def test_links_inside_of_the_folder_are_fine(target: str) -> None:
    assert sdist(tar_gz(tar_member(PKG_INFO, b"a"), link("foo-1.0/a", target))) == b"a"


def test_a_size_that_is_given_twice_alike_is_fine() -> None:
    """Some tools write each size into an extended header, too."""
    assert sdist(tar_gz(pax(b"size=1"), tar_member(PKG_INFO, b"a"))) == b"a"


def test_a_tar_archive_that_is_also_a_zip_archive_is_refused() -> None:
    tar = tar_member(PKG_INFO, b"a") + bytes(1024)
    end = b"PK\x05\x06" + bytes(16) + (8).to_bytes(2, "little")
    stored = tar + end.ljust(512, b"\0")
    raw = gzip.compress(stored, compresslevel=0)
    assert sdist(gzip.compress(tar)) == b"a"
    assert "both a zip and a tar" in refusal(raw)


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([tar_member("foo-1.0/x", type=tarfile.GNUTYPE_SPARSE)], "sparse"),
        ([pax(b"GNU.sparse.size=999")], "sparse"),
        ([pax(b"size=99999")], "has two sizes"),
        ([pax(b"size=01")], "has two sizes"),
        ([pax(b"size=1", tarfile.XGLTYPE)], "all its members one size"),
        ([pax(b"path=a"), pax(b"path=b")], "names one member twice"),
        ([pax(b"mtime=1"), pax(b"mtime=2")], "names one member twice"),
        ([pax(b"linkpath=a"), pax(b"linkpath=b")], "names one member twice"),
        (
            [tar_member("l", b"a\0", type=tarfile.GNUTYPE_LONGNAME), pax(b"path=b")],
            "names one member twice",
        ),
        (
            [tar_member("l", b"a\0", type=tarfile.GNUTYPE_LONGLINK)] * 2,
            "names one member twice",
        ),
        ([pax(b"path=foo-1.0/PKG-INFO", tarfile.XGLTYPE)], "all its members alike"),
        ([pax(b"linkpath=x", tarfile.XGLTYPE)], "all its members alike"),
        ([pax(b"mtime")], "damaged extended header"),
        ([tar_member("p", b"99 a=b\n", type=tarfile.XHDTYPE)], "damaged extended header"),
        ([tar_member("p", b"1" * 2000, type=tarfile.XHDTYPE)], "damaged extended header"),
        ([tar_member("p", b"6 a=bc", type=tarfile.XHDTYPE)], "damaged extended header"),
        ([tar_member("p", b"0 a=b\n", type=tarfile.XHDTYPE)], "damaged extended header"),
        ([tar_member("p", b"6 a=b\n6 a=c\n", type=tarfile.XHDTYPE)], "repeated record"),
        ([tar_member("p", bytes(70_000), type=tarfile.XHDTYPE)], "too large"),
        ([tar_member("foo-1.0/x", type=tarfile.CHRTYPE)], "not a file, a directory or a link"),
        ([tar_member("foo-1.0/x", type=tarfile.FIFOTYPE)], "not a file, a directory or a link"),
        ([tar_member("foo-1.0/x", type=b"V")], "not a file, a directory or a link"),
        ([tar_member("foo-1.0/x", b"xyz", type=tarfile.SYMTYPE)], "with content"),
        ([tar_member("foo-1.0/x", size=-5)], "negative size"),
    ],
)
def test_members_that_tools_disagree_about_are_refused(blocks: list[bytes], reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason) as caught:
        sdist(tar_gz(*blocks, tar_member(PKG_INFO, b"a")))
    assert is_one_plain_line(str(caught.value))


def with_prefix(block: bytes, magic: bytes, prefix: bytes) -> bytes:
    """A member whose path is in two parts, and whose header says of what kind it is."""
    changed = bytearray(block)
    changed[257:265], changed[345:500] = magic, prefix.ljust(155, b"\0")
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed[:512])
    return bytes(changed)


@pytest.mark.parametrize("magic", [b"ustar  \0", b"ustar\x0001", bytes(8)])
def test_a_path_that_only_some_tools_put_together_is_refused(magic: bytes) -> None:
    # GNU tar reads two of these as PKG-INFO once more, and Python as another file
    hidden = with_prefix(tar_member(PKG_INFO, b"other"), magic, b"foo-1.0/x")
    assert "has two paths" in refusal(tar_gz(tar_member(PKG_INFO, b"found"), hidden))
    assert sdist(tar_gz(with_prefix(tar_member(PKG_INFO, b"found"), magic, b""))) == b"found"


def test_a_path_in_two_parts_is_put_together() -> None:
    raw = tar_gz(with_prefix(tar_member("PKG-INFO", b"found"), b"ustar\x0000", b"foo-1.0"))
    assert sdist(raw) == b"found"


def test_an_extended_header_can_rename_a_member_to_pkg_info() -> None:
    renamed = [pax(b"path=foo-1.0/PKG-INFO"), tar_member("foo-1.0/x", b"b")]
    assert "twice" in refusal(tar_gz(tar_member(PKG_INFO, b"a"), *renamed))


def test_an_extended_header_without_its_member_is_refused() -> None:
    raw = tar_gz(tar_member(PKG_INFO, b"a"), pax(b"mtime=1"))
    assert "after an extended header" in refusal(raw)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_pkg_info_must_be_a_regular_file(kind: bytes) -> None:
    raw = tar_gz(tar_member(PKG_INFO, type=kind, linkname="x"))
    assert "no regular file" in refusal(raw)


def test_pkg_info_of_ten_mebibytes_is_read_and_more_is_refused() -> None:
    text = random.Random(1).randbytes(TEN_MEBIBYTES + 1)  # noqa: S311
    assert len(sdist(tar_gz(tar_member(PKG_INFO, text[:-1])))) == TEN_MEBIBYTES
    assert "at most 10 MiB" in refusal(tar_gz(tar_member(PKG_INFO, text)))


def test_an_sdist_that_inflates_two_hundredfold_is_refused() -> None:
    raw = tar_gz(tar_member(PKG_INFO, b"a"), tar_member("foo-1.0/x", bytes(120 * 1024 * 1024)))
    assert len(raw) * artifacts.MAX_TAR_RATIO < 120 * 1024 * 1024
    assert "inflates" in refusal(raw)


def test_a_small_sdist_may_inflate_well() -> None:
    raw = tar_gz(tar_member(PKG_INFO, b"a"), end=bytes(512 * 1024))
    assert len(raw) * artifacts.MAX_TAR_RATIO < 512 * 1024
    assert sdist(raw) == b"a"


def test_no_sdist_inflates_to_more_than_the_absolute_limit() -> None:
    content = tarballs.Inflated(io.BytesIO(gzip.compress(bytes(1000))), Budget(999, 60))
    with pytest.raises(ArtifactError, match="inflates"):
        content.skip(1000)
    assert artifacts.MAX_INFLATED == 8 * 1024**3


def test_no_archive_takes_longer_than_its_time() -> None:
    content = tarballs.Inflated(io.BytesIO(gzip.compress(bytes(1000))), Budget(1000, -1))
    with pytest.raises(ArtifactError, match="takes too long"):
        content.skip(1000)


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tarballs.MAX_MEMBERS == 100_000
    monkeypatch.setattr(tarballs, "MAX_MEMBERS", 10)
    files = [tar_member(f"foo-1.0/{number}", b"") for number in range(9)]
    assert sdist(tar_gz(tar_member(PKG_INFO, b"a"), *files)) == b"a"
    for one_more in (files[0], pax(b"comment=x", tarfile.XGLTYPE)):
        assert "more than 10" in refusal(tar_gz(tar_member(PKG_INFO, b"a"), *files, one_more))
