"""Pages that can only be read: who sends a file to one is told where files go."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

View = Callable[..., Any]


def readable(view: View) -> View:
    """Answer GET and HEAD by the view, and all else without looking at cookies: it changes nothing.

    Without the exemption, upload tools that were given a wrong address would hear of cookies.
    """

    @csrf_exempt
    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method in {"GET", "HEAD"}:
            return view(request, *args, **kwargs)
        return nothing_is_taken()

    return door


def nothing_is_taken() -> HttpResponse:
    """The refusal, in the two places where upload tools look: the reason phrase, and the body."""
    line = (
        "This address can only be read. Upload to "
        f"{settings.SITE_URL}/legacy/ instead: put that into the client's settings."
    )
    return HttpResponse(
        f"{line}\n",
        status=405,
        reason=line,
        content_type="text/plain; charset=utf-8",
        headers={"Allow": "GET, HEAD"},
    )
