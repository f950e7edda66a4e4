"""Two files that robots and researchers look for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from projects.views.readable import readable

_PLAIN = "text/plain; charset=utf-8"
_NOT_FOR_ROBOTS = (
    "/account/",
    "/admin/",
    "/manage/",
    "/legacy/",
    "/simple/",
    "/files/",
    "/search/",
)


@readable
def show_robots(request: HttpRequest) -> HttpResponse:
    """Projects are for search engines; files and what needs a sign-in are not."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_ROBOTS), ""]
    return HttpResponse("\n".join(lines), content_type=_PLAIN)


@readable
def show_security(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a weakness (RFC 9116), if the operator named somebody.

    Raises:
        Http404: if not.
    """
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    expires += timedelta(days=180)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
        "Preferred-Languages: en",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type=_PLAIN)
