"""Making accounts, and the one-use links that let people make them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices, switches, usernames
from accounts.events import (
    ACCOUNT_CREATED,
    ADMINISTRATOR_ADDED,
    EMAIL_VERIFIED,
    INVITATION_CREATED,
    LINK_CANCELLED,
    LINK_CREATED,
)
from accounts.links import digest_link
from accounts.mail_domains import require_welcome
from accounts.models import ADMINISTRATOR, AccountLink, EmailAddress, ReservedName, User
from accounts.operations import emails, second_factors
from accounts.permissions import MAY_RULE, require_staff
from audit.actors import Actor
from audit.log import record
from audit.models import Event

SETUP_LINK_LASTS = timedelta(hours=1)
INVITATION_LASTS = timedelta(days=7)


def has_ever_had_administrator() -> bool:
    """Whether the site is past its set-up, even if no administrator is left."""
    administrators = User.objects.filter(is_staff=True, groups__name=ADMINISTRATOR)
    was_added = Event.objects.filter(kind=ADMINISTRATOR_ADDED.name)
    return administrators.exists() or was_added.exists()


def registration_mode() -> str:
    """ "open", "invitation" or "closed": by invitation only once there is an administrator."""
    mode = switches.REGISTRATION.value()
    if mode == "invitation" and not has_ever_had_administrator():
        return "closed"
    return mode


def is_open_to(link: AccountLink | None) -> bool:
    """Whether an account can be made now, with this invitation or without any."""
    if link is None:
        return registration_mode() == "open"
    return switches.REGISTRATION.value() != "closed"


def _require_open(link: AccountLink | None) -> None:
    if not is_open_to(link):
        raise PermissionDenied(_("Registration on this site is not open."))


@transaction.atomic
def create_setup_link(*, by: Actor) -> str:
    """Make the link with which one administrator's account can be made; it ends all others.

    Returns:
        The secret of the link, which is stored as a digest only.
    """
    now = timezone.now()
    AccountLink.objects.filter(makes_administrator=True, spent_at=None).update(expires_at=now)
    secret, link = _create_link(by=by, makes_administrator=True, lasts=SETUP_LINK_LASTS)
    record(LINK_CREATED, by=by, purpose=_purpose(link), expires_at=_end_of(link))
    notices.send("setup_link_created", User.objects.administrators(), by=by)
    return secret


@transaction.atomic
def create_invitation(*, note: str = "", reason: str, by: Actor) -> str:
    """Make a link with which one account can be made; the secret of it.

    Args:
        note: for whom it is, for those who look through the open ones.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
    """
    require_staff(by, MAY_RULE)
    secret, link = _create_link(by=by, makes_administrator=False, note=note, lasts=INVITATION_LASTS)
    record(INVITATION_CREATED, by=by, expires_at=_end_of(link), reason=reason)
    return secret


def _create_link(
    *, by: Actor, makes_administrator: bool, lasts: timedelta, note: str = ""
) -> tuple[str, AccountLink]:
    secret = secrets.token_urlsafe(32)
    link = AccountLink.objects.create(
        digest=digest_link(secret),
        makes_administrator=makes_administrator,
        note=note,
        created_by=by.label,
        expires_at=timezone.now() + lasts,
    )
    return secret, link


def _end_of(link: AccountLink) -> str:
    return link.expires_at.isoformat(timespec="seconds")


def _purpose(link: AccountLink) -> str:
    return "administrator" if link.makes_administrator else "invitation"


def _while_open(link: AccountLink, now: datetime) -> QuerySet[AccountLink]:
    """The row of a link, if it can still be used: what one conditional update is made of."""
    return AccountLink.objects.filter(pk=link.pk, spent_at=None, expires_at__gt=now)


@transaction.atomic
def cancel_link(link: AccountLink, *, reason: str, by: Actor) -> None:
    """End a link that nobody has used yet.

    Raises:
        PermissionDenied: if whoever acts is no administrator.
        ValidationError: if it was used, or has ended.
    """
    require_staff(by, MAY_RULE)
    now = timezone.now()
    if _while_open(link, now).update(expires_at=now) != 1:
        raise ValidationError(_("This link was used or has ended."))
    record(LINK_CANCELLED, by=by, purpose=_purpose(link), reason=reason)


def find_link(secret: str, *, makes_administrator: bool) -> AccountLink | None:
    """The link of that secret, if it can still be used."""
    link = AccountLink.objects.filter(
        digest=digest_link(secret), makes_administrator=makes_administrator
    ).first()
    return link if link is not None and link.is_open(timezone.now()) else None


def _spend(link: AccountLink, username: str) -> None:
    """Use the link up, in the transaction of what it is used for.

    Raises:
        PermissionDenied: if it was used or ended since the page was opened.
    """
    now = timezone.now()
    if _while_open(link, now).update(spent_at=now, spent_by=username) != 1:
        raise PermissionDenied(_("This link was used or has ended."))


def require_free_name(username: str, *, may_be_prohibited: bool = False) -> None:
    """Check that nobody has a name, had it, or may not have it.

    Raises:
        ValidationError: one sentence for all three.
    """
    key = username.lower()
    is_taken = (
        User.objects.filter(username_key=key).exists()
        or ReservedName.objects.of(username).exists()
        or (usernames.is_prohibited(username) and not may_be_prohibited)
    )
    if is_taken:
        raise _name_taken()


def _name_taken() -> ValidationError:
    return ValidationError(_("This name is taken, or reserved. Choose another name."), code="taken")


def _create_user(*, username: str, email: str, password_hash: str) -> tuple[User, EmailAddress]:
    try:
        with transaction.atomic():
            user = User.objects.create(username=username, password=password_hash)
    except IntegrityError as error:
        raise _name_taken() from error
    address = EmailAddress.objects.create(user=user, address=email, is_primary=True)
    return user, address


def _require_still(username: str, email: str) -> None:
    """Ask again what may have been prohibited, or whose account closed, since the form was checked.

    Asked with the chain's head in hand, so it is true of the moment at which the account is made.

    Raises:
        ValidationError: if the name is reserved, or the mail domain prohibited.
    """
    if ReservedName.objects.of(username).exists():
        raise _name_taken()
    require_welcome(email)


def register(
    *, username: str, email: str, password: str, link: AccountLink | None, by: Actor
) -> User:
    """Make an account; its address is still to be verified.

    Args:
        link: the invitation that lets it, or None where registration is open.

    Raises:
        PermissionDenied: if registration is not open and there is no invitation.
        ValidationError: if the name is not free, or mail domain prohibited.
    """
    _require_open(link)
    require_free_name(username)
    password_hash = make_password(password)
    with transaction.atomic():
        if link is not None:
            _spend(link, username)
        user, address = _create_user(username=username, email=email, password_hash=password_hash)
        actor = by.as_user(user)
        means = "an invitation" if link is not None else "themselves"
        emails.ask_to_verify(address, by=actor)
        record(ACCOUNT_CREATED, by=actor, about=[user], mail_addresses=[email], means=means)
        _require_still(username, email)
        _require_open(link)
    return user


def create_administrator(
    *,
    username: str,
    email: str,
    password: str,
    secret: bytes,
    code: str,
    link: AccountLink,
    by: Actor,
) -> User:
    """Make an administrator's account with its confirmed second factor, and spend the link.

    Whoever holds the set-up link has the server, so the link proves the address, too.

    Args:
        secret: the authenticator app's secret, 20 bytes.
        code: what the app shows for it now.

    Raises:
        ValidationError: if the code is wrong, or name or address are taken; the link stays as it
            was.
        PermissionDenied: if the link was used or has ended.
    """
    require_free_name(username, may_be_prohibited=True)
    step = second_factors.require_setup_code(secret, code)
    password_hash = make_password(password)
    with transaction.atomic():
        _spend(link, username)
        user, address = _create_user(username=username, email=email, password_hash=password_hash)
        _verify_by_link(address)
        User.objects.filter(pk=user.pk).update(is_staff=True)
        user.is_staff = True
        user.groups.add(Group.objects.get_or_create(name=ADMINISTRATOR)[0])
        actor = by.as_user(user, credential="link")
        second_factors.store_first_app(user, secret=secret, step=step)
        record(
            ACCOUNT_CREATED, by=actor, about=[user], mail_addresses=[email], means="the set-up link"
        )
        record(EMAIL_VERIFIED, by=actor, about=[user], mail_addresses=[email])
        record(ADMINISTRATOR_ADDED, by=actor, about=[user])
        administrators = User.objects.administrators()
        notices.send("administrator_added", administrators, by=actor, added=user.username)
        _require_still(username, email)
    return user


def _verify_by_link(address: EmailAddress) -> None:
    address.verified_at = timezone.now()
    try:
        with transaction.atomic():
            address.save(update_fields=["verified_at"])
    except IntegrityError as error:
        raise ValidationError(
            _("Another account has this mail address. Choose another one."), code="address_taken"
        ) from error
