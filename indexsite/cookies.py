"""What is said to browsers that keep a cookie back: which one is needed, and what for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render

# From the sign-in page on, there is no going on without a session; that page begins it.
NEEDS_SESSION = {"two_factor:login", "accounts:passkey-sign-in"}


def refuse_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form that another site may have sent, or that is too old."""
    if reason == REASON_NO_CSRF_COOKIE:
        return _ask_for(request, settings.CSRF_COOKIE_NAME)
    return render(request, "403_csrf.html", status=403)


def _ask_for(request: HttpRequest, cookie: str) -> HttpResponse:
    context = {"cookie": cookie, "is_session": cookie == settings.SESSION_COOKIE_NAME}
    return render(request, "403_cookie.html", context, status=403)


class SessionCookieMiddleware:
    """Stops a sign-in that would lead nowhere, because the browser kept the session's cookie back.

    Whoever sends the form with one of the two cookies that its page has set can send the other.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """Say so, before anything is looked at."""
        match = request.resolver_match
        if request.method != "POST" or match is None or match.view_name not in NEEDS_SESSION:
            return None
        has_csrf = settings.CSRF_COOKIE_NAME in request.COOKIES
        if not has_csrf or settings.SESSION_COOKIE_NAME in request.COOKIES:
            return None
        return _ask_for(request, settings.SESSION_COOKIE_NAME)
