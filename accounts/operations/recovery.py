"""Recovery cases: taking lost second factors off an account, by two people and after a wait.

Its owner is told at once, at every verified address, and can cancel the case until it is completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.events import (
    RECOVERY_CANCELLED,
    RECOVERY_COMPLETED,
    RECOVERY_ENDED,
    RECOVERY_OPENED,
)
from accounts.links import sign_recovery
from accounts.models import RecoveryCase, User
from accounts.operations import second_factors
from accounts.permissions import MAY_HELP, lock_accounts, require_staff
from audit.actors import Actor
from audit.log import record


@notices.adds_facts("recovery_opened")
def _cancel_link(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the link when the mail is sent, so that the outbox holds no secret."""
    case = RecoveryCase.objects.get(pk=facts["case_id"])
    query = urlencode({"link": sign_recovery(str(case.pk))})
    return {"link": f"{settings.SITE_URL}{reverse('accounts:cancel-recovery')}?{query}"}


@transaction.atomic
def open_case(user: User, *, evidence: str, reason: str, by: Actor) -> RecoveryCase:
    """Ask for the second factors of an account to be removed, and tell its owner.

    Nothing changes until somebody else completes the case, when the waiting time is over.

    Args:
        evidence: how the owner proved who they are; kept with the case, and not in events.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if a case is open, if there is nothing to remove, or if the account has no
            verified address, so that nobody could object.
    """
    (row,) = lock_accounts([user], by=by)
    require_staff(by, MAY_HELP, about=row)
    if row.open_recovery_case is not None:
        raise ValidationError(_("A recovery case is open for this account."), code="done")
    if not row.has_second_factor:
        raise ValidationError(_("This account has no second factor to remove."), code="none")
    if not row.email_addresses.usable().exists():
        raise ValidationError(
            _("This account has no verified mail address, so its owner could not object."),
            code="unreachable",
        )
    case = RecoveryCase.objects.create(
        user=row,
        evidence=evidence,
        reason=reason,
        opened_by=by.label,
        opened_by_id=by.id,
        due_at=timezone.now() + timedelta(days=settings.RECOVERY_WAITING_DAYS),
    )
    due_at = f"{case.due_at:%Y-%m-%d %H:%M} UTC"
    notices.send_to_all(
        "recovery_opened", row, by=by, case_id=str(case.pk), due_at=due_at, reason=reason
    )
    record(RECOVERY_OPENED, by=by, about=[row], reason=reason, due_at=due_at)
    return case


@transaction.atomic
def complete_case(case: RecoveryCase, *, reason: str, by: Actor) -> int:
    """Remove all second factors and recovery codes of the account, and end its sessions.

    The second pair of eyes: never whoever opened the case. Whoever has a shell on the server counts
    as a second one, for sites with one member of staff.

    Returns:
        How many factors were removed.

    Raises:
        PermissionDenied: if whoever acts may not, or opened the case.
        ValidationError: if the waiting time is not over, or the case has ended.
    """
    (user,) = lock_accounts([case.user], by=by)
    require_staff(by, MAY_HELP, about=user)
    if by.id and by.id == case.opened_by_id:
        raise PermissionDenied(
            _("You opened this case. Another member of the staff must complete it.")
        )
    if timezone.now() < case.due_at:
        raise ValidationError(
            _("The waiting time is over at %s.") % f"{case.due_at:%Y-%m-%d %H:%M} UTC",
            code="early",
        )
    _end(case, RecoveryCase.Outcome.COMPLETED, ended_by=by.label, reason=reason)
    count = second_factors.reset_second_factors(user, reason=reason, by=by)
    record(RECOVERY_COMPLETED, by=by, about=[user], reason=reason, opened_by=case.opened_by)
    return count


@transaction.atomic
def end_case(case: RecoveryCase, *, reason: str, by: Actor) -> None:
    """Cancel a case as staff, who may have opened it.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if the case has ended.
    """
    (user,) = lock_accounts([case.user], by=by)
    require_staff(by, MAY_HELP, about=user)
    _end(case, RecoveryCase.Outcome.CANCELLED, ended_by=by.label, reason=reason)
    notices.send_to_all("recovery_cancelled", user, by=by, reason=reason)
    record(RECOVERY_ENDED, by=by, about=[user], reason=reason)


@transaction.atomic
def cancel_case(case: RecoveryCase, *, by: Actor) -> None:
    """Cancel a case as the owner of the account, who is signed in or has the link from the mail.

    Raises:
        PermissionDenied: if whoever acts is somebody else.
        ValidationError: if the case has ended.
    """
    if by.id != str(case.user_id):
        raise PermissionDenied(_("This is not your account."))
    user = User.objects.select_for_update(no_key=True).get(pk=case.user_id)
    _end(case, RecoveryCase.Outcome.CANCELLED, ended_by=by.label)
    notices.send_to_all("recovery_cancelled", user, by=by)
    means = "link from the mail" if by.credential == "link" else "security page"
    record(RECOVERY_CANCELLED, by=by, about=[user], means=means)


def _end(
    case: RecoveryCase, outcome: RecoveryCase.Outcome, *, ended_by: str, reason: str = ""
) -> None:
    """Give the case its outcome, once.

    Raises:
        ValidationError: if it has one.
    """
    if not RecoveryCase.objects.filter(pk=case.pk).end(outcome, ended_by=ended_by, reason=reason):
        raise ValidationError(_("This case has ended: it was completed or cancelled."), code="done")
