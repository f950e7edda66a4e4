"""Which mail domains are prohibited, however they are spelt."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import EmailAddress, ProhibitedDomain


def read_domain(text: str) -> str:
    """The one spelling of a domain: small letters, and as DNS has it where it is not ASCII.

    Raises:
        ValidationError: if no mail address can be at it.
    """
    domain = _spell(text.strip().removeprefix("@"))
    try:
        validate_email(f"somebody@{domain}")
    except ValidationError as error:
        raise ValidationError(_("This is no mail domain, such as example.org.")) from error
    return domain


def _spell(domain: str) -> str:
    domain = domain.rstrip(".")
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain.lower()


def domains_of(address: str) -> list[str]:
    """The domain of an address, and all above it."""
    labels = _spell(address.rpartition("@")[2]).split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def is_prohibited(address: str) -> bool:
    """Whether an address is at a prohibited domain, or below one."""
    return ProhibitedDomain.objects.filter(domain__in=domains_of(address)).exists()


def require_welcome(address: str) -> None:
    """Check that addresses at this domain are accepted.

    Raises:
        ValidationError: one sentence, which says nothing of any account.
    """
    if is_prohibited(address):
        raise ValidationError(
            _("Mail addresses at this domain are not accepted here. Use another address."),
            code="prohibited",
        )


def count_accounts_at(domain: str) -> int:
    """How many accounts have an address at a domain or below it."""
    try:
        as_written = domain.encode("ascii").decode("idna").lower()
    except UnicodeError:
        as_written = domain
    ends = Q()
    for spelling in {domain, as_written}:
        ends |= Q(address_key__endswith=f"@{spelling}") | Q(address_key__endswith=f".{spelling}")
    return EmailAddress.objects.filter(ends).values("user").distinct().count()
