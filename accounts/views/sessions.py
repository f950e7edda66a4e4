"""Browser sessions and known devices of an account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import login
from accounts.browsers import describe
from accounts.gates import account_page
from accounts.models import KnownDevice, UserSession
from accounts.operations import sessions
from accounts.sessions import digest
from audit.actors import from_connection


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    login.sign_out(request, by=request.actor)  # type: ignore[attr-defined]
    return redirect("projects:home")


@account_page
@require_http_methods(["GET", "HEAD"])
def show_sessions(request: HttpRequest) -> HttpResponse:
    """Where the account is signed in, and which devices have been."""
    user: Any = request.user
    this = digest(request.session.session_key or "")
    this_device = from_connection(request).device
    is_open = UserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    rows = sorted(is_open, key=lambda row: (row.pk == this, row.last_used_at), reverse=True)
    context = {
        "nav": "security",
        "sessions": [(row, describe(row.user_agent), row.pk == this) for row in rows],
        "devices": [
            (row, describe(row.user_agent), row.digest == this_device)
            for row in KnownDevice.objects.filter(user=user)
        ],
    }
    return render(request, "accounts/sessions.html", context)


@account_page
@require_POST
def end_session(request: HttpRequest, session: str) -> HttpResponse:
    """End one session of this account."""
    user: Any = request.user
    row = get_object_or_404(UserSession, user=user, session_key=session)
    sessions.end_session(user, row, by=request.actor)  # type: ignore[attr-defined]
    if row.pk == digest(request.session.session_key or ""):  # no message can be kept in it
        return redirect("two_factor:login")
    messages.success(request, _("The session has ended."))
    return redirect("accounts:sessions")


@account_page
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one."""
    sessions.end_sessions(
        request.user,  # type: ignore[arg-type]
        keep=request.session.session_key,
        by=request.actor,  # type: ignore[attr-defined]
    )
    messages.success(request, _("All other sessions have ended."))
    return redirect("accounts:sessions")


@account_page
@require_POST
def forget_device(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one device of this account."""
    device = get_object_or_404(KnownDevice, pk=pk, user=request.user)
    this = UserSession.objects.filter(pk=digest(request.session.session_key or ""))
    is_this = this.filter(device=device).exists()  # whatever cookie of a device is left
    sessions.forget_device(device, by=request.actor)  # type: ignore[attr-defined]
    if is_this:
        return redirect("two_factor:login")
    messages.success(request, _("The device is forgotten."))
    return redirect("accounts:sessions")
