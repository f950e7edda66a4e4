"""Mail addresses of an account, and their verification."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import View

from accounts.forms.emails import AddressForm
from accounts.gates import account_page, codes_page
from accounts.links import read_address
from accounts.models import EmailAddress, User
from accounts.operations import emails
from accounts.sudo import SHORT, sudo_page
from accounts.views.links import hide_link


@method_decorator(codes_page, name="dispatch")  # type: ignore[arg-type]
class VerifyAddressView(View):
    """The link in a verification mail: a page with a button, as mail scanners open links."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the link before either method."""
        self.address: EmailAddress | None = None
        self.problem = ""
        try:
            pk, key, owner = read_address(request.GET.get("link", ""))
            present = EmailAddress.objects.filter(pk=pk, address_key=key, user_id=owner)
            self.address = present.first()
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
        is_verified = self.address is not None and self.address.verified_at is not None
        context = {"address": self.address, "problem": self.problem, "is_verified": is_verified}
        status = 400 if self.problem else 200
        return render(request, "accounts/verify_address.html", context, status=status)


@codes_page
@require_POST
def send_again(request: HttpRequest) -> HttpResponse:
    """Another verification mail to the address that the account was made with."""
    user: Any = request.user
    address = user.primary_email
    if user.has_verified_email:
        messages.info(request, _("The address %s is verified.") % address)
    if user.has_verified_email or address is None:
        return redirect("accounts:security")
    return _act(
        request,
        emails.send_verification,
        address,
        done=_("A mail is on its way to %s.") % address,
    )


def _change_unverified(request: HttpRequest) -> HttpResponse:
    """Another address, where the first was mistyped; the form is on the security page."""
    user: Any = request.user
    if request.method != "POST" or user.has_verified_email:
        return redirect("accounts:security")
    form = AddressForm(request.POST, user=user)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["email"])))
        return redirect("accounts:security")
    new = form.cleaned_data["email"]
    return _act(
        request,
        partial(emails.change_unverified_address, new=new),
        user,
        done=_("A mail is on its way to %s.") % new,
    )


def _own_address(request: HttpRequest, pk: int) -> EmailAddress:
    return get_object_or_404(EmailAddress, pk=pk, user=request.user)


def _add_address(request: HttpRequest) -> HttpResponse:
    """The form; the answer does not tell whether another account has the address."""
    user: Any = request.user
    form = AddressForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            address = emails.add_address(
                user,
                form.cleaned_data["email"],
                by=request.actor,  # type: ignore[attr-defined]
            )
        except (ValidationError, PermissionDenied) as error:
            form.add_error(None, getattr(error, "message", str(error)))
        else:
            messages.success(request, _("A mail is on its way to %s.") % address)
            return redirect("accounts:security")
    return render(request, "accounts/add_address.html", {"nav": "security", "form": form})


@account_page
@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Another verification mail for an address that was added."""
    address = _own_address(request, pk)
    return _act(
        request,
        emails.send_verification,
        address,
        done=_("A mail is on its way to %s.") % address,
    )


def _remove_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then remove."""
    address = _own_address(request, pk)
    if request.method != "POST":
        context = {"nav": "security", "address": address, "act": "remove"}
        return render(request, "accounts/address_act.html", context)
    return _act(
        request,
        emails.remove_address,
        address,
        done=_("The address %s was removed.") % address,
    )


def _make_primary(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then choose it."""
    address = _own_address(request, pk)
    if request.method != "POST":
        context = {"nav": "security", "address": address, "act": "primary"}
        return render(request, "accounts/address_act.html", context)
    return _act(
        request,
        emails.make_primary,
        address,
        done=_("Notices now go to %s.") % address,
    )


def _act(
    request: HttpRequest, operation: Callable[..., object], row: EmailAddress | User, *, done: str
) -> HttpResponse:
    """Do it, say what came of it, and lead back."""
    try:
        operation(row, by=request.actor)  # type: ignore[attr-defined]  # by ActorMiddleware
    except (ValidationError, PermissionDenied) as error:
        messages.error(request, getattr(error, "message", str(error)))
    else:
        messages.success(request, done)
    return redirect("accounts:security")


change_unverified = sudo_page(_change_unverified, lasts=SHORT, gate=codes_page)
add_address = sudo_page(_add_address, lasts=SHORT)
remove_address = sudo_page(_remove_address, lasts=SHORT)
make_primary = sudo_page(_make_primary, lasts=SHORT)
