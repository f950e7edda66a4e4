"""What pages that are opened by a one-use link have in common."""

from __future__ import annotations

from django.http import HttpResponse


def hide_link(response: HttpResponse) -> HttpResponse:
    """Keep the one-use link in this page's address out of every Referer."""
    response["Referrer-Policy"] = "strict-origin"
    return response
