"""Who is staff."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import notices
from accounts.closing import Record
from accounts.events import STAFF_RIGHTS_CHANGED
from accounts.models import User
from accounts.permissions import lock_accounts, require_staff
from accounts.sightings import require_as_seen
from audit.actors import Actor
from audit.groups import ADMINISTRATOR, EVERYBODY
from audit.log import Subject, record


def find_state(user: User) -> tuple[object, ...]:
    """What of an account's rights somebody who changes them has to know."""
    groups = user.groups.filter(name__in=EVERYBODY).order_by("name")
    return User.objects.filter(pk=user.pk, is_staff=True).exists(), *groups.values_list("name")


@transaction.atomic
def set_staff_groups(
    user: User, groups: Iterable[str], *, seen: str | None = None, reason: str, by: Actor
) -> None:
    """Put an account into staff groups, and out of all others; without any it is not staff.

    Args:
        seen: the digest of `find_state` when whoever acts looked; None without a look.

    Raises:
        PermissionDenied: if whoever acts is no administrator, or this person.
        ValidationError: if it is so already, or was changed since it was seen; if the account may
            not be staff: it needs a verified address and a second factor, and may not be frozen.
    """
    wanted = frozenset(groups)
    (row,) = lock_accounts([user], by=by)
    require_staff(by, frozenset({ADMINISTRATOR}), about=row)
    require_as_seen(seen, *find_state(row))
    if not wanted <= EVERYBODY:
        raise ValidationError(_("There is no such staff group."), code="unknown")
    if wanted:
        _require_fit(row)
    former = frozenset(row.groups.filter(name__in=EVERYBODY).values_list("name", flat=True))
    if former == wanted and row.is_staff == bool(wanted):
        raise ValidationError(_("It is so already."), code="done")
    row.groups.remove(*Group.objects.filter(name__in=former - wanted))
    row.groups.add(*[Group.objects.get_or_create(name=name)[0] for name in wanted - former])
    User.objects.filter(pk=row.pk).update(is_staff=bool(wanted))
    told = {person.pk: person for person in [*User.objects.administrators(), row]}
    shown = ", ".join(sorted(wanted)) or "-"
    notices.send(
        "staff_rights_changed",
        told.values(),
        by=by,
        changed=row.username,
        groups=shown,
        reason=reason,
    )
    record(
        STAFF_RIGHTS_CHANGED,
        by=by,
        about=[row],
        former=", ".join(sorted(former)) or "-",
        groups=shown,
        reason=reason,
    )


def end_with_account(user: User, *, by: Actor) -> list[Record]:
    """Tell administrators that a member of staff deletes the own account; what records it."""
    groups = user.groups.filter(name__in=EVERYBODY).order_by("name")
    former = ", ".join(groups.values_list("name", flat=True))
    if not former:
        return []
    reason = _("The owner deleted the account.")
    others = User.objects.administrators().exclude(pk=user.pk)
    notices.send(
        "staff_rights_changed", others, by=by, changed=user.username, groups="-", reason=reason
    )
    fields = {"former": former, "groups": "-", "reason": reason}
    return [partial(record, STAFF_RIGHTS_CHANGED, by=by, about=[Subject.of(user)], **fields)]


def _require_fit(user: User) -> None:
    if not user.is_active:
        raise ValidationError(_("A frozen account cannot be staff."), code="frozen")
    if not user.has_verified_email:
        raise ValidationError(_("Staff need a verified mail address."), code="address")
    if not user.has_second_factor:
        raise ValidationError(_("Staff need a second factor."), code="factor")
