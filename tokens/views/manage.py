"""A person's API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.gates import account_page
from accounts.sudo import sudo_page
from accounts.switches import SwitchedOff
from audit.rendering import history
from tokens.descriptions import describe_scope, describe_token
from tokens.forms import NameForm
from tokens.models import APIToken
from tokens.operations import lifecycle
from tokens.uses import uses_of
from tokens.views.create import problem_of

PAGE_LENGTH = 20


@account_page
@require_safe
def list_tokens(request: HttpRequest) -> HttpResponse:
    """The active tokens, and those that were revoked last."""
    tokens = APIToken.objects.of(request.user).prefetch_related("projects")
    active = [(token, describe_scope(token)) for token in tokens.active()]
    problem = problem_of(request.user)
    context = {
        "nav": "tokens",
        "tokens": active,
        "revoked": tokens.exclude(revoked_at=None).order_by("-revoked_at")[:20],
        "problem": problem,
        "is_switched_off": isinstance(problem, SwitchedOff),
        "soon": timezone.now() + timedelta(days=7),
    }
    return render(request, "tokens/list.html", context)


@account_page
@require_safe
def show_token(request: HttpRequest, pk: Any) -> HttpResponse:
    """What one token may do, what it was used for, and how often it was refused."""
    token = _own_token(request, pk)
    page = Paginator(uses_of(token), PAGE_LENGTH).get_page(request.GET.get("page"))
    refusals = token.refusals.all()
    refusals_page = Paginator(refusals, PAGE_LENGTH).get_page(request.GET.get("refusals"))
    context = {
        "nav": "tokens",
        "token": token,
        "sentence": describe_token(token),
        "page": page,
        "lines": history(page.object_list, reader_id=str(request.user.pk)),
        "refusals": refusals_page,
        "refused": refusals.aggregate(sum=Sum("count"))["sum"] or 0,
        "denials": token.denials.select_related("project"),
    }
    return render(request, "tokens/token.html", context)


def _rename_token(request: HttpRequest, pk: Any) -> HttpResponse:
    """Ask for another name, then rename."""
    token = _own_token(request, pk)
    data = request.POST if request.method == "POST" else None
    form = NameForm(data, user=token.user, initial={"name": token.name})
    if form.is_bound and form.is_valid():
        try:
            lifecycle.rename_token(
                token,
                name=form.cleaned_data["name"],
                by=request.actor,  # type: ignore[attr-defined]
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect("tokens:token-detail", token.pk)
    context = {"nav": "tokens", "token": token, "form": form}
    return render(request, "tokens/rename.html", context)


def _revoke_token(request: HttpRequest, pk: Any) -> HttpResponse:
    """Ask, then revoke."""
    token = _own_token(request, pk)
    if request.method != "POST":
        context = {"nav": "tokens", "token": token, "sentence": describe_token(token)}
        return render(request, "tokens/revoke.html", context)
    lifecycle.revoke_token(
        token,
        reason="revoked by its owner",
        by=request.actor,  # type: ignore[attr-defined]
    )
    messages.success(request, _("The API token %s was revoked.") % token.name)
    return redirect("tokens:token-list")


def _own_token(request: HttpRequest, pk: Any) -> APIToken:
    return get_object_or_404(APIToken.objects.of(request.user), pk=pk)


rename_token = sudo_page(_rename_token)
revoke_token = sudo_page(_revoke_token)
