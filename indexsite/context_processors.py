"""What every page knows of the site."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import features, panels, switches
from accounts.operations.registration import registration_mode


def site(request: HttpRequest) -> dict[str, Any]:
    """Names and addresses, and whether there is a way to an account."""
    return {
        "site": {
            "name": settings.SITE_NAME,
            "url": settings.SITE_URL,
            "version": settings.VERSION,
            "registration": SimpleLazyObject(registration_mode),  # asked only where it is shown
            "beta": SimpleLazyObject(lambda: features.marks_of_page(_view_name(request))),
            "notices": SimpleLazyObject(switches.banners),
        },
        "banners": SimpleLazyObject(lambda: panels.banners_of(request.user)),  # type: ignore[arg-type]
    }


def _view_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.view_name if match is not None else ""
