"""Mail addresses and their verification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import limits, notices
from accounts.events import (
    EMAIL_ADDED,
    EMAIL_VERIFICATION_SENT,
    EMAIL_VERIFIED,
    EMAIL_VERIFIED_BY_STAFF,
)
from accounts.links import sign_address
from accounts.models import EmailAddress, User
from audit.actors import Actor
from audit.log import record


@notices.adds_facts("verify_address")
def _verification_link(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the link when the mail is sent, so that the outbox holds no secret."""
    address = EmailAddress.objects.get(pk=facts["address_id"])
    query = urlencode({"link": sign_address(address.pk, address.address_key)})
    path = reverse("accounts:verify-address")
    return {"link": f"{settings.SITE_URL}{path}?{query}", "address": address.address}


@transaction.atomic
def verify_address(address: EmailAddress, *, by: Actor) -> bool:
    """Note that an address is its owner's, who opened the link that was sent there.

    Returns:
        False if it was verified before.

    Raises:
        PermissionDenied: if the actor is not its owner.
        ValidationError: if another account has verified it in the meantime.
    """
    if by.id != str(address.user_id):
        raise PermissionDenied(_("Sign in with the account that this address belongs to."))
    if not _mark_verified(address):
        return False
    record(EMAIL_VERIFIED, by=by, about=[address.user], mail_addresses=[address.address])
    return True


@transaction.atomic
def verify_address_as_staff(address: EmailAddress, *, reason: str, by: Actor) -> bool:
    """Declare an address verified, where no mail can be sent. The caller is a staff page.

    Raises:
        ValidationError: if another account has it.
    """
    if not _mark_verified(address):
        return False
    record(
        EMAIL_VERIFIED_BY_STAFF,
        by=by,
        about=[address.user],
        mail_addresses=[address.address],
        reason=reason,
    )
    return True


def _mark_verified(address: EmailAddress) -> bool:
    unverified = EmailAddress.objects.filter(pk=address.pk, verified_at=None)
    try:
        with transaction.atomic():
            return unverified.update(verified_at=timezone.now()) == 1
    except IntegrityError as error:
        raise ValidationError(
            _("Another account has verified this address."), code="taken"
        ) from error


@transaction.atomic
def send_verification(address: EmailAddress, *, by: Actor) -> None:
    """Send the verification mail again, at most 3 times in 6 hours.

    Raises:
        LimitReached: beyond that.
    """
    if address.verified_at is not None:
        return
    limits.VERIFICATION_MAIL.take(str(address.user_id))
    record(EMAIL_VERIFICATION_SENT, by=by, about=[address.user], mail_addresses=[address.address])
    notices.send_to_address("verify_address", address, address_id=address.pk)


@transaction.atomic
def change_unverified_address(user: User, new: str, *, by: Actor) -> EmailAddress:
    """Put a mistyped address right, before it was ever verified.

    Raises:
        PermissionDenied: once the account has a verified address.
        LimitReached: beyond 3 mails in 6 hours.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if EmailAddress.objects.filter(user=user, verified_at__isnull=False).exists():
        raise PermissionDenied(_("This account has a verified address."))
    limits.VERIFICATION_MAIL.take(str(user.pk))
    former = EmailAddress.objects.filter(user=user)
    notices.withdraw("verify_address", former)
    former.filter(verified_at=None).delete()
    if EmailAddress.objects.filter(user=user).exists():  # the link was opened at this moment
        raise PermissionDenied(_("This account has a verified address."))
    address = EmailAddress.objects.create(user=user, address=new, is_primary=True)
    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])
    notices.send_to_address("verify_address", address, address_id=address.pk)
    return address
