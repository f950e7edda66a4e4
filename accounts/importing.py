"""Reads accounts of another site from a file, and says of each line what is wrong with it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import usernames
from accounts.former_hashers import read_hash
from accounts.mail_addresses import require_possible

COLUMNS = ("username", "email", "email_verified", "name", "password_hash", "joined_at")
_REQUIRED = ("username", "email")
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no", ""}


@dataclass(frozen=True)
class ImportedAccount:
    """An account as a line of the file has it.

    Attributes:
        line: the number of the line.
        password_hash: as this site stores it; "" where its owner has to reset the password.
    """

    line: int
    username: str
    email: str
    email_verified: bool
    name: str
    password_hash: str
    joined_at: datetime


@dataclass(frozen=True)
class Problem:
    """Why a line cannot be imported."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.reason}"


def read_csv(file: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number and the values of each line of comma-separated values with a header.

    Raises:
        ValueError: if this is no such file.
    """
    reader = csv.DictReader(file, strict=True)
    try:
        _require_columns(reader.fieldnames or [])
        for row in reader:
            yield reader.line_num, dict(row)
    except csv.Error as error:
        raise ValueError(f"after line {reader.line_num}: {error}") from error


def _require_columns(found: Iterable[str]) -> None:
    names = list(found)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"line 1: the header has the column {twice[0]!r} more than once")
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise ValueError(f"line 1: the header has no column {' and no column '.join(missing)}")


def read_json_lines(file: TextIO) -> Iterator[tuple[int, Any]]:
    """The number and the values of each line, which is one JSON object; empty lines are none.

    Raises:
        ValueError: if a line is not JSON.
    """
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"line {number}: this is not JSON") from error


def read_accounts(
    rows: Iterable[tuple[int, Any]],
) -> tuple[list[ImportedAccount], list[Problem]]:
    """The accounts of all lines that can be read, and what is wrong with the others.

    Raises:
        ValueError: if the file itself is not what it should be.
    """
    accounts: list[ImportedAccount] = []
    problems: list[Problem] = []
    for line, row in rows:
        account, wrong = _read_account(line, row)
        problems += wrong
        if account is not None:
            accounts.append(account)
    return accounts, problems + _find_repeats(accounts)


def _read_account(line: int, row: Any) -> tuple[ImportedAccount | None, list[Problem]]:
    if not isinstance(row, dict):
        return None, [Problem(line, "", "this is not a JSON object")]
    unknown = sorted(str(name) for name in row if name not in COLUMNS)
    if unknown:
        known = ", ".join(COLUMNS)
        what = "more values than columns" if None in row else f"unknown column {unknown[0]!r}"
        return None, [Problem(line, "", f"{what}; the columns are {known}")]
    values: dict[str, Any] = {}
    problems = []
    for column in COLUMNS:
        try:
            values[column] = _READERS[column](_as_text(row.get(column)))
        except ValueError as error:
            problems.append(Problem(line, column, str(error)))
    return (None, problems) if problems else (ImportedAccount(line=line, **values), [])


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError("this is not text")
    if "\x00" in value:
        raise ValueError("this holds a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("this holds half a character (a lone surrogate)")
    return value.strip()


def _read_username(text: str) -> str:
    if not usernames.is_well_formed(text):
        raise ValueError(f"{text!r} is no user name: letters, digits, dots, dashes, underscores")
    if usernames.is_prohibited(text):
        raise ValueError(f"{text!r} would be taken for somebody in charge of this site")
    return text


def _read_email(text: str) -> str:
    try:
        require_possible(text)
    except ValidationError as error:
        raise ValueError(f"{text!r} is no mail address: {error.messages[0]}") from error
    return text


def _read_boolean(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() in _YES


def _read_name(text: str) -> str:
    if len(text) > 100:
        raise ValueError("a name has at most 100 characters")
    return text


def _read_password_hash(text: str) -> str:
    return read_hash(text) if text else ""


def _read_joined_at(text: str) -> datetime:
    now = timezone.now()
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the latter on the first and last day there are
        raise ValueError(f"{text!r} is no time such as 2020-05-17T10:30:00+00:00") from error
    if moment > now:
        raise ValueError(f"{text!r} is in the future")
    return moment


_READERS = {
    "username": _read_username,
    "email": _read_email,
    "email_verified": _read_boolean,
    "name": _read_name,
    "password_hash": _read_password_hash,
    "joined_at": _read_joined_at,
}


def _find_repeats(accounts: list[ImportedAccount]) -> list[Problem]:
    """Names, and verified addresses, that stand in the file more than once."""
    problems = []
    names: dict[str, int] = {}
    addresses: dict[str, int] = {}
    for row in accounts:
        first = names.setdefault(row.username.lower(), row.line)
        if first != row.line:
            problems.append(Problem(row.line, "username", f"this name is on line {first}, too"))
        if row.email_verified:
            first = addresses.setdefault(row.email.lower(), row.line)
            if first != row.line:
                reason = f"this verified address is on line {first}, too"
                problems.append(Problem(row.line, "email", reason))
    return problems
