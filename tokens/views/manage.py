"""A person's API tokens."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.gates import account_page
from accounts.sudo import sudo_page
from tokens.forms import CreateTokenForm
from tokens.models import APIToken
from tokens.operations import lifecycle


@account_page
@require_http_methods(["GET", "HEAD"])
def list_tokens(request: HttpRequest) -> HttpResponse:
    """The active tokens, and those that were revoked last."""
    tokens = APIToken.objects.of(request.user).prefetch_related("projects")
    context = {
        "nav": "tokens",
        "tokens": tokens.active(),
        "revoked": tokens.exclude(revoked_at=None).order_by("-revoked_at")[:20],
        "problem": _problem(request.user),
    }
    return render(request, "tokens/list.html", context)


def _problem(user: Any) -> str:
    try:
        lifecycle.require_may_create(user)
    except PermissionDenied as error:
        return str(error)
    return ""


def _create_token(request: HttpRequest) -> HttpResponse:
    """The form; once it is right, the token, in the same answer and never again."""
    user: Any = request.user
    if problem := _problem(user):
        messages.error(request, problem)
        return redirect("accounts:security")
    form = CreateTokenForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        try:
            token, text = lifecycle.create_token(
                user,
                name=form.cleaned_data["name"],
                projects=form.chosen_projects(),
                by=request.actor,  # type: ignore[attr-defined]
            )
        except (ValidationError, PermissionDenied) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        else:
            context = {"nav": "tokens", "token": token, "text": text, "site_url": settings.SITE_URL}
            return render(request, "tokens/created.html", context)
    return render(request, "tokens/create.html", {"nav": "tokens", "form": form})


def _revoke_token(request: HttpRequest, pk: Any) -> HttpResponse:
    """Ask, then revoke."""
    token = get_object_or_404(APIToken, pk=pk, user=request.user)
    if request.method != "POST":
        return render(request, "tokens/revoke.html", {"nav": "tokens", "token": token})
    lifecycle.revoke_token(
        token,
        reason="revoked by its owner",
        by=request.actor,  # type: ignore[attr-defined]
    )
    messages.success(request, _("The API token %s was revoked.") % token.name)
    return redirect("tokens:token-list")


create_token = sudo_page(_create_token)
revoke_token = sudo_page(_revoke_token)
