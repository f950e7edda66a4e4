"""Taking over the accounts of another site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.events import ACCOUNTS_IMPORTED
from accounts.importing import ImportedAccount, Problem
from accounts.mail_domains import domains_of
from accounts.models import EmailAddress, ProhibitedDomain, ReservedName, User
from accounts.usernames import squeeze
from audit.actors import Actor
from audit.log import record

T = TypeVar("T")
_AT_A_TIME = 500  # SQLite takes 999 values in one statement
_IN_ONE_EVENT = 1_000


def find_conflicts(accounts: Sequence[ImportedAccount]) -> list[Problem]:
    """What this site already has, and so cannot be imported."""
    problems = _find_prohibited(accounts)
    for part in _parts(accounts, _AT_A_TIME):
        keys = [row.username.lower() for row in part]
        taken = set(
            User.objects.filter(username_key__in=keys).values_list("username_key", flat=True)
        )
        used = ReservedName.objects.filter(why=ReservedName.Why.USED, key__in=keys)
        taken |= set(used.values_list("key", flat=True))
        addresses = [row.email.lower() for row in part if row.email_verified]
        verified = EmailAddress.objects.filter(address_key__in=addresses, verified_at__isnull=False)
        in_use = set(verified.values_list("address_key", flat=True))
        for row in part:
            if row.username.lower() in taken:
                reason = "this site has, or had, an account of this name"
                problems.append(Problem(row.line, "username", reason))
            if row.email_verified and row.email.lower() in in_use:
                reason = "an account of this site has verified this address"
                problems.append(Problem(row.line, "email", reason))
    return problems


def _find_prohibited(accounts: Sequence[ImportedAccount]) -> list[Problem]:
    """What staff do not want here: names, and mail domains."""
    staff_prohibit = ReservedName.objects.filter(why=ReservedName.Why.PROHIBITED)
    names = set(staff_prohibit.values_list("key", flat=True))
    domains = set(ProhibitedDomain.objects.values_list("domain", flat=True))
    problems = []
    for row in accounts:
        if squeeze(row.username) in names:
            problems.append(Problem(row.line, "username", "staff prohibited this name"))
        if not domains.isdisjoint(domains_of(row.email)):
            reason = "this site accepts no addresses at this mail domain"
            problems.append(Problem(row.line, "email", reason))
    return problems


@transaction.atomic
def import_accounts(accounts: Sequence[ImportedAccount], *, by: Actor) -> int:
    """Make accounts as another site had them: all, or none. Nobody gets a mail.

    A password keeps its hash until it is first verified, and is then hashed as all others are.
    An address that was not verified there is to be verified here, once its owner asks for the mail.

    Returns:
        How many were made.

    Raises:
        ValidationError: if this site has got one of the names or addresses in the meantime, or
            prohibited one of the mail domains.
    """
    if find_conflicts(accounts):
        raise ValidationError("Names or addresses were taken since the file was checked.")
    users = [_user(row) for row in accounts]
    User.objects.bulk_create(users, batch_size=_AT_A_TIME)
    EmailAddress.objects.bulk_create(
        (_address(user, row) for user, row in zip(users, accounts, strict=True)),
        batch_size=_AT_A_TIME,
    )
    for part in _parts(users, _IN_ONE_EVENT):
        record(ACCOUNTS_IMPORTED, by=by, about=part, count=len(part))
    if _find_prohibited(accounts):  # asked again with the chain's head in hand
        raise ValidationError(
            "A name or a mail domain was prohibited since the file was checked, so nothing was "
            "imported. Run the command again: it names the lines."
        )
    return len(users)


def _user(row: ImportedAccount) -> User:
    return User(
        username=row.username,
        username_key=row.username.lower(),
        name=row.name,
        joined_at=row.joined_at,
        password=row.password_hash or make_password(None),
    )


def _address(user: User, row: ImportedAccount) -> EmailAddress:
    return EmailAddress(
        user=user,
        address=row.email,
        address_key=row.email.lower(),
        is_primary=True,
        added_at=row.joined_at,
        verified_at=row.joined_at if row.email_verified else None,
    )


def _parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
