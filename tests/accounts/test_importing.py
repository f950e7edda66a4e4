"""Taking over accounts: what a file may hold, and what the command makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.events import ACCOUNTS_IMPORTED
from accounts.importing import COLUMNS, read_accounts, read_csv, read_json_lines
from accounts.models import EmailAddress, OutboxMail, ReservedName, User
from accounts.operations import imports
from audit.actors import command
from audit.models import Event
from tests.accounts.doors import count_events, give_password, is_signed_in
from tests.accounts.test_late_changes import right_after
from tests.support.people import Person

Browser = Callable[..., Client]
PASSWORD = "ferry lantern gravel teapot"
BCRYPT = "$2b$04$WjIYxoyUWYFZelJLdGmNCOE.CMVQ27gMpa3SjmAYF8ugisYRNAy0e"
ROW = {
    "username": "zoe",
    "email": "zoe@example.org",
    "email_verified": "true",
    "name": "Zoë",
    "password_hash": BCRYPT,
    "joined_at": "2015-05-17T10:30:00+02:00",
}


def problems_of(*rows: Any) -> list[str]:
    _accounts, problems = read_accounts(enumerate(rows, 2))
    return [str(problem) for problem in problems]


def as_csv(*rows: dict[str, str]) -> str:
    lines = [",".join(COLUMNS)]
    lines += [",".join(f'"{row.get(column, "")}"' for column in COLUMNS) for row in rows]
    return "\n".join(lines) + "\n"


def run(path: Path, *options: str) -> str:
    printed = StringIO()
    call_command("import_users", str(path), *options, stdout=printed)
    return printed.getvalue()


# Reading


@pytest.mark.once
def test_a_whole_line_is_read() -> None:
    (account,), problems = read_accounts([(7, ROW)])
    assert problems == []
    assert (account.line, account.username, account.email_verified) == (7, "zoe", True)
    assert account.password_hash == f"bcrypt${BCRYPT}"
    assert account.joined_at == datetime(2015, 5, 17, 8, 30, tzinfo=UTC)


@pytest.mark.once
def test_name_and_address_are_enough() -> None:
    (account,), problems = read_accounts([(2, {"username": "zoe", "email": "z@example.org"})])
    assert problems == []
    assert (account.password_hash, account.email_verified) == ("", False)


@pytest.mark.once
@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("username", "", "is no user name"),
        ("username", "Sup-Port", "would be taken for somebody in charge"),
        ("email", '"a,b"@example.org', "quotation marks"),
        ("email", "a@" + "\u0130" * 62 + ".org" + "x" * 186, "at most 254 characters"),
        ("name", "\ud800", "half a character"),
        ("password_hash", "pbkdf2_sha256$1000$salt$" + "A" * 300 + "=", "longer than 256"),
        ("password_hash", "$pbkdf2-sha256$29000$x$y", "cannot be decoded"),
        ("password_hash", "$argon2id$v=19$m=8,t=1,p=1$a$b", "cannot be decoded"),
        ("password_hash", "$2b$04$" + "z" * 53, "cannot be decoded"),
        ("username", None, "is no user name"),
        ("username", "_zoe", "is no user name"),
        ("username", "z" * 51, "is no user name"),
        ("username", "zoe\x00", "NUL"),
        ("username", 7, "not text"),
        ("username", ["zoe"], "not text"),
        ("email", "", "is no mail address"),
        ("email", "bad", "is no mail address"),
        ("email", "root@[192.0.2.1]", "ends with a domain"),
        ("email", "a@example.org\nBcc: b@example.org", "is no mail address"),
        ("email", f"{'x' * 60}@{'y' * 60}.{'z' * 60}.{'a' * 60}.{'b' * 60}.org", "at most 254"),
        ("email_verified", "maybe", "neither true nor false"),
        ("email_verified", 1, "not text"),
        ("name", "x" * 101, "at most 100"),
        ("password_hash", "secret", "no password hash"),
        ("password_hash", "md5$salt$9e107d9d372bb6826bd81d3542a419d6", "no password hash"),
        ("joined_at", "yesterday", "is no time"),
        ("joined_at", "2199-01-01", "in the future"),
        ("joined_at", "2015-13-01", "is no time"),
        ("joined_at", "0001-01-01T00:00:00+01:00", "is no time"),
        ("joined_at", "9999-12-31T23:59:59-01:00", "is no time"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_with_line_and_column(
    column: str, value: Any, reason: str
) -> None:
    (problem,) = problems_of(ROW | {column: value})
    assert problem.startswith(f"line 2, {column}: ")
    assert reason in problem


@pytest.mark.once
def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = problems_of(ROW | {"username": "_", "email": "x"}, "text", ROW | {"shoe_size": "42"})
    assert [text.partition(":")[0] for text in found] == [
        "line 2, username",
        "line 2, email",
        "line 3",
        "line 4",
    ]
    assert "shoe_size" in found[3]


@pytest.mark.once
def test_names_and_verified_addresses_stand_in_a_file_once() -> None:
    found = problems_of(
        ROW,
        ROW | {"username": "ZOE", "email": "other@example.org"},
        ROW | {"username": "yan", "email": "ZOE@example.org"},
        ROW | {"username": "xan", "email_verified": "no"},
    )
    assert found == [
        "line 3, username: this name is on line 2, too",
        "line 4, email: this verified address is on line 2, too",
    ]


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column username"),
        ("username,email,email\n", "the column 'email' more than once"),
        ("username,email,,\n", "the column '' more than once"),
        ("name\nx\n", "no column username and no column email"),
        ('username,email\n"zoe', "unexpected end of data"),
        ('username,email\n"zoe"x,y\n', "after line 1"),
        ("username,email\n" + "x" * 200_000, "field larger"),
    ],
)
def test_what_is_no_csv_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(read_csv(StringIO(text, newline="")))


@pytest.mark.once
@pytest.mark.parametrize(
    "line", ["{", "zoe", '{"username": }', "[" * 100_000, '{"username": "zoe"} x']
)
def test_what_is_no_json_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 3: this is not JSON"):
        list(read_json_lines(StringIO(f'\n{{"username": "yan"}}\n{line}\n')))


@pytest.mark.once
def test_a_line_with_more_values_than_columns_is_refused() -> None:
    rows = list(read_csv(StringIO("username,email\nzoe,z@example.org,x\n")))
    assert "more values than columns" in str(read_accounts(rows)[1][0])


# Importing


@pytest.mark.parametrize("form", ["csv", "jsonl", "ndjson"])
def test_accounts_are_imported_and_sign_in_as_before(
    browser: Browser, db: None, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"users.{form}"
    text = as_csv(ROW) if form == "csv" else json.dumps(ROW | {"email_verified": True}) + "\n"
    path.write_text(text, encoding="utf-8")
    assert "1 accounts were imported" in run(path)
    user = User.objects.get(username="zoe")
    assert (user.name, user.joined_at.year, user.has_verified_email) == ("Zoë", 2015, True)
    client = browser()
    give_password(client, Person(user, PASSWORD, b"", ()))
    assert is_signed_in(client)


def test_a_former_hash_is_verified_once_and_made_anew(
    browser: Browser, db: None, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text(as_csv(ROW))
    run(path)
    person = Person(User.objects.get(username="zoe"), PASSWORD, b"", ())
    give_password(browser(), person, "wrong")
    assert person.fresh_user.password == f"bcrypt${BCRYPT}"
    client = browser()
    give_password(client, person)
    assert person.fresh_user.password.startswith("argon2$argon2id$")
    assert is_signed_in(client)
    assert person.fresh_user.check_password(PASSWORD)


def test_without_a_hash_nobody_signs_in_and_the_mail_helps(
    browser: Browser, db: None, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    path.write_text(as_csv(ROW | {"password_hash": ""}))
    assert "1 have no password" in run(path)
    user = User.objects.get(username="zoe")
    for password in ("", "!", user.password):
        client = browser()
        give_password(client, Person(user, password, b"", ()))
        assert not is_signed_in(client)


def test_a_dry_run_changes_nothing(db: None, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(as_csv(ROW))
    assert "1 accounts would be imported" in run(path, "--dry-run")
    assert not User.objects.exists()
    assert not Event.objects.exists()


def test_one_wrong_line_and_nothing_is_imported(db: None, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(as_csv(ROW, ROW | {"username": "yan", "email": "bad"}))
    for options in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match="line 3, email: 'bad' is no mail address"):
            run(path, *options)
    assert not User.objects.exists()


def test_names_and_addresses_of_this_site_are_said_with_their_lines(
    alice: Person, tmp_path: Path
) -> None:
    ReservedName.objects.create(key="former", why="used")
    path = tmp_path / "users.csv"
    path.write_text(
        as_csv(
            ROW | {"username": "ALICE"},
            ROW | {"username": "Former", "email": "f@example.org"},
            ROW | {"username": "yan", "email": "Alice@example.org"},
            ROW | {"username": "xan", "email": "alice@example.org", "email_verified": "no"},
        )
    )
    with pytest.raises(CommandError) as caught:
        run(path)
    lines = str(caught.value).splitlines()
    assert [line.strip().partition(":")[0] for line in lines[1:]] == [
        "line 2, username",
        "line 3, username",
        "line 4, email",
    ]
    assert User.objects.count() == 1


def test_an_import_is_one_event_in_the_history_of_each_account(db: None, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl"
    rows = [ROW | {"username": f"zoe{n}", "email": f"z{n}@example.org"} for n in range(30)]
    path.write_text("\n".join(map(json.dumps, rows)))
    run(path)
    event = Event.objects.get(kind=ACCOUNTS_IMPORTED.name)
    assert (event.fields, event.actor_label) == ({"count": 30}, "server")
    for user in User.objects.all():
        assert Event.objects.for_user(user).get() == event
    assert not OutboxMail.objects.exists()


def test_many_accounts_are_imported_in_few_queries(
    db: None, django_assert_max_num_queries: Any
) -> None:
    rows = [ROW | {"username": f"z{n}", "email": f"z{n}@example.org"} for n in range(1500)]
    accounts, problems = read_accounts(enumerate(rows, 2))
    assert problems == []
    with django_assert_max_num_queries(61):
        assert imports.import_accounts(accounts, by=command("import_users")) == 1500
    assert EmailAddress.objects.filter(is_primary=True, verified_at__isnull=False).count() == 1500
    assert count_events(ACCOUNTS_IMPORTED) == 2


def test_what_was_taken_since_the_check_stops_the_import(alice: Person) -> None:
    accounts, _problems = read_accounts([(2, ROW | {"username": "alice"})])
    with pytest.raises(ValidationError, match="taken since"):
        imports.import_accounts(accounts, by=command("import_users"))


def prohibit() -> None:
    ReservedName.objects.create(key="zoezwei", why="prohibited")


def test_a_name_that_staff_prohibited_is_said_with_its_line(db: None) -> None:
    accounts, _problems = read_accounts([(2, ROW | {"username": "Zoe-Zwei"}), (3, ROW)])
    prohibit()
    problems = [str(problem) for problem in imports.find_conflicts(accounts)]
    assert problems == ["line 2, username: staff prohibited this name"]


def test_a_name_that_is_prohibited_during_the_import_stops_it(db: None) -> None:
    accounts, _problems = read_accounts([(2, ROW | {"username": "Zoe-Zwei"})])
    with (
        pytest.raises(ValidationError, match="prohibited since"),
        right_after('INSERT INTO "accounts_emailaddress"', prohibit),
    ):
        imports.import_accounts(accounts, by=command("import_users"))
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("users.txt", b"", "must end with"),
        ("missing.csv", None, "cannot be read"),
        ("users.csv", b"username,email\n\xff\xfe", "not UTF-8"),
        ("users.csv", b"", "no column username"),
        ("users.jsonl", b"{", "line 1: this is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    db: None, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=reason):
        run(path)


def test_a_file_as_spreadsheets_write_it_is_read(db: None, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b"\xef\xbb\xbf" + as_csv(ROW).replace("\n", "\r\n").encode())
    run(path)
    assert User.objects.get().name == "Zoë"
