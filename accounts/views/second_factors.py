"""Second factors and recovery codes: added, kept and removed."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts import login, policy, qr, security_keys, totp
from accounts.forms.second_factors import AppForm, KeyForm, LabelForm, TypeBackForm
from accounts.gates import codes_page
from accounts.models import AuthenticatorApp, RecoveryCodeSet, SecondFactor, SecurityKey
from accounts.operations import second_factors
from accounts.sessions import digest
from accounts.sudo import SHORT, sudo_page


def _reason(error: ValidationError | PermissionDenied) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error)


def _may_add(request: HttpRequest) -> bool:
    """Whether the account may have second factors; if not, the next page says why."""
    user: Any = request.user
    if not user.has_verified_email:
        messages.error(
            request, _("Verify your mail address first: it is how we can reach you about this.")
        )
    return bool(user.has_verified_email)


@sudo_page
def add_app(request: HttpRequest) -> HttpResponse:
    """Set an authenticator app up: QR code, typed key, and a code to show that it works."""
    user: Any = request.user
    if not _may_add(request):
        return redirect("accounts:security")
    if request.POST.get("offer") in {str(row.pk) for row in user.authenticator_apps}:
        return redirect("accounts:security")  # sent twice; the first press has added it
    app = second_factors.offered_app(user, session=digest(request.session.session_key or ""))
    form = AppForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and request.POST.get("offer", str(app.pk)) != str(app.pk):
        form.add_error(
            None, _("This page was open for too long: there is a new key now. Scan it, too.")
        )
    elif form.is_bound and form.is_valid():
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
            return _go_on_with(request, app, _("The authenticator app was added."))
    secret = second_factors.unwrap_secret(app)
    uri = totp.otpauth_uri(secret, account=user.username, issuer=qr.issuer())
    context = {
        "nav": "security",
        "form": form,
        "offer": app.pk,
        "secret": totp.secret_as_text(secret),
        "qr": qr.svg(uri),
        "is_first": not user.has_second_factor,
    }
    return render(request, "accounts/add_app.html", context)


def _add_key(request: HttpRequest, *, as_passkey: bool) -> HttpResponse:
    """Register what the browser has made; static/indexsite/keys.js asks it to."""
    user: Any = request.user
    if not _may_add(request):
        return redirect("accounts:security")
    form = KeyForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            key = second_factors.add_key(
                user,
                **form.cleaned_data,
                as_passkey=as_passkey,
                session=request.session.session_key,
                by=request.actor,  # type: ignore[attr-defined]
            )
        except ValidationError as error:
            form.add_error("label" if error.code == "taken" else None, error)
        else:
            done = _("The passkey was added.") if as_passkey else _("The security key was added.")
            return _go_on_with(request, key, done)
    context = {
        "nav": "security",
        "form": form,
        "as_passkey": as_passkey,
        "is_first": not user.has_second_factor,
        "are_possible": security_keys.are_possible(),
    }
    return render(request, "accounts/add_key.html", context)


add_key = sudo_page(partial(_add_key, as_passkey=False))
add_passkey = sudo_page(partial(_add_key, as_passkey=True))


def _go_on_with(request: HttpRequest, factor: SecondFactor, done: str) -> HttpResponse:
    """The session that set a factor up has verified it; the codes come next if there are none."""
    login.verify_session(request, factor)
    messages.success(request, done)
    return redirect("accounts:security")


def _own_factor(request: HttpRequest, kind: type[SecondFactor], pk: int) -> SecondFactor:
    return get_object_or_404(kind, pk=pk, user=request.user, confirmed=True)


def _rename(request: HttpRequest, pk: int, *, kind: type[SecondFactor]) -> HttpResponse:
    """Give a second factor another label."""
    factor = _own_factor(request, kind, pk)
    form = LabelForm(
        request.POST if request.method == "POST" else None,
        user=request.user,  # type: ignore[arg-type]
        besides=factor,
        initial={"label": factor.name},
    )
    if form.is_bound and form.is_valid():
        try:
            second_factors.rename_factor(
                factor,
                label=form.cleaned_data["label"],
                by=request.actor,  # type: ignore[attr-defined]
            )
        except ValidationError as error:
            form.add_error("label", error)
        else:
            messages.success(request, _("The name was changed."))
            return redirect("accounts:security")
    context = {"nav": "security", "factor": factor, "form": form}
    return render(request, "accounts/rename_factor.html", context)


def _remove(request: HttpRequest, pk: int, *, kind: type[SecondFactor]) -> HttpResponse:
    """Remove a second factor, after a confirmation."""
    factor = _own_factor(request, kind, pk)
    user: Any = request.user
    if request.method != "POST":
        is_last = user.second_factors == [factor]
        context = {
            "nav": "security",
            "factor": factor,
            "is_last": is_last,
            "must_stay": is_last and policy.must_have_second_factor(user),
            "is_in_use": user.otp_device == factor,
            "may_publish": policy.may_publish_without(user),
        }
        return render(request, "accounts/remove_factor.html", context)
    try:
        second_factors.remove_factor(
            factor,
            keep_session=request.session.session_key,
            by=request.actor,  # type: ignore[attr-defined]
        )
    except PermissionDenied as error:
        messages.error(request, _reason(error))
    else:
        messages.success(request, _("“%s” was removed.") % factor.name)
    return redirect("accounts:security")


rename_app = sudo_page(partial(_rename, kind=AuthenticatorApp))
rename_key = sudo_page(partial(_rename, kind=SecurityKey))
remove_app = sudo_page(partial(_remove, kind=AuthenticatorApp))
remove_key = sudo_page(partial(_remove, kind=SecurityKey))


@codes_page
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Recovery codes: make them, keep them, and type one back."""
    user: Any = request.user
    if not user.has_second_factor:
        return redirect("accounts:security")
    by = request.actor  # type: ignore[attr-defined]
    code_set = user.recovery_codes
    form = TypeBackForm(request.POST if "code" in request.POST else None, user=user, by=by)
    if form.is_bound and form.is_valid():
        second_factors.confirm_recovery_codes(code_set, by=by)
        messages.success(request, _("Thank you. Your recovery codes are kept."))
        return redirect("accounts:security")
    context = {"nav": "security", "form": form, "code_set": code_set}
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


make_recovery_codes = sudo_page(_make_codes, gate=codes_page, lasts=SHORT)
