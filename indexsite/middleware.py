"""What holds for every request."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, has_vary_header, patch_cache_control

from accounts import devices
from accounts.limits import LimitReached
from indexsite import health
from uploads.errors import refusal_response

GetResponse = Callable[[HttpRequest], HttpResponse]
MACHINE_DOORS = (
    "/simple",
    "/files/",
    "/legacy",
    "/pypi",
    "/api/",
    "/_/",
    "/rss/",
    "/classifiers.txt",
    "/robots.txt",
    "/.well-known/",
    "/_health/",
    "/static/",
)


class StrictTransportMiddleware:
    """Has browsers come by TLS alone, where the site is one of TLS; over HTTP they do not listen.

    Django's own middleware says so where the request came by TLS, which it only knows if the proxy
    is trusted and sends X-Forwarded-Proto.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Say so in every answer."""
        response = self.get_response(request)
        if settings.SECURE_HSTS_SECONDS:
            value = f"max-age={settings.SECURE_HSTS_SECONDS}"
            response.setdefault("Strict-Transport-Security", value)
        return response


class NulMiddleware:
    """Refuses addresses with a NUL character, which no page has and PostgreSQL cannot look for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse, or pass on."""
        if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return refusal_response("The address holds a NUL character.", status=400)
        return self.get_response(request)


class HealthMiddleware:
    """Answers `/_health/` before the host name is looked at: load balancers ask by number."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or pass on."""
        if request.path_info == "/_health/":
            return health.show_health(request)
        return self.get_response(request)


class TrustedProxyMiddleware:
    """Believes X-Forwarded-For and X-Forwarded-Proto from TRUSTED_PROXIES, and from nobody else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put the client's address in the place of the proxy's."""
        peer = _address(request.META.get("REMOTE_ADDR", ""))
        request.META["REMOTE_ADDR"] = str(peer) if peer else ""
        forwarded = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        scheme = request.META.pop("HTTP_X_FORWARDED_PROTO", "")
        if _is_trusted(request.META.get("REMOTE_ADDR", "")):
            for part in reversed(forwarded.split(",")):
                address = _address(part.strip())
                if address is None:
                    break
                request.META["REMOTE_ADDR"] = str(address)
                if not _is_trusted(str(address)):
                    break
            if scheme.strip() in {"http", "https"}:
                request.environ["wsgi.url_scheme"] = scheme.strip()  # type: ignore[attr-defined]
        return self.get_response(request)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped  # how a listener on :: sees IPv4
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return ipaddress.IPv6Address(int(address))  # without "%eth0", which anybody can vary
    return address


def _is_trusted(text: str) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


class NoStoreMiddleware:
    """Keeps what depends on who asks out of every cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mark every answer that looked at a cookie."""
        response = self.get_response(request)
        if has_vary_header(response, "Cookie"):
            patch_cache_control(response, no_store=True, private=True)
        return response


class PageSessionMiddleware(SessionMiddleware):
    """Django's own, which says what happened where a session has ended before its request did.

    So it is where somebody presses a button twice that signs them in. The cookie stays as it is:
    it may be that of the new session.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say so, where a page found out."""
        return _session_has_ended(request) if isinstance(exception, SessionInterrupted) else None

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Say so, where what a page kept in the session cannot be stored."""
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            return _session_has_ended(request)


def _session_has_ended(request: HttpRequest) -> HttpResponse:
    response = render(request, "400_session.html", status=400)
    add_never_cache_headers(response)
    return response


class DeviceCookieMiddleware:
    """Sets the cookie by which a browser is known, in the answer to a completed sign-in."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set it where there was one."""
        response = self.get_response(request)
        devices.set_cookie(request, response)
        return response


class LimitMiddleware:
    """Answers with status 429 where a limit is reached that no form was there to say."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say when to try again."""
        if not isinstance(exception, LimitReached):
            return None
        message = " ".join(exception.messages)
        if request.path_info.startswith(MACHINE_DOORS):
            response = refusal_response(message, status=429)
        else:
            response = render(request, "429.html", {"message": message}, status=429)
        response["Retry-After"] = str(exception.retry_after)
        return response


class HumanLocaleMiddleware(LocaleMiddleware):
    """Chooses the language of pages; answers to machines do not vary by language."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose, for pages."""
        if not request.path_info.startswith(MACHINE_DOORS):
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Say so in the headers, for pages."""
        if request.path_info.startswith(MACHINE_DOORS):
            return response
        return super().process_response(request, response)
