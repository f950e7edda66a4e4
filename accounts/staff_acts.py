"""What staff can do to accounts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import EmailAddress, RateCount
from accounts.operations import emails, limits
from accounts.staff import StaffAct
from audit.actors import Actor


class VerifyAddress(StaffAct):
    """Declare a mail address verified, on a site that cannot send mail."""

    model = EmailAddress
    title = gettext_lazy("Declare a mail address verified")
    consequence = gettext_lazy(
        "The account can then add a second factor and make API tokens, as if its owner had opened "
        "the link in the verification mail. Do this only if you know that the address is theirs."
    )

    def act(self, row: Any, *, reason: str, by: Actor) -> str:
        """Verify it."""
        emails.verify_address_as_staff(row, reason=reason, by=by)
        return _("The address %s is verified.") % row.address


class ClearLimit(StaffAct):
    """Let somebody try again who was stopped by a limit."""

    model = RateCount
    title = gettext_lazy("Clear a limit")
    consequence = gettext_lazy(
        "The attempts that are counted here are forgotten, so as many can be made again, by "
        "whomever. An owner who is kept out by the attempts of others can also sign in on a device "
        "that has signed in before: those are counted apart."
    )

    def act(self, row: Any, *, reason: str, by: Actor) -> str:
        """Clear it."""
        limits.clear_limit(row, reason=reason, by=by)
        return _("The limit is cleared.")
