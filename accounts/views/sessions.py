"""Browser sessions of an account."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import login


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    login.sign_out(request, by=request.actor)  # type: ignore[attr-defined]
    return redirect("projects:home")
