"""What browsers ask before they use a security key, and the sign-in with a passkey.

The addresses that answer with JSON are asked by static/indexsite/keys.js at the press of a button.
They change nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET
from django.views.generic import View

from accounts import login, security_keys
from accounts.forms.second_factors import LabelForm
from accounts.forms.sign_in import PasskeyForm
from accounts.gates import SafeNextMixin, codes_page
from accounts.models import User
from accounts.sudo import sudo_page
from accounts.two_factor import pending_user
from audit.actors import from_connection


def _refuse(reason: str) -> JsonResponse:
    return JsonResponse({"refusal": reason}, status=403)


@require_GET
def _ask_to_add(request: HttpRequest, *, as_passkey: bool) -> HttpResponse:
    """For a new key. The label is looked at first: an authenticator forgets nothing it has made."""
    user: Any = request.user
    form = LabelForm(request.GET, user=user)
    if not form.is_valid():
        return _refuse(" ".join(map(str, form.errors["label"])))
    session = request.session.session_key
    return JsonResponse(security_keys.ask_to_add(user, session=session, as_passkey=as_passkey))


ask_to_add_key = sudo_page(partial(_ask_to_add, as_passkey=False))
ask_to_add_passkey = sudo_page(partial(_ask_to_add, as_passkey=True))


def _ask_for_key(request: HttpRequest, user: User | None, purpose: str) -> HttpResponse:
    if user is None or not user.security_keys:
        return _refuse(_("This page is too old. Load it again."))
    session = request.session.session_key
    return JsonResponse(security_keys.ask_for_key(user, purpose, session=session))


@codes_page
@require_GET
def ask_to_confirm(request: HttpRequest) -> HttpResponse:
    """For sudo mode."""
    user: Any = request.user
    return _ask_for_key(request, user, security_keys.CONFIRM)


@never_cache
@require_GET
def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """For the second step of the sign-in: of whoever has given the right password."""
    return _ask_for_key(request, pending_user(request), security_keys.SIGN_IN)


@never_cache
@require_GET
def ask_for_passkey(request: HttpRequest) -> HttpResponse:
    """For a sign-in with a passkey: the same for everybody."""
    return JsonResponse(security_keys.ask_for_passkey())


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class PasskeySignInView(SafeNextMixin, View):
    """Signs in whoever brings the answer of a passkey, which counts as both factors."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign in, or lead back to the sign-in page with the reason."""
        form = PasskeyForm(request.POST, by=from_connection(request))
        if not form.is_valid() or form.key is None:
            return self.lead_back(" ".join(map(str, form.non_field_errors())))
        key = form.key
        try:
            login.complete(request, key.user, method="a passkey", device=key)
        except PermissionDenied as refusal:  # the account was changed since the key answered
            return self.lead_back(str(refusal))
        return redirect(self.get_redirect_url() or settings.LOGIN_REDIRECT_URL)
