"""Second factors and recovery codes: added, kept and removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts import login, qr, totp
from accounts.forms.second_factors import AppForm, TypeBackForm
from accounts.gates import codes_page
from accounts.models import AuthenticatorApp, RecoveryCodeSet
from accounts.operations import second_factors
from accounts.sudo import sudo_page


def _reason(error: ValidationError | PermissionDenied) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error)


@sudo_page
def add_app(request: HttpRequest) -> HttpResponse:
    """Set an authenticator app up: QR code, typed key, and a code to show that it works."""
    user: Any = request.user
    if not user.has_verified_email:
        messages.error(
            request, _("Verify your mail address first: it is how we can reach you about this.")
        )
        return redirect("accounts:security")
    app = second_factors.offered_app(user)
    form = AppForm(request.POST if "code" in request.POST else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            second_factors.add_app(
                app,
                **form.cleaned_data,
                keep_session=request.session.session_key,
                by=request.actor,  # type: ignore[attr-defined]
            )
        except ValidationError as error:
            form.add_error("label" if error.code == "taken" else "code", error)
        else:
            return _go_on_with(request, app)
    secret = second_factors.unwrap_secret(app)
    uri = totp.otpauth_uri(secret, account=user.username, issuer=qr.issuer())
    context = {
        "nav": "security",
        "form": form,
        "secret": totp.secret_as_text(secret),
        "qr": qr.svg(uri),
        "is_first": not user.has_second_factor,
    }
    return render(request, "accounts/add_app.html", context)


def _go_on_with(request: HttpRequest, app: AuthenticatorApp) -> HttpResponse:
    """The session that set a factor up has verified it; the codes come next if there are none."""
    login.verify_session(request, app)
    messages.success(request, _("The authenticator app was added."))
    return redirect("accounts:security")


@sudo_page
def remove_app(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an authenticator app, after a confirmation."""
    app = get_object_or_404(AuthenticatorApp, pk=pk, user=request.user, confirmed=True)
    if request.method != "POST":
        user: Any = request.user
        context = {"nav": "security", "app": app, "is_last": len(user.second_factors) == 1}
        return render(request, "accounts/remove_app.html", context)
    try:
        second_factors.remove_app(
            app,
            keep_session=request.session.session_key,
            by=request.actor,  # type: ignore[attr-defined]
        )
    except PermissionDenied as error:
        messages.error(request, _reason(error))
    else:
        messages.success(request, _("The authenticator app was removed."))
    return redirect("accounts:security")


@codes_page
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Recovery codes: make them, keep them, and type one back."""
    user: Any = request.user
    if not user.has_second_factor:
        return redirect("accounts:security")
    by = request.actor  # type: ignore[attr-defined]
    form = TypeBackForm(request.POST if "code" in request.POST else None, user=user, by=by)
    if form.is_bound and form.is_valid():
        second_factors.confirm_recovery_codes(user, by=by)
        messages.success(request, _("Thank you. Your recovery codes are kept."))
        return redirect("accounts:security")
    context = {"nav": "security", "form": form, "code_set": user.recovery_codes}
    return render(request, "accounts/recovery_codes.html", context)


def _make_codes(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":  # the address of the page that showed codes, opened again
        return redirect("accounts:recovery-codes")
    user: Any = request.user
    by = request.actor  # type: ignore[attr-defined]
    try:
        codes = second_factors.create_recovery_codes(user, by=by)
    except PermissionDenied as error:
        messages.error(request, _reason(error))
        return redirect("accounts:security")
    if isinstance(user.otp_device, RecoveryCodeSet):
        # The code that verified this session has ended; what it stood in for takes its place
        login.verify_session(request, user.second_factors[0])
    form = TypeBackForm(user=user, by=by)
    context = {"nav": "security", "codes": codes, "form": form}
    return render(request, "accounts/recovery_codes_made.html", context)


make_recovery_codes = sudo_page(_make_codes, gate=codes_page)
