"""The format of API tokens: macaroons in pymacaroons' second binary form, as PyPI writes them.

Pure, and the only importer of pymacaroons. What a caveat means is not known here: the room
`caveats` reads them. A token is right only if its signature is valid *and* its caveats allow.
"""

from __future__ import annotations

import base64
import hmac
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile
from typing import Final
from uuid import UUID

from pymacaroons import MACAROON_V2, Macaroon

PREFIX: Final = "pypi-"
MAX_LENGTH: Final = 8000
"""Longest text that is decoded at all: parsing takes quadratic time (1 MB: 16 s)."""
MAX_MADE: Final = 4000
"""Longest text made here; base64 of it in a header still passes every web server."""

MAX_CAVEATS: Final = 64
"""So many at least are read; hundreds would take 20 ms of everybody's time."""

KEY_BYTES: Final = 32
_MAX_ZEROS: Final = MAX_CAVEATS + 2 + 32
"""A zero byte ends the head, each caveat and the list of them; a signature may hold 32."""
_SIGNATURE_HEX_DIGITS: Final = 64
_SIGNATURE: Final = re.compile(rb"\x00\x06\x20(?=.{32})", re.DOTALL)
"""The end of a token in binary form, and its length with what comes before it."""
_SIGNATURE_LENGTH: Final = 35
_BEGINNING: Final = re.compile(rb"pypi-(?=Ag[A-Za-z0-9_-]{80})")
_RUN: Final = re.compile(rb"pypi-Ag[A-Za-z0-9_-]{80,}")
_ENCODED: Final = tuple(
    (before, re.compile(begin + rb"[A-Za-z0-9+/_-]{100,}"))
    for before, begin in ((b"", rb"cHlwaS1BZ"), (b"AH", rb"B5cGktQW"), (b"AAB", rb"weXBpLUFn"))
)
"""The base64 of "pypi-A", by how many bytes stand before it in its group of three: the letters that
they only share with it, and those that are its own."""
_BETWEEN: Final = b"\0\t\n\r \"'\\"
"""What may stand inside of a text that is wrapped, quoted in pieces, or in UTF-16."""
_TEXT: Final = re.compile(r"pypi-[A-Za-z0-9_-]+\Z")
_ALMOST: Final = re.compile(r"(?=(Ag[E-H][A-Za-z0-9_-]{60,500}))")
_CUT_OFF: Final = re.compile(r"pypi-Ag[A-Za-z0-9_-]{20,8000}")
MAX_PASTED: Final = 20_000
"""So much of a text from outside is looked at."""
_MAX_TRIED: Final = 1000
"""So many beginnings with an end are tried in such a text, which may be made of nothing else."""
_IDENTIFIER: Final = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MalformedToken(ValueError):
    """The text is not a token in the one form that this index writes."""


@dataclass(frozen=True)
class ParsedToken:
    """A token that was read and not yet believed.

    The location is covered by no signature: use it to say "this token is for another index",
    never to decide.
    """

    identifier: UUID
    location: str
    caveats: tuple[str, ...]
    _signature: bytes = field(repr=False)  # lowercase hexadecimal; this is the secret part


def mint(*, location: str, identifier: UUID, key: bytes, caveats: Sequence[str]) -> str:
    """Return the text of a new token.

    Args:
        location: host name of the index, a hint for people and scanners.
        identifier: names the row that holds the key.
        key: root key of 32 random bytes or more.
        caveats: restrictions as the room `caveats` dumps them, in order.

    Raises:
        ValueError: the key is too short, the text would be longer than MAX_MADE characters, or
            would not be read back as it was meant.
    """
    return _as_text(_build(location, identifier, key, caveats))


def parse(text: str) -> ParsedToken:
    """Read a token without believing it.

    Stricter than pymacaroons, which takes several texts for one token: only the text that
    writing the token again would give is accepted, so a text can stand for its token.

    Raises:
        MalformedToken: whatever is wrong with the text.
    """
    macaroon = _read(text)
    try:
        identifier_text = macaroon.identifier_bytes.decode("ascii")
        identifier = UUID(identifier_text)
        caveats = tuple(caveat.caveat_id_bytes.decode("utf-8") for caveat in macaroon.caveats)
    except ValueError as error:  # UnicodeDecodeError is one
        raise MalformedToken(
            "the identifier or a restriction of the token is unreadable"
        ) from error
    if str(identifier) != identifier_text:
        raise MalformedToken("the identifier of the token is not written in its usual form")
    return ParsedToken(identifier, macaroon.location, caveats, macaroon.signature_bytes)


def has_valid_signature(parsed: ParsedToken, key: bytes) -> bool:
    """Tell whether the token was minted with this key and at most attenuated since.

    Compares in constant time. Caveats are covered, not evaluated.

    Raises:
        ValueError: the key is too short to be a root key.
    """
    right = _build(parsed.location, parsed.identifier, key, parsed.caveats)
    return hmac.compare_digest(right.signature_bytes, parsed._signature)


def attenuate(text: str, caveats: Sequence[str]) -> str:
    """Return the token with further caveats, as any holder can make it without a key.

    Raises:
        MalformedToken: the text is not a token.
        ValueError: the result would be longer than MAX_MADE characters.
    """
    parse(text)
    macaroon = _read(text)
    for caveat in caveats:
        macaroon.add_first_party_caveat(caveat)
    return _as_text(macaroon)


def find_texts(content: bytes) -> Iterator[str]:
    """Yield what may be a token's text, whatever stands before and after it without a space.

    Also in several lines, in UTF-16, and in base64, by itself or with what it stands in, such as an
    Authorization header. Nothing is checked here.
    """
    for some in (content, content.translate(None, _BETWEEN)):
        yield from _texts_in(some)
        for before, encoded in _ENCODED:
            for found in encoded.finditer(some):
                body = (before + found.group()).replace(b"+", b"-").replace(b"/", b"_")
                yield from _texts_in(_decoded(body))


def find_pasted(text: str, limit: int) -> list[str]:
    """Return what may be a token in a text that somebody sent, the likeliest first.

    Then what may be the beginning of one, and last the text itself. Nothing is checked here.

    Args:
        text: of which MAX_PASTED characters count; a token may be wrapped into lines.
        limit: how many at most, whatever the text is made of.
    """
    lines = text[:MAX_PASTED].strip()
    seen = "".join(filter(str.isprintable, lines))  # without soft hyphens, as pages have them
    forms = dict.fromkeys([lines, "".join(seen.split())])
    whole = chain.from_iterable(find_texts(form.encode(errors="replace")) for form in forms)
    cut_off = (found.group() for form in forms for found in _CUT_OFF.finditer(form))
    found: dict[str, None] = {}
    for one in chain(islice(whole, _MAX_TRIED), cut_off, [lines]):
        if len(found) == limit:
            break
        found[one] = None
    return list(found)


def _texts_in(content: bytes) -> Iterator[str]:
    """Each place where a token may begin, to each place where its signature may end.

    What is made of beginnings alone takes no more time than other texts: a run of letters is
    decoded at most four times, once for each way in which they form groups.
    """
    for run in _RUN.finditer(content):
        body = run.group()
        ends: dict[int, list[int]] = {}
        for beginning in _BEGINNING.finditer(body):
            start = beginning.end()
            shift = start % 4
            if shift not in ends:
                ends[shift] = [shift + end for end in _ends_in(body[shift:])]
            after = bisect_right(ends[shift], start)
            for end in takewhile(
                (start + MAX_LENGTH - len(PREFIX)).__ge__, islice(ends[shift], after, None)
            ):
                yield PREFIX + body[start:end].decode()


def _ends_in(body: bytes) -> list[int]:
    """Where signatures may end, in letters of base64."""
    found = _SIGNATURE.finditer(_decoded(body))
    return [-(-(one.start() + _SIGNATURE_LENGTH) * 4 // 3) for one in found]


def _decoded(body: bytes) -> bytes:
    """The bytes of URL-safe base64 without padding; a last letter that is too much is dropped."""
    whole = body[:-1] if len(body) % 4 == 1 else body
    return base64.urlsafe_b64decode(whole + b"=" * (-len(whole) % 4))


def find_identifier(text: str) -> UUID | None:
    """Return which token a text names, however much of it is missing or wrong; it proves nothing.

    Nothing is compared with a key here, so no more may hang on it than a mail.
    """
    for found in _ALMOST.finditer(text[:MAX_LENGTH]):
        body = found.group(1).encode()
        raw = base64.urlsafe_b64decode(body[: len(body) // 4 * 4])
        if identifier := _IDENTIFIER.search(raw):
            return UUID(identifier.group().decode())
    return None


def as_identifier(text: str) -> UUID | None:
    """Return the identifier that a text is by itself, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _read(text: str) -> Macaroon:
    if len(text) > MAX_LENGTH:
        raise MalformedToken("the token is too long")
    if not _TEXT.match(text):
        raise MalformedToken("a token starts with 'pypi-' and goes on in URL-safe base64")
    try:
        if _raw(text).count(0) > _MAX_ZEROS:
            raise MalformedToken(f"the token has more than {MAX_CAVEATS} restrictions")
        macaroon = Macaroon.deserialize(text.removeprefix(PREFIX))
        is_canonical = macaroon.serialize() == text.removeprefix(PREFIX)
    except MalformedToken:
        raise
    except Exception as error:  # pymacaroons raises eight kinds, bare Exception among them
        raise MalformedToken("the token cannot be decoded") from error
    if macaroon.version != MACAROON_V2:
        raise MalformedToken("the token is in an older format")
    if any(caveat.third_party() for caveat in macaroon.caveats):
        raise MalformedToken("the token has a third-party caveat")
    if len(macaroon.signature_bytes) != _SIGNATURE_HEX_DIGITS:
        raise MalformedToken("the signature of the token has the wrong length")
    if not is_canonical:
        raise MalformedToken("the token is not written in its usual form")
    return macaroon


def _raw(text: str) -> bytes:
    body = text.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def _build(location: str, identifier: UUID, key: bytes, caveats: Sequence[str]) -> Macaroon:
    if len(key) < KEY_BYTES:  # pymacaroons takes an empty key for none and signs nothing
        raise ValueError(f"a root key has at least {KEY_BYTES} bytes")
    macaroon = Macaroon(location=location, identifier=str(identifier), key=key, version=MACAROON_V2)
    for caveat in caveats:
        macaroon.add_first_party_caveat(caveat)
    return macaroon


def _as_text(macaroon: Macaroon) -> str:
    text = f"{PREFIX}{macaroon.serialize()}"
    if len(text) > MAX_MADE:
        raise ValueError(f"the token would be longer than {MAX_MADE} characters")
    return text
