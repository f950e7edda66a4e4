"""Refusals of the upload door, in the two places where clients look for them."""

from __future__ import annotations

import re

from django.http import HttpResponse

MAX_LENGTH = 400  # characters: longer reason phrases do not pass common reverse proxies
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


class UploadRefused(Exception):
    """An upload that is said no to.

    Attributes:
        status: the HTTP status, 400 to 499.
        code: what staff filter refusals by.
        sentence: one line of ASCII that says what is wrong and what to do.
    """

    def __init__(self, sentence: str, *, code: str, status: int = 400) -> None:
        self.sentence = one_line(sentence)
        super().__init__(self.sentence)
        self.code = code
        self.status = status


def one_line(text: str) -> str:
    """`text` as an HTTP reason phrase can carry it (RFC 9112 section 4)."""
    line = _NOT_PRINTABLE.sub("?", " ".join(text.split()))
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 3]}..."


def as_sentence(reason: object) -> str:
    """A reason that a pure room gave, as a sentence of its own."""
    text = str(reason)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def refusal_response(sentence: str, *, status: int) -> HttpResponse:
    """The answer: twine prints the reason phrase, uv the body."""
    line = one_line(sentence)
    return HttpResponse(
        f"{line}\n", status=status, reason=line, content_type="text/plain; charset=utf-8"
    )
