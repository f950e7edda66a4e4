"""The security page: what protects an account, and what is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import policy, security_keys
from accounts.forms.emails import AddressForm
from accounts.gates import account_page
from accounts.models import SECOND_FACTORS, User
from accounts.panels import security_panels
from accounts.safety import Standing, judge


def standing_of(user: User) -> Standing:
    """What the verdict on an account depends on."""
    codes = user.recovery_codes
    held = [user.email_addresses, *(kind.objects.filter(user=user) for kind in SECOND_FACTORS)]
    return Standing(
        has_verified_address=user.has_verified_email,
        factors=len(user.second_factors),
        has_key=any(factor.kind != "app" for factor in user.second_factors),
        has_kept_codes=codes is not None and codes.confirmed,
        codes_left=codes.unused if codes is not None else 0,
        held=sum(rows.exclude(held_at=None).count() for rows in held),
        is_suspended=user.uploads_suspended_at is not None,
        may_publish=not user.has_second_factor and policy.may_publish(user),
    )


@account_page
@require_http_methods(["GET", "HEAD"])
def show_security(request: HttpRequest) -> HttpResponse:
    """What protects the account, and what is missing."""
    user: Any = request.user
    context = {
        "nav": "security",
        "verdict": judge(standing_of(user)),
        "address": user.primary_email,
        "addresses": user.email_addresses.all(),
        "address_form": AddressForm(user=user),
        "factors": user.second_factors,
        "apps": user.authenticator_apps,
        "keys": user.security_keys,
        "are_keys_possible": security_keys.are_possible(),
        "recovery_codes": user.recovery_codes,
        "panels": security_panels(user),
    }
    return render(request, "accounts/security.html", context)
