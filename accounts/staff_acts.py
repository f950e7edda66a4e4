"""What staff can do to accounts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import EmailAddress
from accounts.operations import emails
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

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Verify it."""
        emails.verify_address_as_staff(row, reason=reason, by=by)
        return _("The address %s is verified.") % row.address
