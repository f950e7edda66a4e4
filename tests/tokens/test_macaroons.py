from __future__ import annotations

import base64
import random
import string
import tracemalloc
from uuid import UUID, uuid4

import pypitoken
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymacaroons import MACAROON_V1, MACAROON_V2, Macaroon

from tokens import macaroons

pytestmark = pytest.mark.once

KEY = bytes(range(32))
IDENTIFIER = UUID("d4d8a706-51a1-4844-a49f-12d4bc3db6f9")
LOCATION = "index.example.org"
USER = '[3,"00000000-0000-0000-0000-000000000001"]'

# Written by the public index with KEY and IDENTIFIER; in pieces, so that no scanner reports them.
_HEAD = "AgEIcHlwaS5vcmcCJGQ0ZDhhNzA2LTUxYTEtNDg0NC1hNDlmLTEyZDRiYzNkYjZmOQAC"
VECTORS = [
    ([], _HEAD[:-2] + "AABiBvDe2vCz695SdyI0baanDpWPo-" + "KrsMY1JKlsiJE7Rlfw"),
    (
        [USER],
        _HEAD
        + "KlszLCIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDEiXQAABiB2b_Xo8_yoAOTW0j0hvQ8g"
        "YsV27Q_ByRSOkutyO6CNmA",
    ),
    (
        ['[1,["foo"]]', '[2,["00000000-0000-0000-0000-000000000002"]]'],
        _HEAD
        + "C1sxLFsiZm9vIl1dAAIsWzIsWyIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDIiXV0AAAYg"
        "bsuK9gP6hdv5UI3S0ek9BBMLmF8PFXsp5R5NT9ZBdiQ",
    ),
]


def mint(*caveats: str) -> str:
    return macaroons.mint(location=LOCATION, identifier=IDENTIFIER, key=KEY, caveats=caveats)


def as_text(raw: bytes) -> str:
    return macaroons.PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw_token(*caveats: str) -> bytes:
    return base64.urlsafe_b64decode(mint(*caveats).removeprefix(macaroons.PREFIX) + "==")


@pytest.mark.parametrize(("caveats", "vector"), VECTORS)
def test_published_tokens_are_read(caveats: list[str], vector: str) -> None:
    parsed = macaroons.parse(macaroons.PREFIX + vector)
    assert parsed.identifier == IDENTIFIER
    assert parsed.caveats == tuple(caveats)
    assert macaroons.has_valid_signature(parsed, KEY)


@pytest.mark.parametrize(("caveats", "vector"), VECTORS)
def test_published_tokens_are_written_byte_for_byte(caveats: list[str], vector: str) -> None:
    location = macaroons.parse(macaroons.PREFIX + vector).location
    made = macaroons.mint(location=location, identifier=IDENTIFIER, key=KEY, caveats=caveats)
    assert made == macaroons.PREFIX + vector


def test_a_minted_token_is_read_back() -> None:
    parsed = macaroons.parse(mint(USER, '[1,["foo"]]'))
    assert (parsed.identifier, parsed.location) == (IDENTIFIER, LOCATION)
    assert parsed.caveats == (USER, '[1,["foo"]]')
    assert macaroons.has_valid_signature(parsed, KEY)


def test_another_key_makes_another_signature() -> None:
    assert not macaroons.has_valid_signature(macaroons.parse(mint(USER)), bytes(32))


@pytest.mark.parametrize("key", [b"", b"short", bytes(31)])
def test_a_short_key_neither_mints_nor_verifies(key: bytes) -> None:
    with pytest.raises(ValueError, match="root key"):
        macaroons.mint(location=LOCATION, identifier=IDENTIFIER, key=key, caveats=[])
    with pytest.raises(ValueError, match="root key"):
        macaroons.has_valid_signature(macaroons.parse(mint()), key)


def test_the_signature_is_not_in_the_representation() -> None:
    parsed = macaroons.parse(mint(USER))
    assert parsed._signature.decode() not in repr(parsed)
    assert parsed._signature not in repr(parsed).encode()


def test_a_removed_caveat_breaks_the_signature() -> None:
    macaroon = Macaroon.deserialize(mint(USER, '[1,["foo"]]').removeprefix(macaroons.PREFIX))
    del macaroon.caveats[-1]
    parsed = macaroons.parse(macaroons.PREFIX + macaroon.serialize())
    assert parsed.caveats == (USER,)
    assert not macaroons.has_valid_signature(parsed, KEY)


def test_an_attenuated_token_keeps_a_valid_signature() -> None:
    text = macaroons.attenuate(mint(USER), ['[1,["foo"]]', "[0,20,10]"])
    parsed = macaroons.parse(text)
    assert parsed.caveats == (USER, '[1,["foo"]]', "[0,20,10]")
    assert macaroons.has_valid_signature(parsed, KEY)


def test_attenuating_equals_minting_with_all_caveats() -> None:
    assert macaroons.attenuate(mint(USER), ["[0,20,10]"]) == mint(USER, "[0,20,10]")


def test_attenuating_malformed_text_is_refused() -> None:
    with pytest.raises(macaroons.MalformedToken):
        macaroons.attenuate("pypi-AgEI", ["[0,20,10]"])


def test_no_token_is_made_longer_than_the_limit() -> None:
    with pytest.raises(ValueError, match="4000"):
        mint("x" * 3000)
    with pytest.raises(ValueError, match="4000"):
        macaroons.attenuate(mint("x" * 2700), ["y" * 200])


def test_the_text_is_measured_before_it_is_decoded() -> None:
    long = Macaroon(location="", identifier=str(IDENTIFIER), key=KEY, version=MACAROON_V2)
    long.add_first_party_caveat("x" * 6000)
    text = macaroons.PREFIX + long.serialize()
    assert len(text) > macaroons.MAX_LENGTH
    with pytest.raises(macaroons.MalformedToken, match="too long"):
        macaroons.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pypi-",
        "pypi",
        "-",
        "PYPI-" + mint().removeprefix("pypi-"),
        " " + mint(),
        mint() + "\n",
        mint() + "=",
        mint() + "=\n=",
        mint()[:20] + "\n" + mint()[20:],
        mint()[:20] + "é" + mint()[20:],
        mint()[:20] + "\ud800" + mint()[20:],
        mint()[:20] + "\0" + mint()[20:],
        mint()[:-1],
        mint() + "AA",
        "pypi-" + mint(),
        mint().replace("pypi-", "pypi-!"),
    ],
)
def test_text_around_or_inside_a_token_is_refused(text: str) -> None:
    with pytest.raises(macaroons.MalformedToken):
        macaroons.parse(text)


def test_the_standard_alphabet_of_base64_is_refused() -> None:
    raw = next(r for r in (raw_token(f"[{n}]") for n in range(99)) if b"+" in base64.b64encode(r))
    text = macaroons.PREFIX + base64.b64encode(raw).decode().rstrip("=")
    with pytest.raises(macaroons.MalformedToken):
        macaroons.parse(text)


def test_insignificant_bits_of_the_last_character_are_refused() -> None:
    text = next(t for t in (mint("x" * n) for n in range(9)) if len(t.removeprefix("pypi-")) % 4)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    twin = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    decoded = [base64.urlsafe_b64decode(t.removeprefix("pypi-") + "==") for t in (text, twin)]
    assert decoded[0] == decoded[1]
    with pytest.raises(macaroons.MalformedToken, match="usual form"):
        macaroons.parse(twin)


def test_bytes_after_the_signature_are_refused() -> None:
    with pytest.raises(macaroons.MalformedToken, match="usual form"):
        macaroons.parse(as_text(raw_token() + b"more"))


def test_a_length_written_with_a_spare_byte_is_refused() -> None:
    raw = raw_token()
    assert raw[1:3] == b"\x01\x11"
    with pytest.raises(macaroons.MalformedToken, match="usual form"):
        macaroons.parse(as_text(raw[:2] + b"\x91\x00" + raw[3:]))


def test_a_token_without_location_is_refused() -> None:
    raw = raw_token()
    with pytest.raises(macaroons.MalformedToken, match="usual form"):
        macaroons.parse(as_text(raw[:1] + raw[3 + raw[2] :]))


def test_the_older_format_is_refused() -> None:
    old = Macaroon(location=LOCATION, identifier=str(IDENTIFIER), key=KEY, version=MACAROON_V1)
    with pytest.raises(macaroons.MalformedToken, match="older format"):
        macaroons.parse(macaroons.PREFIX + old.serialize())


def test_third_party_caveats_are_refused() -> None:
    macaroon = Macaroon(location=LOCATION, identifier=str(IDENTIFIER), key=KEY, version=MACAROON_V2)
    macaroon.add_third_party_caveat("other.example.org", "a key", "its id")
    with pytest.raises(macaroons.MalformedToken, match="third-party"):
        macaroons.parse(macaroons.PREFIX + macaroon.serialize())


def test_a_third_party_caveat_with_an_empty_key_is_refused() -> None:
    raw = raw_token("x")
    at = raw.index(b"\x02\x01x\x00") + 3
    with pytest.raises(macaroons.MalformedToken, match="third-party"):
        macaroons.parse(as_text(raw[:at] + b"\x04\x00" + raw[at:]))


def test_caveats_that_are_not_utf8_are_refused() -> None:
    raw = raw_token("xx")
    with pytest.raises(macaroons.MalformedToken, match="unreadable"):
        macaroons.parse(as_text(raw.replace(b"\x02\x02xx", b"\x02\x02\xff\xfe")))


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "not a uuid",
        IDENTIFIER.hex,
        str(IDENTIFIER).upper(),
        f"{{{IDENTIFIER}}}",
        f"urn:uuid:{IDENTIFIER}",
        "d4d8a706-51a1-4844-a49f-12d4bc3db6f٩",
        b"\xff" * 16,
    ],
)
def test_identifiers_that_are_not_canonical_uuids_are_refused(identifier: str | bytes) -> None:
    macaroon = Macaroon(location=LOCATION, identifier=identifier, key=KEY, version=MACAROON_V2)
    with pytest.raises(macaroons.MalformedToken, match="identifier"):
        macaroons.parse(macaroons.PREFIX + macaroon.serialize())


def test_a_signature_of_another_length_is_refused() -> None:
    raw = raw_token()
    assert raw[-34:-32] == b"\x06\x20"
    with pytest.raises(macaroons.MalformedToken, match="wrong length"):
        macaroons.parse(as_text(raw[:-34] + b"\x06\x1f" + raw[-31:]))


def test_pypitoken_reads_and_checks_our_tokens() -> None:
    project = str(uuid4())
    text = mint(
        "[0,2000,1000]", '[1,["foo","bar-baz"]]', f'[2,["{project}"]]', f'[3,"{IDENTIFIER}"]'
    )
    token = pypitoken.Token.load(text)
    assert (token.domain, token.identifier) == (LOCATION, str(IDENTIFIER))
    assert len(token.restrictions) == 4
    right = {"project_name": "foo", "project_id": project, "user_id": str(IDENTIFIER)}
    token.check(KEY, now=1500, **right)
    for wrong in (
        {"project_name": "other"},
        {"project_id": str(uuid4())},
        {"user_id": str(uuid4())},
    ):
        with pytest.raises(pypitoken.ValidationError):
            token.check(KEY, now=1500, **{**right, **wrong})
    with pytest.raises(pypitoken.ValidationError):
        token.check(KEY, now=2000, **right)


def test_tokens_attenuated_by_pypitoken_are_accepted() -> None:
    token = pypitoken.Token.load(mint(USER))
    token.restrict(project_names=["foo"], not_before=1000, not_after=2000)
    parsed = macaroons.parse(token.dump())
    assert macaroons.has_valid_signature(parsed, KEY)
    assert parsed.caveats[0] == USER
    assert len(parsed.caveats) == 3


@pytest.mark.parametrize("length", [1, 40, 63, 64, 127, 128, 250])
def test_a_token_is_named_by_what_is_left_of_it_whatever_its_site_is_called(length: int) -> None:
    text = macaroons.mint(location="x" * length, identifier=IDENTIFIER, key=KEY, caveats=[])
    for left in (text[:-30], text[5:], f"AgFyAgE AgE{'A' * 80} {text[:-30]}"):
        assert macaroons.find_identifier(left) == IDENTIFIER


def test_a_token_is_found_in_whatever_it_was_pasted_with() -> None:
    text, other = mint(USER), mint()
    wrapped = f"{text[:76]}\r\n  {text[76:]}"
    unseen = f"{text[:40]}\u00ad{text[40:76]}\u200b{text[76:]}"
    for pasted in (text, f"password = {text}\n", f"{text}-x", f"a\n{text}\nb", wrapped, unseen):
        assert macaroons.find_pasted(pasted, 2)[0] == text
    assert macaroons.find_pasted(f"{text} {other} {text}", 9)[:2] == [text, other]
    assert macaroons.find_pasted(f"x {text[:-9]} y", 9)[0] == text[:-9]
    assert macaroons.find_pasted(f" {IDENTIFIER}\n", 9) == [str(IDENTIFIER)]


@pytest.mark.parametrize("form", ["pypi-Ag00AAYg000", "pypi-Ag", "AgE", "pypi-AgE\n", "\ud800"])
def test_a_text_that_is_made_of_beginnings_and_ends_gives_no_more_than_was_asked_for(
    form: str,
) -> None:
    text = form * (200_000 // len(form))
    tracemalloc.start()
    try:
        found = macaroons.find_pasted(text, 20)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert len(found) <= 20
    assert all(macaroons.find_identifier(one) is None for one in found)


def test_what_is_made_of_beginnings_alone_takes_no_more_time_than_other_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths: list[int] = []
    decode = base64.urlsafe_b64decode

    def count(body: bytes) -> bytes:
        lengths.append(len(body))
        return decode(body)

    monkeypatch.setattr(base64, "urlsafe_b64decode", count)
    content = b"pypi-Ag" * 2_000
    assert list(macaroons.find_texts(content)) == []
    assert 0 < sum(lengths) <= 8 * (len(content) + 4)  # in four ways, with white space and without


@given(st.one_of(st.text(), st.text(max_size=400).map(lambda text: "pypi-" + text)))
def test_arbitrary_text_is_malformed(text: str) -> None:
    with pytest.raises(macaroons.MalformedToken):
        macaroons.parse(text)


@given(st.binary(max_size=300).map(lambda raw: as_text(b"\x02" + raw)))
def test_arbitrary_bytes_are_malformed(text: str) -> None:
    with pytest.raises(macaroons.MalformedToken):
        macaroons.parse(text)


@given(st.integers(min_value=0))
def test_a_changed_token_is_malformed_or_has_no_valid_signature(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    original = mint(USER, '[1,["foo"]]')
    raw = bytearray(raw_token(USER, '[1,["foo"]]'))
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(raw))
        end = at + chance.randrange(3)
        raw[at:end] = chance.randbytes(chance.randrange(4))
    text = as_text(bytes(raw))
    try:
        parsed = macaroons.parse(text)
    except macaroons.MalformedToken:
        return
    is_same = parsed._signature == macaroons.parse(original)._signature
    only_location_differs = is_same and parsed.caveats == (USER, '[1,["foo"]]')
    assert (
        text == original or only_location_differs or not macaroons.has_valid_signature(parsed, KEY)
    )


@given(st.integers(min_value=0))
def test_a_changed_text_is_malformed_or_has_no_valid_signature(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    original = mint(USER)
    at = chance.randrange(len(original))
    text = original[:at] + chance.choice(string.printable + "é") + original[at + 1 :]
    try:
        parsed = macaroons.parse(text)
    except macaroons.MalformedToken:
        return
    location_differs = parsed.location != LOCATION
    assert text == original or location_differs or not macaroons.has_valid_signature(parsed, KEY)


def test_a_token_with_hundreds_of_caveats_is_not_parsed() -> None:
    assert macaroons.parse(mint(*(["x"] * macaroons.MAX_CAVEATS))).caveats
    with pytest.raises(macaroons.MalformedToken, match="more than 64 restrictions"):
        macaroons.parse(mint(*(["x"] * 200)))
