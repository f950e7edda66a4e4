"""Making an account, and verifying its address."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import limits, login, qr, totp
from accounts.forms import AddressForm, AdministratorForm, RegistrationForm
from accounts.gates import codes_page
from accounts.links import read_address
from accounts.models import AccountLink, AuthenticatorApp, EmailAddress
from accounts.operations import emails, registration
from accounts.verification import OFFERED_SECRETS
from audit import keyring
from audit.actors import from_connection


def hide_link(response: HttpResponse) -> HttpResponse:
    """Keep the one-use link in this page's address out of every Referer."""
    response["Referrer-Policy"] = "strict-origin"
    return response


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class RegisterView(View):
    """Registration, open or with the link of an invitation."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Lead whoever is signed in away, and say why where nobody can register."""
        if request.user.is_authenticated:
            return redirect("projects:my-projects")
        secret = request.GET.get("link", "")
        self.link = registration.find_link(secret, makes_administrator=False) if secret else None
        mode = registration.registration_mode()
        if self.link is None and mode != "open":
            reason = "ended" if secret else mode
            return self._closed(request, reason)
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return render(request, "accounts/register.html", {"form": RegistrationForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make the account and sign it in."""
        form = RegistrationForm(request.POST)
        by = from_connection(request)
        if form.is_valid():
            try:
                limits.REGISTRATION_NETWORK.take(limits.network_key(by.network_address))
                user = registration.register(**form.cleaned_data, link=self.link, by=by)
            except PermissionDenied:  # the invitation was used since the page was opened
                return self._closed(request, "ended" if self.link else "closed")
            except ValidationError as error:
                form.add_error("username" if error.code == "taken" else None, error)
            else:
                login.complete(request, user, method="the registration form", device=None)
                return redirect("accounts:security")
        return render(request, "accounts/register.html", {"form": form})

    def _closed(self, request: HttpRequest, reason: str) -> HttpResponse:
        return render(request, "accounts/register_closed.html", {"reason": reason}, status=403)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SetUpView(View):
    """The set-up link: the first administrator, with a second factor from the first moment."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in only who holds a link that can still be used."""
        self.secret_of_link = request.GET.get("link", "")
        self.link = registration.find_link(self.secret_of_link, makes_administrator=True)
        if self.link is None:
            return render(request, "accounts/set_up_ended.html", status=403)
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form, with a fresh secret for the authenticator app."""
        return self._page(request, AdministratorForm(), totp.new_secret())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make the account, spend the link, sign in."""
        link: AccountLink = self.link  # type: ignore[assignment]
        form = AdministratorForm(request.POST)
        try:
            secret = keyring.unwrap(
                OFFERED_SECRETS, request.POST.get("offered", ""), context=f"link:{link.digest}"
            )
        except ValueError:
            form.add_error(None, _("This page is too old. Scan the new code, and try again."))
            return self._page(request, form, totp.new_secret())
        if form.is_valid():
            try:
                user = registration.create_administrator(
                    **form.cleaned_data, secret=secret, link=link, by=from_connection(request)
                )
            except PermissionDenied:  # the link was used since the page was opened
                return render(request, "accounts/set_up_ended.html", status=403)
            except ValidationError as error:
                fields = {"taken": "username", "address_taken": "email"}
                form.add_error(fields.get(str(error.code), "code"), error)
            else:
                app = AuthenticatorApp.objects.get(user=user, confirmed=True)
                login.complete(request, user, method="the set-up link", device=app)
                return redirect("accounts:recovery-codes")
        return self._page(request, form, secret)

    def _page(self, request: HttpRequest, form: AdministratorForm, secret: bytes) -> HttpResponse:
        link: AccountLink = self.link  # type: ignore[assignment]
        account = form.data.get("username", "") or "administrator"
        context = {
            "form": form,
            "offered": keyring.wrap(OFFERED_SECRETS, secret, context=f"link:{link.digest}"),
            "secret": totp.secret_as_text(secret),
            "qr": qr.svg(totp.otpauth_uri(secret, account=account, issuer=qr.issuer())),
        }
        return render(request, "accounts/set_up.html", context)


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
