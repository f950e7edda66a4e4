"""Puts the actor on the request, without asking for the session until somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from audit.actors import from_request


class ActorMiddleware:
    """Offers `request.actor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on with an actor that is made when it is first used."""
        request.actor = SimpleLazyObject(lambda: from_request(request))  # type: ignore[attr-defined]
        return self.get_response(request)
