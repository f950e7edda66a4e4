"""Changing a password, and resetting a forgotten one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django.views.generic import View

from accounts import login
from accounts.forms.passwords import AskForResetForm, NewPasswordForm
from accounts.gates import account_page, start_again
from accounts.limits import LimitReached
from accounts.links import read_reset
from accounts.models import PasswordReset
from accounts.operations import passwords
from accounts.panels import survivors
from accounts.sudo import sudo_page
from accounts.views.links import hide_link
from audit.actors import from_connection


def _change_password(request: HttpRequest) -> HttpResponse:
    """The form; then this session goes on, and all others are over."""
    user: Any = request.user
    form = NewPasswordForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            passwords.set_password(
                user,
                form.cleaned_data["password"],
                keep_session=request.session.session_key,
                by=request.actor,  # type: ignore[attr-defined]
            )
            request.session.cycle_key()
            login.keep_session(request)
        except (PermissionDenied, SessionInterrupted):  # somebody else has ended this session
            return start_again(request)
        messages.success(request, _("Your password is changed. All other sessions were ended."))
        return redirect("accounts:security")
    return render(request, "accounts/change_password.html", {"nav": "security", "form": form})


change_password = sensitive_post_parameters()(sudo_page(_change_password))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    """Ask for the mail. The answer is the same whether or not there is such an account."""
    form = AskForResetForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            passwords.request_reset(form.cleaned_data["account"], by=from_connection(request))
        except LimitReached as error:
            form.add_error(None, error)
        else:
            return render(request, "accounts/reset_asked.html")
    return render(request, "accounts/reset_ask.html", {"form": form})


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ResetPasswordView(View):
    """The link in the mail: a new password. It signs nobody in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in only who holds a link that can still be used."""
        try:
            reset = passwords.find_reset(read_reset(request.GET.get("link", "")))
        except signing.BadSignature:
            reset = None
        if reset is None:
            return self._ended(request)
        self.reset: PasswordReset = reset
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self._page(request, NewPasswordForm(user=self.reset.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set the password, and lead to the sign-in page."""
        form = NewPasswordForm(request.POST, user=self.reset.user)
        if not form.is_valid():
            return self._page(request, form)
        try:
            passwords.reset_password(
                self.reset, form.cleaned_data["password"], by=from_connection(request)
            )
        except PermissionDenied:  # the link was used since the page was opened
            return self._ended(request)
        if request.user.is_authenticated and request.user.pk != self.reset.user_id:
            return self._lead_back(request)
        request.session.flush()  # one of this account has ended, and could keep no message
        messages.success(request, _("Your password is changed. Sign in with the new one."))
        query = urlencode({"next": reverse("accounts:after-reset")})
        return redirect(f"{reverse('two_factor:login')}?{query}")

    def _lead_back(self, request: HttpRequest) -> HttpResponse:
        """Where the browser is signed in to another account, which the sign-in page would show."""
        names = {"name": self.reset.user.username, "other": request.user.get_username()}
        messages.success(
            request,
            _(
                "The password of the account %(name)s is changed. This browser is signed in as "
                "%(other)s: sign out, and sign in as %(name)s with the new one."
            )
            % names,
        )
        return redirect("accounts:security")

    def _page(self, request: HttpRequest, form: NewPasswordForm) -> HttpResponse:
        context = {"form": form, "account": self.reset.user}
        return render(request, "accounts/reset_password.html", context)

    def _ended(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/reset_ended.html", status=403)


@account_page
@require_http_methods(["GET", "HEAD"])
def show_survivors(request: HttpRequest) -> HttpResponse:
    """After a reset and a full sign-in: what the new password does not end, and where that is."""
    user: Any = request.user
    context = {"nav": "security", "survivors": survivors(user)}
    return render(request, "accounts/after_reset.html", context)
