"""What staff decide about mail domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mail_domains import read_domain
from accounts.models import ProhibitedDomain
from accounts.operations.mail_domains import allow_domain, prohibit_domain
from accounts.permissions import MAY_HELP
from accounts.staff import ReasonForm, StaffAct, TableAct, offered_on, offered_on_table
from audit.actors import Actor


class DomainForm(ReasonForm):
    """Which domain; and once more, where many accounts share it."""

    domain = forms.CharField(
        label=gettext_lazy("Mail domain"),
        max_length=253,
        help_text=gettext_lazy("Such as example.org. Domains below it are meant, too."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    again = forms.CharField(
        label=gettext_lazy("The domain again"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("domain", "again", "reason")

    def clean_domain(self) -> str:
        """The domain in its one spelling."""
        return read_domain(self.cleaned_data["domain"])

    def clean_again(self) -> str:
        """The same once more; "" for what is no domain."""
        try:
            return read_domain(self.cleaned_data["again"])
        except ValidationError:
            return ""


@offered_on_table(ProhibitedDomain)
class ProhibitDomain(TableAct):
    """Accept no new addresses at a domain; ask once more where many accounts share it."""

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
        is_confirmed = fields["again"] == fields["domain"]
        row = prohibit_domain(fields["domain"], is_confirmed=is_confirmed, reason=reason, by=by)
        return _("Addresses at %s are not accepted any more.") % row.domain

    def _page(self, request: HttpRequest, form: ReasonForm) -> HttpResponse:
        if not form.has_error(NON_FIELD_ERRORS, code="shared"):
            del form.fields["again"]
        return super()._page(request, form)


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

    def _after(self, row: Any) -> str:
        """The list: the row is gone."""
        return reverse("admin:accounts_prohibiteddomain_changelist")
