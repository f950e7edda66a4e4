"""Making an API token: the form, one sentence that says what it will allow, and the token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import switches
from accounts.sudo import sudo_page
from tokens.descriptions import describe_grant, describe_token
from tokens.forms import CreateTokenForm, initial_like
from tokens.grants import Grant, Scope
from tokens.models import APIToken
from tokens.operations import lifecycle


def problem_of(user: Any) -> PermissionDenied | None:
    """Why this person cannot make tokens yet."""
    try:
        lifecycle.require_may_create(user)
    except PermissionDenied as error:
        return error
    return None


def _create_token(request: HttpRequest) -> HttpResponse:
    """The form; once it is right, what it means; once that is confirmed, the token, in the same
    answer and never again.
    """
    user: Any = request.user
    switches.TOKEN_CREATION.require_on()  # the page that says so keeps what was typed
    if problem := problem_of(user):
        messages.error(request, str(problem))
        return redirect("accounts:security")
    form = _form(request)
    if not form.is_bound or not form.is_valid() or form.grant is None:
        return _page(request, form)
    if "confirm" not in request.POST:
        if "change" in request.POST:
            return _page(request, form)
        return render(request, "tokens/confirm.html", _meaning(form, form.grant))
    try:
        token, text = lifecycle.create_token(
            user,
            name=form.cleaned_data["name"],
            grant=form.grant,
            factor=_factor_of(user),
            by=request.actor,  # type: ignore[attr-defined]
        )
    except (ValidationError, PermissionDenied) as error:
        form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        return _page(request, form)
    context = {
        "nav": "tokens",
        "token": token,
        "text": text,
        "site_url": settings.SITE_URL,
        "sentence": describe_token(token),
        "replaces": _replaced(request, form.cleaned_data["like"]),
    }
    return render(request, "tokens/created.html", context)


def _form(request: HttpRequest) -> CreateTokenForm:
    user: Any = request.user
    by = request.actor  # type: ignore[attr-defined]
    if request.method == "POST":
        return CreateTokenForm(request.POST, user=user, by=by)
    model = _model(request, request.GET.get("like"))
    return CreateTokenForm(user=user, by=by, initial=initial_like(model) if model else None)


def _model(request: HttpRequest, pk: Any) -> APIToken | None:
    """The token of one's own that another like it is made of; one that was revoked will do."""
    try:
        return APIToken.objects.of(request.user).filter(pk=pk).first()
    except ValidationError:  # no UUID
        return None


def _replaced(request: HttpRequest, pk: Any) -> APIToken | None:
    """That token, if it still has to be revoked."""
    model = _model(request, pk)
    return model if model is not None and model.revoked_at is None else None


def _page(request: HttpRequest, form: CreateTokenForm) -> HttpResponse:
    return render(request, "tokens/create.html", {"nav": "tokens", "form": form})


def _meaning(form: CreateTokenForm, grant: Grant) -> dict[str, Any]:
    return {
        "nav": "tokens",
        "form": form,
        "name": form.cleaned_data["name"],
        "sentence": describe_grant(grant, form.user),
        "is_wide": grant.scope == Scope.ALL,
        "is_endless": grant.expires_at is None,
    }


def _factor_of(user: Any) -> str:
    """The second factor that this session was verified with."""
    device = getattr(user, "otp_device", None)
    return f"{device._meta.verbose_name} {device.name}".strip() if device is not None else ""


create_token = sudo_page(_create_token)
