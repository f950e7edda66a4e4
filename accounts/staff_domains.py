"""What staff decide about mail domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mail_domains import read_domain
from accounts.models import ProhibitedDomain
from accounts.operations.mail_domains import allow_domain, prohibit_domain
from accounts.permissions import MAY_HELP
from accounts.staff import ReasonForm, StaffAct, StaffPage, offered_on
from accounts.staff_gate import refuse
from audit.actors import Actor

LIST = "admin:accounts_prohibiteddomain_changelist"


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
        max_length=253,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ("domain", "again", "reason")

    def clean_domain(self) -> str:
        """The domain in its one spelling."""
        return read_domain(self.cleaned_data["domain"])

    @property
    def is_confirmed(self) -> bool:
        """Whether the same domain was typed twice."""
        again: str = self.cleaned_data.get("again") or ""
        return bool(again) and again.strip().lower() in {
            self.cleaned_data["domain"],
            self.data["domain"].strip().lower(),
        }


class ProhibitDomain(StaffPage):
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

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask which, and why."""
        return self._page(request, self._form_for(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Prohibit it; ask once more where many accounts share it."""
        form: Any = self._form_for(request)
        if not form.is_valid():
            return self._page(request, form)
        try:
            row = prohibit_domain(
                form.cleaned_data["domain"],
                is_confirmed=form.is_confirmed,
                reason=form.cleaned_data["reason"],
                by=request.actor,  # type: ignore[attr-defined]
            )
        except ValidationError as error:
            form.add_error("domain", error)
            return self._page(request, form, asks_again=error.code == "shared")
        except PermissionDenied as error:
            refuse(request, self.slug, "not to this one")
            form.add_error(None, str(error))
            return self._page(request, form)
        messages.success(request, _("Addresses at %s are not accepted any more.") % row.domain)
        return redirect(LIST)

    def _page(
        self, request: HttpRequest, form: ReasonForm, *, asks_again: bool = False
    ) -> HttpResponse:
        if not asks_again:
            del form.fields["again"]
        return self._show(request, "admin/prohibit_domain.html", form=form)


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
        return reverse(LIST)
