"""The security page: what protects an account, and what is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.forms.emails import AddressForm
from accounts.gates import account_page
from accounts.panels import security_panels


@account_page
@require_http_methods(["GET", "HEAD"])
def show_security(request: HttpRequest) -> HttpResponse:
    """What protects the account, and what is missing."""
    user: Any = request.user
    context = {
        "nav": "security",
        "address": user.primary_email,
        "address_form": AddressForm(user=user),
        "apps": user.second_factors,
        "recovery_codes": user.recovery_codes,
        "panels": security_panels(user),
    }
    return render(request, "accounts/security.html", context)
