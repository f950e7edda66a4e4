"""Archives that hold an API token of this index."""

from __future__ import annotations

import base64
import gzip
import json
import random
import struct
import tarfile
import tracemalloc
from collections.abc import Callable
from string import ascii_letters
from typing import Any

import pytest
from pymacaroons import Macaroon

from accounts.models import OutboxMail
from accounts.notices import render
from projects.models import File
from tests.support.artifacts import make_sdist, make_wheel, tar_gz_of
from tests.support.people import Person
from tests.support.uploading import basic, said, upload
from tests.tokens.keys import make
from tokens import macaroons
from tokens.models import APIToken
from uploads import scanning

pytestmark = pytest.mark.once

Build = Callable[..., tuple[str, bytes]]
BUILDS = pytest.mark.parametrize("build", [make_wheel, make_sdist], ids=["wheel", "sdist"])


def send(text: str, build: Build, files: dict[str, str | bytes]) -> Any:
    """Upload an archive with these files."""
    return upload(text, artifact=build("foo", "1.0", files=files), is_sdist=build is make_sdist)


@BUILDS
def test_a_token_inside_is_refused_and_revoked_and_its_owner_told_where(
    alice: Person, bob: Person, build: Build
) -> None:
    leaked, text = make(bob, "bob's job")
    response = send(make(alice)[1], build, {"foo/.pypirc": f"[pypi]\npassword = {text}\n"})
    answer = said(response)
    assert "foo/.pypirc' in foo-1.0" in answer
    assert "holds an API token of this index" in answer
    assert not File.objects.exists()
    leaked.refresh_from_db()
    assert leaked.revoked_cause == APIToken.Cause.UPLOAD
    mail = OutboxMail.objects.get(notice="token_leaked")
    assert mail.recipient == bob.email
    assert "foo/.pypirc" in str(render(mail).body)
    assert text[-30:] not in answer


def test_an_sdist_without_blocks_at_its_end_is_read_to_its_end(alice: Person) -> None:
    leaked, inside = make(alice, "leaked")
    _token, text = make(alice)
    for last, is_taken in (("x = 1\n", True), (f"x = {inside!r}\n", False)):
        filename, raw = make_sdist("foo", "1.0", files={"foo/last.py": last})
        body = gzip.decompress(raw).rstrip(b"\0")
        whole = body + bytes(-len(body) % tarfile.BLOCKSIZE)
        response = upload(text, artifact=(filename, gzip.compress(whole)), is_sdist=True)
        assert (response.status_code == 200) == is_taken
        File.objects.all().delete()
    assert "foo/last.py' in foo-1.0" in said(response)
    leaked.refresh_from_db()
    assert leaked.revoked_cause == APIToken.Cause.UPLOAD


@BUILDS
def test_the_token_that_uploads_may_be_the_one_inside(alice: Person, build: Build) -> None:
    _token, text = make(alice)
    assert "holds an API token" in said(send(text, build, {"foo/a.py": f"T = {text!r}"}))
    assert "because it was inside a file that was uploaded" in said(upload(text))


@pytest.mark.parametrize(
    ("path", "wrap"),
    [
        (".github/workflows/release.yml", "env:\n  TWINE_PASSWORD: {}\n"),
        ("notes.ipynb", json.dumps({"cells": [{"source": ["token = '{}'\\n"]}]})),
        ("foo/binary.dat", "\x00\x01{}\x00"),
        ("foo/long.txt", "x" * (3 * 256 * 1024 - 100) + "{}" + "\n" * 1000),
        ("foo/edge.txt", "x" * (256 * 1024 - 50) + "\n{}\n"),
        ("foo/" + "d/" * 100 + "deep.py", "{}"),
    ],
)
@BUILDS
def test_a_token_is_found_wherever_it_is(alice: Person, build: Build, path: str, wrap: str) -> None:
    leaked, inside = make(alice, "leaked")
    response = send(make(alice)[1], build, {path: wrap.replace("{}", inside)})
    assert "holds an API token" in said(response)
    leaked.refresh_from_db()
    assert leaked.revoked_at


def test_a_token_is_found_in_a_later_gzip_member(alice: Person) -> None:
    leaked, inside = make(alice, "leaked")
    filename, raw = make_sdist("foo", "1.0", files={"foo/a.py": f"T = {inside!r}"})
    whole = gzip.decompress(raw)
    at = whole.index(inside.encode()) + 20
    artifact = filename, gzip.compress(whole[:at]) + gzip.compress(whole[at:]) + bytes(100)
    response = upload(make(alice)[1], artifact=artifact, is_sdist=True)
    assert "holds an API token" in said(response)
    leaked.refresh_from_db()
    assert leaked.revoked_at


@BUILDS
def test_a_narrowed_copy_counts_and_so_does_a_token_that_was_revoked(
    alice: Person, build: Build
) -> None:
    leaked, inside = make(alice, "leaked")
    narrow = macaroons.attenuate(inside, ["[0,5,0]"])
    text = make(alice)[1]
    for _turn in range(2):
        assert "holds an API token" in said(send(text, build, {"foo/a.py": narrow}))
    leaked.refresh_from_db()
    assert leaked.revoked_at
    assert OutboxMail.objects.filter(notice="token_leaked").count() == 1


@BUILDS
def test_texts_without_a_right_signature_are_let_through(alice: Person, build: Build) -> None:
    token, text = make(alice)
    forged = macaroons.mint(location="localhost", identifier=token.pk, key=b"x" * 32, caveats=[])
    elsewhere = macaroons.mint(
        location="test.example.org", identifier=token.pk, key=b"x" * 32, caveats=[]
    )
    files: dict[str, str | bytes] = {
        "foo/a.py": f"{forged} {elsewhere} {text[:-9]} pypi-{'A' * 100}",
        "foo/b.py": f"pypi-{'A' * 100} " * 600,
    }
    assert send(text, build, files).status_code == 200
    token.refresh_from_db()
    assert not token.revoked_at
    assert not OutboxMail.objects.filter(notice="token_named").exists()


def test_names_in_gnu_headers_are_told(alice: Person) -> None:
    leaked, inside = make(alice, "leaked")
    path = "foo-1.0/" + "d" * 120 + ".txt"
    members = {"foo-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n", path: inside}
    content = tar_gz_of(members, form=tarfile.GNU_FORMAT)
    response = upload(make(alice)[1], artifact=("foo-1.0.tar.gz", content))
    assert "d" * 60 in said(response)
    leaked.refresh_from_db()
    assert leaked.revoked_at


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: f"pypi-{text}",
        lambda text: f"prod-pypi-token-{text}",
        lambda text: f"{text}-x",
        lambda text: f"{text}n",
        lambda text: text.encode("utf-16"),
        lambda text: f"Authorization: {basic(text)}",
        lambda text: f"data:\n  password: {base64.b64encode(text.encode()).decode()}\n",
        lambda text: "".join(f"pypi-{'A' * 90}{number} " for number in range(600)) + text,
        lambda text: f"pypi-Ag{'A' * 90}{text}",
        lambda text: base64.b64encode(f"[pypi]\npassword ={text}\n".encode()),
        lambda text: base64.b64encode(f"[pypi]\npassword  = {text}\n".encode()),
        lambda text: base64.encodebytes(f"[pypi]\npassword=  {text}\n".encode()),
        lambda text: f"token: >\n  {text[:70]}\n  {text[70:]}\n",
        lambda text: f"TOKEN = (\n    '{text[:70]}'\n    '{text[70:]}'\n)\n",
    ],
    ids=[
        "doubled",
        "before",
        "after",
        "letter",
        "utf-16",
        "header",
        "base64",
        "decoys",
        "glued",
        "2 bytes before it in base64",
        "1 byte before it in base64",
        "file in lines of base64",
        "lines",
        "pieces",
    ],
)
@BUILDS
def test_a_token_is_found_however_it_is_written(
    alice: Person, build: Build, wrap: Callable[[str], str | bytes]
) -> None:
    leaked, inside = make(alice, "leaked")
    assert "holds an API token" in said(send(make(alice)[1], build, {"foo/a": wrap(inside)}))
    leaked.refresh_from_db()
    assert leaked.revoked_at


def in_zip_comment(text: str) -> tuple[str, bytes]:
    filename, content = make_wheel()
    assert content.endswith(b"\0\0")
    return filename, content[:-2] + struct.pack("<H", len(text)) + text.encode()


def in_gzip_comment(text: str) -> tuple[str, bytes]:
    filename, content = make_sdist()
    return filename, content[:3] + b"\x10" + content[4:10] + text.encode() + b"\0" + content[10:]


def in_file_name(text: str) -> tuple[str, bytes]:
    return make_sdist(files={f"foo/{text}.txt": ""})


@pytest.mark.parametrize("hide", [in_zip_comment, in_gzip_comment, in_file_name])
def test_a_token_is_found_beside_the_files(
    alice: Person, hide: Callable[[str], tuple[str, bytes]]
) -> None:
    leaked, inside = make(alice, "leaked")
    sentence = said(upload(make(alice)[1], artifact=hide(inside)))
    assert sentence.startswith("Beside its files (in a comment or a name), foo-1.0")
    leaked.refresh_from_db()
    assert leaked.revoked_at
    assert not File.objects.exists()


def test_the_longest_token_that_is_taken_is_found_in_utf_16(alice: Person) -> None:
    leaked, inside = make(alice, "leaked")
    longest = Macaroon.deserialize(inside.removeprefix("pypi-"))
    for _number in range(37):
        longest.add_first_party_caveat(f'[1,["{"p" * 140}"]]')
    text = f"pypi-{longest.serialize()}"
    assert 7500 < len(text) <= macaroons.MAX_LENGTH
    content = ("\n" * (128 * 1024 - 4000) + text).encode("utf-16")
    assert "holds an API token" in said(send(make(alice)[1], make_wheel, {"foo/a": content}))
    leaked.refresh_from_db()
    assert leaked.revoked_at


def test_decoys_without_number_take_little_memory(alice: Person) -> None:
    # Each beginning may end in 160 places, so these are 9,600 texts, of 40 MB together
    chance = random.Random(7)  # noqa: S311  (the same decoys each time, no secret)
    decoys = "".join(
        "pypi-Ag00"
        + "".join(f"AAYg{''.join(chance.choices(ascii_letters, k=44))}" for _end in range(160))
        for _beginning in range(60)
    )
    text = make(alice)[1]
    tracemalloc.start()
    try:
        response = send(text, make_wheel, {"foo/a": decoys})
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert response.status_code == 200


@BUILDS
def test_an_archive_that_takes_too_long_to_look_at_is_refused(
    alice: Person, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "MAX_SECONDS", -1)
    assert "takes too long" in said(send(make(alice)[1], build, {"foo/a": "x"}))
    assert not File.objects.exists()


def test_only_so_much_of_a_large_file_is_looked_at(alice: Person) -> None:
    _leaked, inside = make(alice, "leaked")
    padding = "\n" * (10 * 1024 * 1024)
    response = send(make(alice)[1], make_wheel, {"foo/data.txt": padding + inside})
    assert response.status_code == 200
