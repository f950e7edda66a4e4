"""Making an account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import limits, login, qr, switches, totp
from accounts.forms.registration import AdministratorForm, RegistrationForm
from accounts.models import AccountLink, AuthenticatorApp
from accounts.operations import registration
from accounts.verification import OFFERED_SECRETS
from accounts.views.links import hide_link
from audit import keyring
from audit.actors import from_connection


def _lead_away(request: HttpRequest) -> HttpResponse:
    """Whoever is signed in has an account; an invitation is for somebody who has none."""
    if "link" in request.GET:
        name = request.user.get_username()
        messages.info(
            request,
            _(
                "You are signed in as %s, and the invitation was not used. To make another "
                "account with it, sign out and open the link again."
            )
            % name,
        )
    return redirect("projects:my-projects")


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class RegisterView(View):
    """Registration, open or with the link of an invitation."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Lead whoever is signed in away, and say why where nobody can register."""
        if request.user.is_authenticated:
            return _lead_away(request)
        secret = request.GET.get("link", "")
        self.link = registration.find_link(secret, makes_administrator=False) if secret else None
        if not registration.is_open_to(self.link):
            is_ended = bool(secret) and self.link is None
            return self._closed(request, "ended" if is_ended else registration.registration_mode())
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return render(request, "accounts/register.html", {"form": RegistrationForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make the account and sign it in."""
        form = RegistrationForm(request.POST)
        by = from_connection(request)
        network = limits.network_key(by.network_address)
        limits.REGISTRATION_FORMS.take(network)  # judging a password takes time, refused or not
        if form.is_valid():
            try:
                limits.REGISTRATION_NETWORK.take(network)
                user = registration.register(**form.cleaned_data, link=self.link, by=by)
            except PermissionDenied:  # the invitation was used since the page was opened
                return self._closed(request, "ended" if self.link else "closed")
            except ValidationError as error:
                fields = {"taken": "username", "prohibited": "email"}
                form.add_error(fields.get(str(error.code)), error)
            else:
                login.complete(request, user, method="the registration form", device=None)
                return redirect("accounts:security")
        return render(request, "accounts/register.html", {"form": form})

    def _closed(self, request: HttpRequest, reason: str) -> HttpResponse:
        state = switches.REGISTRATION.state()
        context = {"reason": reason, "words": switches.describe(state) if state else ""}
        return render(request, "accounts/register_closed.html", context, status=403)


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
                fields = {"taken": "username", "address_taken": "email", "prohibited": "email"}
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
