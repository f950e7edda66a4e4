"""Refusals of the upload door, in the two places where clients look for them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from django.http import HttpResponse

from projects.storage import StorageFailed
from uploads.problems import Problem

logger = logging.getLogger(__name__)
RETRY_AFTER = 60  # seconds, where the database or the storage is in trouble
MAX_LENGTH = 400  # characters: longer reason phrases do not pass common reverse proxies
_ROOM_FOR_MORE = len(" And 999 more problems.")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


class UploadRefused(Exception):
    """An upload that is said no to.

    Attributes:
        status: the HTTP status: 503 where the same upload may succeed a little later by itself,
            since tools then send it again, else 400 to 499, or 507 where it is the site that
            cannot take it.
        code: what staff filter refusals by.
        sentence: one line of ASCII that says what is wrong and what to do.
        retry_after: seconds, where waiting helps.
    """

    def __init__(
        self, sentence: str, *, code: str, status: int = 400, retry_after: int | None = None
    ) -> None:
        self.sentence = one_line(sentence)
        super().__init__(self.sentence)
        self.code = code
        self.status = status
        self.retry_after = retry_after

    @classmethod
    def because(cls, problems: Iterable[Problem]) -> UploadRefused:
        """The refusal for several reasons: as many as fit into the line, and how many more."""
        first, *others = problems
        sentence, told = as_sentence(first.text), 1
        for problem in others:
            longer = f"{sentence} {as_sentence(problem.text)}"
            if len(longer) > MAX_LENGTH - _ROOM_FOR_MORE:
                break
            sentence, told = longer, told + 1
        more = len(others) + 1 - told
        rest = f" And {more} more problem{'s' if more > 1 else ''}." if more else ""
        return cls(sentence + rest, code=first.code)


def site_is_full(error: OSError) -> UploadRefused:
    """The refusal of a file that the site has no place for; `error` goes to the log alone."""
    logger.error("An upload could not be stored: %s", error)
    if isinstance(error, StorageFailed) and error.is_passing:
        return UploadRefused(
            "The storage of this site does not answer at the moment. Nothing was published; try "
            "again in some minutes.",
            code="storage_down",
            status=503,
            retry_after=RETRY_AFTER,
        )
    return UploadRefused(
        "This site cannot store the file; its disk may be full. Nothing was published. Its staff "
        "have to look into it.",
        code="not_stored",
        status=507,
    )


def database_is_down(error: Exception) -> HttpResponse:
    """The answer to an upload while the database is not there; `error` goes to the log alone."""
    logger.error("The database did not answer an upload: %s", error)
    response = refusal_response(
        "The database of this site does not answer at the moment. Nothing was published; try "
        "again in some minutes.",
        status=503,
    )
    response["Retry-After"] = str(RETRY_AFTER)
    return response


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
