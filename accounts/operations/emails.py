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
    EMAIL_IN_USE,
    EMAIL_PRIMARY_CHANGED,
    EMAIL_REMOVED,
    EMAIL_VERIFICATION_SENT,
    EMAIL_VERIFIED,
    EMAIL_VERIFIED_BY_STAFF,
)
from accounts.limits import LimitReached
from accounts.links import sign_address
from accounts.mail_domains import require_welcome
from accounts.models import EmailAddress, OutboxMail, User
from accounts.permissions import MAY_HELP, lock_accounts, lock_own_account, require_staff
from audit import keyring
from audit.actors import Actor
from audit.log import record

MAX_ADDRESSES = 10


@notices.adds_facts("verify_address")
def _verification_link(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Sign the link when the mail is sent, so that the outbox holds no secret."""
    address = EmailAddress.objects.get(pk=facts["address_id"])
    query = urlencode({"link": sign_address(address)})
    path = reverse("accounts:verify-address")
    return {"link": f"{settings.SITE_URL}{path}?{query}", "address": address.address}


def _require_own(address: EmailAddress, by: Actor) -> None:
    if by.id != str(address.user_id):
        raise PermissionDenied(_("Sign in with the account that this address belongs to."))


@transaction.atomic
def verify_address(address: EmailAddress, *, by: Actor) -> bool:
    """Note that an address is its owner's, who opened the link that was sent there.

    Returns:
        False if it was verified before.

    Raises:
        PermissionDenied: if the actor is not its owner.
        ValidationError: if another account has verified it in the meantime.
    """
    _require_own(address, by)
    if not _mark_verified(address):
        return False
    record(EMAIL_VERIFIED, by=by, about=[address.user], mail_addresses=[address.address])
    return True


@transaction.atomic
def verify_address_as_staff(address: EmailAddress, *, reason: str, by: Actor) -> bool:
    """Declare an address verified, where no mail can be sent; False if it was so before.

    The account is told, at this address too.

    Raises:
        PermissionDenied: if whoever acts may not do this to the account.
        ValidationError: if another account has it.
    """
    (user,) = lock_accounts([address.user], by=by)
    require_staff(by, MAY_HELP, about=user)
    if not _mark_verified(address):
        return False
    facts = {"address": address.address, "reason": reason}
    notices.send_to_all("address_verified_by_staff", user, by=by, **facts)
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
        PermissionDenied: if the actor is not its owner.
        LimitReached: beyond that.
    """
    _require_own(address, by)
    if address.verified_at is not None:
        return
    limits.VERIFICATION_MAIL.take(str(address.user_id))
    ask_to_verify(address, by=by)
    record(EMAIL_VERIFICATION_SENT, by=by, about=[address.user], mail_addresses=[address.address])


def ask_to_verify(address: EmailAddress, *, by: Actor) -> None:
    """Part of what adds an address: mail it, with the link, or with a word that it is in use.

    Whoever typed the address sees no difference, nor does their history: which of the two it is,
    the worker finds out.
    """
    notices.send_unaddressed("verify_address", by=by, address_id=address.pk)


@notices.finds_recipient("verify_address")
def _address_mail(mail: OutboxMail) -> bool:
    """Address the mail with the link; or make it a word to whoever has the address already.

    The word goes out at most 3 times a day, so that nobody fills a stranger's mailbox with it.

    Returns:
        False if nobody gets a mail.
    """
    unverified = EmailAddress.objects.filter(pk=mail.facts["address_id"], verified_at=None)
    address = unverified.select_related("user").first()
    if address is None:
        return False
    owned = EmailAddress.objects.usable().filter(address_key=address.address_key)
    other = owned.exclude(user_id=address.user_id).select_related("user").first()
    if other is None:
        notices.complete(mail, address, address_id=address.pk)
        return True
    try:
        limits.IN_USE_MAIL.take(keyring.digest(keyring.NAMES, address.address_key))
    except LimitReached:
        return False
    by = Actor("anonymous", **mail.origin)
    # It may be a slip: where somebody sits who mistyped an address is for staff alone.
    mail.notice, mail.origin = "address_in_use", {}
    notices.complete(mail, other, typed_for=address.user.username)
    record(EMAIL_IN_USE, by=by, about=[other.user])
    return True


@transaction.atomic
def change_unverified_address(user: User, new: str, *, by: Actor) -> EmailAddress:
    """Put a mistyped address right, before it was ever verified.

    Raises:
        PermissionDenied: once the account has a verified address.
        ValidationError: if the mail domain is prohibited.
        LimitReached: beyond 3 mails in 6 hours.
    """
    lock_own_account(user.pk, by=by)
    if EmailAddress.objects.filter(user=user, verified_at__isnull=False).exists():
        raise PermissionDenied(_("This account has a verified address."))
    limits.VERIFICATION_MAIL.take(str(user.pk))
    former = EmailAddress.objects.filter(user=user)
    notices.withdraw("verify_address", former)
    former.filter(verified_at=None).delete()
    if EmailAddress.objects.filter(user=user).exists():  # the link was opened at this moment
        raise PermissionDenied(_("This account has a verified address."))
    address = EmailAddress.objects.create(user=user, address=new, is_primary=True)
    ask_to_verify(address, by=by)
    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])
    require_welcome(new)  # asked with the chain's head in hand, so it is true of this moment
    return address


@transaction.atomic
def add_address(user: User, new: str, *, by: Actor) -> EmailAddress:
    """Add an address to those of an account. The others are told; it counts once it is verified.

    Raises:
        PermissionDenied: while no address of the account is verified.
        ValidationError: if the account has it, or has 10, or the mail domain is prohibited.
        LimitReached: beyond 3 verification mails in 6 hours.
    """
    lock_own_account(user.pk, by=by)
    present = EmailAddress.objects.filter(user=user)
    if not present.usable().exists():
        raise PermissionDenied(_("Verify your mail address first."))
    if present.filter(address_key=new.lower()).exists():
        raise ValidationError(_("This address is on your account already."), code="present")
    if present.count() >= MAX_ADDRESSES:
        raise ValidationError(_("An account has at most %d addresses.") % MAX_ADDRESSES)
    limits.VERIFICATION_MAIL.take(str(user.pk))
    address = EmailAddress.objects.create(user=user, address=new)
    ask_to_verify(address, by=by)
    notices.send_to_all("address_added", user, by=by, address=new)
    record(EMAIL_ADDED, by=by, about=[user], mail_addresses=[new])
    require_welcome(new)  # asked with the chain's head in hand, so it is true of this moment
    return address


@transaction.atomic
def remove_address(address: EmailAddress, *, by: Actor) -> None:
    """Take an address off an account. It is told, if it was verified, and so are all others.

    Raises:
        PermissionDenied: if the actor is not its owner, or it is the primary one.
    """
    _require_own(address, by)
    lock_own_account(address.user_id, by=by)
    present = EmailAddress.objects.filter(pk=address.pk).first()
    if present is None:
        return
    if present.is_primary:
        raise PermissionDenied(
            _("The primary address cannot be removed. Choose another primary address first.")
        )
    notices.withdraw("verify_address", [present])
    notices.send_to_all("address_removed", address.user, by=by, address=present.address)
    present.delete()
    record(EMAIL_REMOVED, by=by, about=[address.user], mail_addresses=[address.address])


@transaction.atomic
def make_primary(address: EmailAddress, *, by: Actor) -> None:
    """Choose the address that notices go to. The former one is told, and so are all others.

    Raises:
        PermissionDenied: if the actor is not its owner, the address is not verified or is held, or
            the account has no second factor.
    """
    _require_own(address, by)
    user = address.user
    lock_own_account(user.pk, by=by)
    if not EmailAddress.objects.usable().filter(pk=address.pk).exists():
        raise PermissionDenied(_("Only a verified address can be the primary one."))
    if not user.has_second_factor:
        raise PermissionDenied(
            _("Add a second factor first: whoever has the primary address can reset the password.")
        )
    former = EmailAddress.objects.filter(user=user, is_primary=True).exclude(pk=address.pk)
    names = list(former.values_list("address", flat=True))
    if not names:
        return
    former.update(is_primary=False)
    EmailAddress.objects.filter(pk=address.pk).update(is_primary=True)
    facts = {"address": address.address, "former": names[0]}
    notices.send_to_all("primary_address_changed", user, by=by, **facts)
    record(EMAIL_PRIMARY_CHANGED, by=by, about=[user], mail_addresses=[*names, address.address])
