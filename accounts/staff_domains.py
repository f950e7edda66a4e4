"""What staff decide about mail domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.fields import ExactInput
from accounts.mail_domains import read_domain
from accounts.models import ProhibitedDomain
from accounts.operations.mail_domains import allow_domain, prohibit_domain
from accounts.permissions import MAY_HELP
from accounts.staff import StaffAct, offered_on, offered_on_table
from accounts.staff_twice import TypedTwiceAct, TypedTwiceForm
from audit.actors import Actor


class DomainForm(TypedTwiceForm):
    """Which domain; and once more, where many accounts share it."""

    twice = "domain"
    domain = forms.CharField(
        label=gettext_lazy("Mail domain"),
        max_length=253,
        help_text=gettext_lazy("Such as example.org. Domains below it are meant, too."),
        widget=ExactInput,
    )
    field_order = ("domain", "again", "reason")

    def read(self, text: str) -> str:
        """The domain in its one spelling."""
        return read_domain(text)


@offered_on_table(ProhibitedDomain)
class ProhibitDomain(TypedTwiceAct):
    """Accept no new addresses at a domain."""

    slug = "prohibit-domain"
    groups = MAY_HELP
    title = gettext_lazy("Prohibit a mail domain")
    tells_people = False
    form_class = DomainForm
    reasons = (
        gettext_lazy("Anybody gets an address there for some minutes."),
        gettext_lazy("Accounts with addresses there uploaded malicious files."),
    )

    def consequences(self) -> list[str]:
        """What will happen."""
        return [
            _(
                "Nobody can make an account with an address at this domain or one below it, add "
                "such an address, or import one."
            ),
            _("Addresses that accounts have already stay, and go on working."),
        ]

    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Prohibit it."""
        row = prohibit_domain(
            fields["domain"], is_confirmed=fields["is_confirmed"], reason=reason, by=by
        )
        return _("Addresses at %s are not accepted any more.") % row.domain


@offered_on(ProhibitedDomain)
class AllowDomain(StaffAct):
    """Accept addresses at a domain again."""

    slug = "allow-domain"
    groups = MAY_HELP
    title = gettext_lazy("Accept this mail domain again")
    tells_people = False
    reasons = (gettext_lazy("It was prohibited by mistake."),)

    def consequences(self, row: Any) -> list[str]:
        """What will happen."""
        return [
            _("Accounts can be made with addresses at %s again, and such addresses be added.")
            % row.domain
        ]

    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Accept them."""
        allow_domain(row, reason=reason, by=by)
        return _("Addresses at %s are accepted again.") % row.domain
