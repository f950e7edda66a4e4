"""Hashes that other sites made; those here were made with passlib 1.7.4 and Django 5.2."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher

from accounts.former_hashers import read_hash

pytestmark = pytest.mark.once
PASSWORD = "ferry lantern gravel teapot"
MADE_ELSEWHERE = [
    "$2b$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
    "$2y$04$DBc9Qdpx945BXl8oyQ79UO0PaBsNvRJzPot3dcqPGU5fuIYXAmjMG",
    "$2a$04$B3VHOAbsmgmRmQsApEGajuJJ0EpAbAHOhh5OdvCQbOEsbMxM3PXUC",
    "$bcrypt-sha256$v=2,t=2b,r=4$DJiZWdWzalqXA8M3BU2j6.$B2Ts9z6WGzdnin.inJst03LrEb2hFw2",
    "$bcrypt-sha256$2b,4$9b1mTSlBR/SC6oNxKXvk1e$vLhRBcvlPbNE3QFlNHAq2fEoPS/VS6a",
    "$pbkdf2-sha256$1000$pdR6T0npPce4d44R4vyfcw$9Bc7BUChHeRgaC4pm/4XDN1kSIi7QUDXT.Em0MoaUUA",
    "$pbkdf2-sha512$1000$dq611tobI6S0lpKSsnYuhQ$biWDK9mLs0VZuUGqGyQCW.yUFRuRC8RTr4QfDARyNM9ivKV"
    "N5bkq8aA83hT5KyxKiS.BzKtg7k2ReSnhVrMSmg",
    "$pbkdf2$1000$1zpHCME4pxQC4JyTUiqFEA$BiJSm6PCx7OYmAU0p11u2RbGqGA",
    "$argon2id$v=19$m=8,t=1,p=1$KaUUAoAQwtjbu/feG0PIuQ$F3HIEnrocA+Y0ItDlvUUPjE4/Pt102+hU4jcihiyptI",
    "bcrypt$$2b$04$5jgRU9QFPqc5Vrutm2kLXe/PWZQDwmBEEn.HpzXSmG.i4PjVK4gYS",
    "bcrypt_sha256$$2b$04$VYWVJ3pgZ4UIV2Cz7h/CAenNxwCauqkiCxQXhfobv6psgH5U8tekC",
    "pbkdf2_sha256$1000$df4r4t5HRp0d$L5uIsrSFteHDftmYci8/Z009NbHm8sAKt0TELnhU2zc=",
    "pbkdf2_sha1$1000$IeGI0asRZK9b$ihYxeZiFjrCTNtsHpJr6WCkzG0I=",
    "argon2$argon2id$v=19$m=8,t=1,p=1$KaUUAoAQwtjbu/feG0PIuQ"
    "$F3HIEnrocA+Y0ItDlvUUPjE4/Pt102+hU4jcihiyptI",
]
OF_80_LETTERS = (
    "$2b$04$5/EyrHztpD0JwRZKSckpj.4aMohWi0eNTWafdBwJFKdQUvkoPaHgO"  # passlib cut "x" * 80
)


@pytest.mark.parametrize("text", MADE_ELSEWHERE)
def test_a_hash_of_another_site_knows_its_password_and_no_other(text: str) -> None:
    encoded = read_hash(text)
    assert len(encoded) <= 256
    assert check_password(PASSWORD, encoded)
    for wrong in (
        "",
        "Ferry lantern gravel teapot",
        f"{PASSWORD} ",
        PASSWORD[:-1],
        "x" * 4096,
        "é",
    ):
        assert not check_password(wrong, encoded)


@pytest.mark.parametrize("text", MADE_ELSEWHERE)
def test_a_hash_that_was_altered_knows_no_password(text: str) -> None:
    for place in (-2, -8, len(text) // 2):
        altered = "x" if text[place] != "x" else "y"
        broken = text[:place] + altered + text[place + 1 :] if place > 0 else None
        broken = broken or text[:place] + altered + text[len(text) + place + 1 :]
        try:
            encoded = read_hash(broken)
        except ValueError:
            continue
        assert not check_password(PASSWORD, encoded)


@pytest.mark.parametrize("text", MADE_ELSEWHERE)
def test_a_former_hash_asks_to_be_made_anew(text: str) -> None:
    asked: list[str] = []
    encoded = read_hash(text)
    assert check_password(PASSWORD, encoded, setter=asked.append)
    assert asked == [PASSWORD]


def test_a_long_password_is_cut_where_bcrypt_always_cut_it() -> None:
    encoded = read_hash(OF_80_LETTERS)
    assert check_password("x" * 80, encoded)
    assert check_password("x" * 72, encoded)
    assert not check_password("x" * 71, encoded)


def test_each_form_has_a_hasher() -> None:
    names = {identify_hasher(read_hash(text)).algorithm for text in MADE_ELSEWHERE}
    assert names == {
        "argon2",
        "bcrypt",
        "bcrypt_sha256",
        "passlib_bcrypt_sha256",
        "passlib_pbkdf2",
        "pbkdf2_sha1",
        "pbkdf2_sha256",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "!",
        "$",
        "plaintext",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "md5$salt$9e107d9d372bb6826bd81d3542a419d6",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$6$rounds=5000$salt$x",
        "$2x$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
        "$2b$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0",
        "$2b$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e\n",
        "bcrypt$$2b$04$short",
        "$bcrypt-sha256$v=3,t=2b,r=4$DJiZWdWzalqXA8M3BU2j6.$B2Ts9z6WGzdnin.inJst03LrEb2hFw2",
        "$argon2id$v=19$m=8,t=1,p=1$KaUUAoAQwtjbu/feG0PIuQ",
        "$argon2d$v=19$m=8,t=1,p=1$KaUUAoAQwtjbu/feG0PIuQ$F3HIEnrocA",
        "pbkdf2_md5$1000$salt$aaaa",
        "pbkdf2_sha256$1000$$aaaa",
        "argon2$$2b$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
        MADE_ELSEWHERE[0] + "é",
    ],
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no password hash of a known form"):
        read_hash(text)


@pytest.mark.parametrize(
    "text",
    [
        "$2b$31$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
        "$2b$17$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
        "$2b$03$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e",
        "$bcrypt-sha256$v=2,t=2b,r=31$DJiZWdWzalqXA8M3BU2j6.$B2Ts9z6WGzdnin.inJst03LrEb2hFw2",
        "$pbkdf2-sha256$9999999$pdR6T0npPce4d44R4vyfcw$9Bc7BUChHeRgaC4pm",
        "pbkdf2_sha256$0$salt$aaaa",
        "$argon2id$v=19$m=9999999,t=1,p=1$KaUUAoAQwtjbu/feG0PIuQ$F3HIEnrocA",
        "$argon2id$v=19$m=8,t=0,p=1$KaUUAoAQwtjbu/feG0PIuQ$F3HIEnrocA",
    ],
)
def test_a_hash_that_would_take_too_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too long"):
        read_hash(text)


@pytest.mark.parametrize(
    "encoded",
    [
        "passlib_pbkdf2$pbkdf2-sha256$29000$x$y",
        "bcrypt$$2b$04$" + "z" * 53,
        "bcrypt_sha256$$2b$04$" + "z" * 53,
        "passlib_bcrypt_sha256$bcrypt-sha256$v=2,t=2b,r=4$" + "z" * 22 + "$" + "z" * 31,
        "argon2$argon2id$v=19$m=8,t=1,p=1$a$b",
        "argon2$argon2id$v=19$m=8,t=1,p=0$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaGE",
        "argon2$argon2id$v=19$m=1,t=1,p=8$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaGE",
    ],
)
def test_a_hash_that_cannot_be_read_is_not_imported_and_knows_no_password(encoded: str) -> None:
    assert not check_password(PASSWORD, encoded)
    own = encoded.removeprefix("passlib_pbkdf2").removeprefix("passlib_bcrypt_sha256")
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_hash(own)
