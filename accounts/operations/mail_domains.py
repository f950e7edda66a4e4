"""Prohibiting mail domains, and accepting them again."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.events import MAIL_DOMAIN_ALLOWED, MAIL_DOMAIN_PROHIBITED
from accounts.mail_domains import count_accounts_at, read_domain
from accounts.models import ProhibitedDomain
from accounts.permissions import MAY_HELP, require_staff
from audit.actors import Actor
from audit.log import record

SHARED_BY = 5  # accounts: a domain that more have may be one that everybody uses


@transaction.atomic
def prohibit_domain(
    text: str, *, is_confirmed: bool = False, reason: str, by: Actor
) -> ProhibitedDomain:
    """Accept no new addresses at a domain, or below it. Those that accounts have stay.

    Args:
        is_confirmed: whether whoever acts knows that many accounts share it.

    Raises:
        PermissionDenied: if whoever acts may not.
        ValidationError: if it is no domain, is prohibited, or, with the code "shared", if many
            accounts have addresses there and nobody confirmed it.
    """
    require_staff(by, MAY_HELP)
    domain = read_domain(text)
    count = count_accounts_at(domain)
    if count > SHARED_BY and not is_confirmed:
        raise ValidationError(
            _("%(count)d accounts have an address at %(domain)s. Type the domain again below.")
            % {"count": count, "domain": domain},
            code="shared",
        )
    try:
        with transaction.atomic():
            row = ProhibitedDomain.objects.create(
                domain=domain, reason=reason, prohibited_by=by.label[:150]
            )
    except IntegrityError as error:
        raise ValidationError(_("This domain is prohibited already.")) from error
    record(MAIL_DOMAIN_PROHIBITED, by=by, domain=domain, accounts=count, reason=reason)
    return row


@transaction.atomic
def allow_domain(row: ProhibitedDomain, *, reason: str, by: Actor) -> bool:
    """Accept addresses at a domain again.

    Returns:
        False if they are accepted already.

    Raises:
        PermissionDenied: if whoever acts may not.
    """
    require_staff(by, MAY_HELP)
    if not ProhibitedDomain.objects.filter(pk=row.pk).delete()[0]:
        return False
    record(MAIL_DOMAIN_ALLOWED, by=by, domain=row.domain, reason=reason)
    return True
