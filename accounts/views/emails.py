"""Mail addresses of an account, and their verification."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.forms.emails import AddressForm
from accounts.gates import codes_page
from accounts.links import read_address
from accounts.models import EmailAddress
from accounts.operations import emails
from accounts.views.links import hide_link


@method_decorator(codes_page, name="dispatch")  # type: ignore[arg-type]
class VerifyAddressView(View):
    """The link in a verification mail: a page with a button, as mail scanners open links."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the link before either method."""
        self.address: EmailAddress | None = None
        self.problem = ""
        try:
            pk, key = read_address(request.GET.get("link", ""))
            self.address = EmailAddress.objects.filter(pk=pk, address_key=key).first()
        except signing.SignatureExpired:
            self.problem = _("This link has ended; such links last 6 hours. Ask for another mail.")
        except signing.BadSignature:
            self.problem = _("This link is not complete. Copy all of it from the mail.")
        if self.address is None and not self.problem:
            self.problem = _("This address is no longer on the account.")
        elif self.address is not None and self.address.user_id != request.user.pk:
            self.problem = _(
                "This address belongs to another account. Sign out, and open the link again."
            )
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the button, or what is wrong."""
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Verify."""
        if self.problem or self.address is None:
            return self._page(request)
        try:
            emails.verify_address(self.address, by=request.actor)  # type: ignore[attr-defined]
        except (PermissionDenied, ValidationError) as error:
            self.problem = getattr(error, "message", str(error))
            return self._page(request)
        messages.success(request, _("The address %s is verified.") % self.address.address)
        return redirect("accounts:security")

    def _page(self, request: HttpRequest) -> HttpResponse:
        context = {"address": self.address, "problem": self.problem}
        status = 400 if self.problem else 200
        return render(request, "accounts/verify_address.html", context, status=status)


@method_decorator(codes_page, name="dispatch")  # type: ignore[arg-type]
class UnverifiedAddressView(View):
    """Another verification mail, or another address where the first was mistyped."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Send again, to the same address or to the one typed."""
        user: Any = request.user
        by = request.actor  # type: ignore[attr-defined]
        address = user.primary_email
        if user.has_verified_email:
            messages.info(request, _("The address %s is verified.") % address)
            return redirect("accounts:security")
        form = AddressForm(request.POST, user=user) if "email" in request.POST else None
        try:
            if form is None and address is not None:
                emails.send_verification(address, by=by)
            elif form is not None and form.is_valid():
                address = emails.change_unverified_address(user, form.cleaned_data["email"], by=by)
            elif form is not None:
                messages.error(request, " ".join(map(str, form.errors["email"])))
                return redirect("accounts:security")
        except (ValidationError, PermissionDenied) as error:
            messages.error(request, getattr(error, "message", str(error)))
            return redirect("accounts:security")
        messages.success(request, _("A mail is on its way to %s.") % address)
        return redirect("accounts:security")
