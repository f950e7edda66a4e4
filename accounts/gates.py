"""Who may see a page of an account: signed in, with the second factor if the account has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts import policy
from accounts.sessions import FACTOR_SKIPPED

View = Callable[..., HttpResponse]
OF_ACCOUNT = {"accounts", "two_factor"}  # the namespaces of the pages where factors are added


def is_fully_signed_in(request: HttpRequest) -> bool:
    """Whether this session has brought every proof that its account asks for."""
    user: Any = request.user
    if not user.is_authenticated:
        return False
    return not user.has_second_factor or bool(user.is_verified()) or _skipped_factor(request)


def _skipped_factor(request: HttpRequest) -> bool:
    """Whether a remembered device opened this session; staff need the factor itself."""
    user: Any = request.user
    return bool(request.session.get(FACTOR_SKIPPED)) and not user.is_staff


def account_page(view: View) -> View:
    """A page for the signed-in. Until a recovery code was typed back, it leads to the codes.

    Until the mail address is verified, it leads to the security page, where that is done.

    Whoever must have a second factor, and has none, is led from the pages of higher floors to the
    account's own, where one is added.
    """

    @codes_page
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        if user.must_confirm_recovery_codes:
            return redirect("accounts:recovery-codes")
        if not user.has_verified_email and not _is_security_page(request):
            return redirect("accounts:security")  # whose verdict says so
        if not _is_of_account(request) and policy.lacks_second_factor(user):
            messages.warning(request, policy.demand(user))
            return redirect("accounts:security")
        return view(request, *args, **kwargs)

    return guarded


class SafeNextMixin(RedirectURLMixin):
    """Leads on to `next` only if that is a page of this site, by its whole path or address.

    (Django's methods take no request, whatever its stubs say.)
    """

    request: HttpRequest

    def get_success_url_allowed_hosts(self) -> set[str]:  # type: ignore[override]
        """This site by its own address, whatever the Host header says."""
        return {urlsplit(settings.SITE_URL).netloc}

    def get_redirect_url(self) -> str:  # type: ignore[override]
        """Where to go on, or ""."""
        target = super().get_redirect_url()
        return target if target.lower().startswith(("/", "http://", "https://")) else ""

    def lead_back(self, reason: str) -> HttpResponseRedirect:
        """To the sign-in page, which says why, and later leads on to `next`."""
        messages.error(self.request, reason)
        target = self.get_redirect_url()
        query = f"?{urlencode({'next': target})}" if target else ""
        return HttpResponseRedirect(resolve_url(settings.LOGIN_URL) + query)


def _is_of_account(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.namespace in OF_ACCOUNT


def _is_security_page(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.view_name == "accounts:security"


def codes_page(view: View) -> View:
    """A page for the signed-in that stays open while no recovery code was typed back.

    Where the session was ended while the page was at work, it leads to the sign-in page.
    """

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_fully_signed_in(request):
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
        try:
            return view(request, *args, **kwargs)
        except SessionInterrupted:
            return start_again(request)

    guarded.is_account_page = True  # type: ignore[attr-defined]
    return guarded


def start_again(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, since somebody ended this session while its request was at work."""
    request.session.flush()
    messages.error(request, _("The account was changed meanwhile. Sign in again."))
    return redirect(settings.LOGIN_URL)
