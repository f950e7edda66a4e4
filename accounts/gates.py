"""Who may see a page of an account: signed in, with the second factor if the account has one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponse]


def is_fully_signed_in(request: HttpRequest) -> bool:
    """Whether this session has brought every proof that its account asks for."""
    user: Any = request.user
    if not user.is_authenticated:
        return False
    return not user.has_second_factor or bool(user.is_verified())


def account_page(view: View) -> View:
    """A page for the signed-in. Until a recovery code was typed back, it leads to the codes."""

    @codes_page
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.must_confirm_recovery_codes:  # type: ignore[union-attr]
            return redirect("accounts:recovery-codes")
        return view(request, *args, **kwargs)

    return guarded


def codes_page(view: View) -> View:
    """A page for the signed-in that stays open while no recovery code was typed back."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_fully_signed_in(request):
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
        return view(request, *args, **kwargs)

    guarded.is_account_page = True  # type: ignore[attr-defined]
    return guarded
