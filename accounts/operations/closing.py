"""Closing an account for good, and taking its data along."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import closing, notices
from accounts.closing import Obstacle
from accounts.events import ACCOUNT_CLOSED, DATA_DOWNLOADED
from accounts.models import ReservedName, User
from accounts.operations import staff_rights
from accounts.permissions import require_open_session
from audit.actors import Actor
from audit.log import Subject, record


@transaction.atomic
def find_obstacles(user: User) -> list[Obstacle]:
    """Everything that forbids to close the account now; rows that decide it stay locked."""
    return [*_last_administrator(user), *closing.obstacles(user)]


def _last_administrator(user: User) -> list[Obstacle]:
    others = User.objects.administrators().exclude(pk=user.pk)
    if not user.is_administrator or others.exists():
        return []
    return [
        Obstacle(
            sentence=_(
                "You are the only administrator. Make another one first: whoever has access to the "
                "server makes a set-up link with ./run setup-link."
            ),
            url=reverse("admin:index"),
            action=_("Open the staff pages"),
        )
    ]


def _lock(user: User) -> User:
    """Lock the account; where it is one of staff, all of staff, so that they leave in turn."""
    rows = User.objects.filter(is_staff=True) if user.is_staff else User.objects.filter(pk=user.pk)
    locked = {row.pk: row for row in rows.select_for_update(no_key=True).order_by("pk")}
    if user.pk not in locked:
        raise PermissionDenied(_("The account was changed meanwhile. Sign in again."))
    return locked[user.pk]


@transaction.atomic
def close_account(user: User, *, by: Actor) -> None:
    """Delete an account with all that is its own. What it did stays in the memory, by its name.

    Nobody can have the user name again, and every verified address is told; where it is one of
    staff, the administrators are told as well.

    Raises:
        ValidationError: with the sentences of what forbids it.
        PermissionDenied: if it was deleted, or stopped being one of staff, meanwhile.
    """
    user = _lock(user)
    require_open_session(by)
    obstacles = find_obstacles(user)
    if obstacles:
        raise ValidationError([obstacle.sentence for obstacle in obstacles])
    subject = Subject.of(user)
    addresses = list(user.email_addresses.values_list("address", flat=True))
    notices.send_to_all("account_closed", user, by=by)
    _reserve_name(user)
    records = [row for end in closing.farewells() for row in end(user, by=by)]
    records += staff_rights.end_with_account(user, by=by)
    user.delete()
    for row in records:
        row()
    record(ACCOUNT_CLOSED, by=by, about=[subject], mail_addresses=addresses)


def _reserve_name(user: User) -> None:
    """Let nobody have the name again. It may be prohibited already: who had it then has kept it.

    The row stays locked, so that it is not allowed again meanwhile as if nobody had used it.
    """
    used = {"why": ReservedName.Why.USED}
    names = ReservedName.objects.select_for_update(no_key=True)
    names.get_or_create(key=user.username_key, defaults=used)


@transaction.atomic
def note_download(user: User, *, by: Actor) -> None:
    """Record that somebody with this account's session took all of its data along."""
    record(DATA_DOWNLOADED, by=by, about=[user])
