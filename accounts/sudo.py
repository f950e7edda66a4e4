"""Recent re-authentication, asked for in place: a half-filled form survives the prompt.

The prompt's form posts to the page itself and carries what was typed, so nothing is stored and
nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import verification
from accounts.gates import account_page
from accounts.login import SUDO_AT, keep_session, open_sudo
from accounts.models import User
from audit.actors import Actor

View = Callable[..., HttpResponse]
LASTS = 30 * 60  # seconds
_PREFIX = "sudo"
_NEVER_CARRIED = ("csrfmiddlewaretoken",)


def is_open(request: HttpRequest, *, lasts: int = LASTS) -> bool:
    """Whether the person proved less than `lasts` seconds ago who they are."""
    opened_at = request.session.get(SUDO_AT)
    return isinstance(opened_at, int) and 0 <= time.time() - opened_at < lasts


class SudoForm(forms.Form):
    """Asks for the password again."""

    prefix = _PREFIX
    password = forms.CharField(
        label=_("Your password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, *args: Any, user: User, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.by = user, by

    def clean_password(self) -> str:
        """Check it, within the limits of sign-in.

        Raises:
            ValidationError: if it is wrong, or after too many attempts.
        """
        password: str = self.cleaned_data["password"]
        if not verification.confirm_password(self.user, password, by=self.by):
            raise ValidationError(_("That is not your password."), code="wrong")
        return password


def _is_answer(request: HttpRequest) -> bool:
    return request.method == "POST" and f"{_PREFIX}-password" in request.POST


def _was_sent(request: HttpRequest) -> bool:
    """Whether the prompt stands before a form that was sent, be it without fields."""
    return request.method == "POST" and (
        not _is_answer(request) or f"{_PREFIX}-post" in request.POST
    )


def _carried(request: HttpRequest) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in _NEVER_CARRIED and not name.startswith(f"{_PREFIX}-")
    ]


def _without_answer(request: HttpRequest) -> None:
    """Leave the view only what it asked for."""
    post = QueryDict(mutable=True)
    for name, value in _carried(request):
        post.appendlist(name, value)
    post._mutable = False
    request.POST = post  # type: ignore[assignment]


def sudo_page(view: View, *, gate: Callable[[View], View] = account_page) -> View:
    """An account page that needs sudo mode; asks for the password where it is over."""

    @gate
    @sensitive_post_parameters()
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_open(request) and not _is_answer(request):
            return view(request, *args, **kwargs)
        form = SudoForm(
            request.POST if _is_answer(request) else None,
            user=request.user,  # type: ignore[arg-type]
            by=request.actor,  # type: ignore[attr-defined]
        )
        if form.is_bound and form.is_valid():
            keep_session(request)
            open_sudo(request)
            if not _was_sent(request):
                return HttpResponseRedirect(request.get_full_path())
            _without_answer(request)
            return view(request, *args, **kwargs)
        context = {
            "form": form,
            "carried": _carried(request),
            "is_post": _was_sent(request),
        }
        status = 403 if request.method == "POST" else 200
        return render(request, "accounts/sudo.html", context, status=status)

    return guarded
