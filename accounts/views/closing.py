"""Deleting one's account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.forms.closing import CloseAccountForm
from accounts.operations import closing
from accounts.sudo import SHORT, sudo_page


def _close_account(request: HttpRequest) -> HttpResponse:
    """What stands in the way, or the form; then the account is gone, and so is this session."""
    user: Any = request.user
    form = CloseAccountForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            closing.close_account(user, by=request.actor)  # type: ignore[attr-defined]
        except ValidationError as error:
            form.add_error(None, error)
        except PermissionDenied as error:  # it is deleted already, or is of staff no more
            request.session.flush()
            messages.error(request, str(error))
            return redirect("two_factor:login")
        else:
            request.session.flush()
            return render(request, "accounts/account_closed.html")
    context = {"nav": "security", "form": form, "obstacles": closing.find_obstacles(user)}
    return render(request, "accounts/close_account.html", context)


close_account = sudo_page(_close_account, lasts=SHORT)
